//! Keeps Kubernetes from starting the toolkit a second time. That would be a second run of the experiment.

use serde_json::Value;

use crate::experiment::build::json::{items, retain};
use crate::experiment::decide::plan::pod::{restarts_its_container_alone, toolkit_container};

/// The fields of a container that have it restarted whatever the pod says, since Kubernetes 1.34.
/// <https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-restart-rules>
const OF_A_CONTAINER: [&str; 2] = ["restartPolicy", "restartPolicyRules"];

/// Removes whatever restarts the container of the toolkit in the spec of a pod. Other containers keep what restarts only
/// themselves. If nobody knows which container runs the toolkit, each may.
pub fn forbid(spec: &mut Value) {
    spec["restartPolicy"] = "Never".into();
    let known = toolkit_container(items(spec, "containers"));
    for (index, container) in items(spec, "containers").iter_mut().enumerate() {
        if known.is_none_or(|known| known == index)
            && let Some(container) = container.as_object_mut()
        {
            for field in OF_A_CONTAINER {
                container.remove(field);
            }
        }
    }
    for list in ["containers", "initContainers"] {
        for container in items(spec, list) {
            retain(container, "restartPolicyRules", restarts_its_container_alone);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn forbidden(mut spec: Value) -> Value {
        forbid(&mut spec);
        spec
    }

    #[rstest]
    #[case::named(json!([{"name": "helper"}, {"name": "chaostoolkit", "restartPolicy": "Always"}]), 1)]
    #[case::alone(json!([{"name": "mine", "restartPolicy": "OnFailure", "restartPolicyRules": [{"action": "Restart"}]}]), 0)]
    #[case::unknown(json!([{"name": "a", "restartPolicy": "Always"}, {"name": "b", "restartPolicy": "Always"}]), 1)]
    fn nothing_restarts_the_toolkit(#[case] containers: Value, #[case] at: usize) {
        let spec = forbidden(json!({"restartPolicy": "Always", "containers": containers}));
        assert_eq!(spec["restartPolicy"], "Never");
        let container = spec["containers"][at].as_object().unwrap();
        assert!(container.keys().eq(["name"]), "{container:?}");
    }

    #[test]
    fn other_containers_keep_what_restarts_only_themselves() {
        let rule = json!({"action": "Restart", "exitCodes": {"operator": "In", "values": [3]}});
        let whole = json!({"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [3]}});
        let helper =
            |rules: Value| json!({"name": "helper", "restartPolicy": "Never", "restartPolicyRules": rules});
        let sidecar = json!({"name": "proxy", "restartPolicy": "Always"});
        let spec = forbidden(json!({
            "containers": [{"name": "chaostoolkit"}, helper(json!([whole, rule])), {"name": "x", "restartPolicyRules": [whole]}],
            "initContainers": [sidecar, helper(json!([whole])), helper(json!(["odd", rule]))],
        }));
        assert_eq!(
            spec["containers"],
            json!([{"name": "chaostoolkit"}, helper(json!([rule])), {"name": "x"}])
        );
        let without = json!({"name": "helper", "restartPolicy": "Never"});
        assert_eq!(spec["initContainers"], json!([sidecar, without, helper(json!([rule]))]));
    }
}
