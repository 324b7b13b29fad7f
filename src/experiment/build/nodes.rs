//! Keeps pods of runs from nodes that cannot run them.
//!
//! The runner and the images of the toolkit are programs for Linux. A cluster may have nodes with Windows, too, whose label the kubelet
//! sets: <https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-os>

use serde_json::{Value, json};

/// The label of a node that names its operating system.
const OS: &str = "kubernetes.io/os";

/// Asks for a node with Linux, unless the spec of the pod says something of a node's operating system, or names a node.
pub fn ask_for_linux(spec: &mut Value) {
    // That includes the older `beta.kubernetes.io/os`.
    let names_os = |value: &Value| value.to_string().contains(OS);
    let says = !spec["nodeName"].is_null()
        || !spec["os"].is_null()
        || names_os(&spec["nodeSelector"])
        || names_os(&spec["affinity"]["nodeAffinity"]);
    if says {
        return;
    }
    match &mut spec["nodeSelector"] {
        Value::Object(labels) => {
            labels.insert(OS.to_owned(), json!("linux"));
        }
        missing @ Value::Null => *missing = json!({OS: "linux"}),
        // The API server refuses such a selector.
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::silent(json!({}), json!({OS: "linux"}))]
    #[case::other_labels(json!({"nodeSelector": {"disk": "ssd"}}), json!({"disk": "ssd", OS: "linux"}))]
    #[case::other_affinity(json!({"affinity": {"nodeAffinity": {"x": [{"key": "disk"}]}}}), json!({OS: "linux"}))]
    #[case::windows(json!({"nodeSelector": {OS: "windows"}}), json!({OS: "windows"}))]
    #[case::older(json!({"nodeSelector": {"beta.kubernetes.io/os": "windows"}}), json!({"beta.kubernetes.io/os": "windows"}))]
    #[case::affinity(json!({"affinity": {"nodeAffinity": {"x": [{"key": OS}]}}}), json!(null))]
    #[case::os(json!({"os": {"name": "windows"}}), json!(null))]
    #[case::node(json!({"nodeName": "node-1"}), json!(null))]
    #[case::wrong(json!({"nodeSelector": "linux"}), json!("linux"))]
    fn a_pod_asks_for_linux_where_nothing_is_said(#[case] mut spec: Value, #[case] expected: Value) {
        ask_for_linux(&mut spec);
        assert_eq!(spec["nodeSelector"], expected);
    }
}
