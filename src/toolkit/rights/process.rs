//! Programs that call the API server of Kubernetes by themselves.

use serde_json::Value;

/// The programs that are known to do so.
const TOOLS: [&str; 3] = ["kubectl", "helm", "oc"];

/// Returns the program if a process provider calls one, be it directly or through a shell.
pub(super) fn tool(provider: &Value) -> Option<&'static str> {
    named(&provider["path"]).or_else(|| named(&provider["arguments"]))
}

fn named(value: &Value) -> Option<&'static str> {
    match value {
        Value::String(text) => {
            text.split(|c: char| !(c.is_alphanumeric() || "-_".contains(c))).find_map(known)
        }
        Value::Array(items) => items.iter().find_map(named),
        Value::Object(fields) => fields.values().find_map(named),
        _ => None,
    }
}

/// Returns the tool that a word names. A plugin of kubectl counts as kubectl.
fn known(word: &str) -> Option<&'static str> {
    let word = if word.starts_with("kubectl-") { "kubectl" } else { word };
    TOOLS.into_iter().find(|tool| *tool == word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case(json!({"path": "kubectl", "arguments": "get pods"}), Some("kubectl"))]
    #[case(json!({"path": "/usr/local/bin/helm"}), Some("helm"))]
    #[case(json!({"path": "sh", "arguments": ["-c", "sleep 1; kubectl get pods"]}), Some("kubectl"))]
    #[case(json!({"path": "bash", "arguments": {"-c": "oc get pods"}}), Some("oc"))]
    #[case(json!({"path": "kubectl-argo-rollouts"}), Some("kubectl"))]
    #[case(json!({"path": "curl", "arguments": {"--data": "documentation", "n": 5}}), None)]
    #[case(json!({"path": "mykubectl"}), None)]
    #[case(json!({}), None)]
    fn a_program_that_calls_kubernetes_is_named(#[case] provider: Value, #[case] expected: Option<&str>) {
        assert_eq!(tool(&provider), expected);
    }
}
