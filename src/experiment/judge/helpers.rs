//! Helpers: the containers beside that of the toolkit, such as agents and proxies. Pure.

use k8s_openapi::api::core::v1::Pod;

use crate::experiment::judge::pod_state::container;

/// Returns the names of the helpers that keep a pod from ending, although the container of the toolkit has ended.
///
/// The kubelet stops native sidecars by itself once all other containers have ended.
#[must_use]
pub fn going_on(pod: &Pod) -> Vec<String> {
    let status = pod.status.clone().unwrap_or_default();
    let is_ending = pod.metadata.deletion_timestamp.is_some()
        || matches!(status.phase.as_deref(), Some("Failed" | "Succeeded"));
    let statuses = status.container_statuses.unwrap_or_default();
    let Some(toolkit) = container(pod, &statuses).filter(|_| !is_ending) else { return Vec::new() };
    let has_ended = |name: &str| {
        let found = statuses.iter().find(|status| status.name == name);
        found.is_some_and(|status| status.state.as_ref().is_some_and(|state| state.terminated.is_some()))
    };
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let others = containers.filter(|container| container.name != toolkit.name);
    others.map(|helper| helper.name.clone()).filter(|name| !has_ended(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    /// A pod whose helper has this state.
    fn pod(helper: &Value) -> Value {
        json!({
            "metadata": {},
            "spec": {"containers": [{"name": "helper"}, {"name": "chaostoolkit"}]},
            "status": {"phase": "Running", "containerStatuses": [
                {"name": "helper", "image": "", "imageID": "", "ready": true, "restartCount": 0, "state": helper},
                {"name": "chaostoolkit", "image": "", "imageID": "", "ready": true, "restartCount": 0,
                    "state": {"terminated": {"exitCode": 0}}},
            ]},
        })
    }

    fn found(pod: Value) -> Vec<String> {
        going_on(&serde_json::from_value(pod).unwrap())
    }

    #[rstest]
    #[case::runs(json!({"running": {}}), &["helper"])]
    #[case::cannot_start(json!({"waiting": {"reason": "ImagePullBackOff"}}), &["helper"])]
    #[case::has_ended(json!({"terminated": {"exitCode": 1}}), &[])]
    fn a_helper_goes_on_until_it_has_ended(#[case] state: Value, #[case] expected: &[&str]) {
        assert_eq!(found(pod(&state)), expected);
    }

    #[test]
    fn a_pod_that_ends_anyway_has_no_helper_that_goes_on() {
        let running = json!({"running": {}});
        let mut deleted = pod(&running);
        deleted["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        let mut failed = pod(&running);
        failed["status"]["phase"] = json!("Failed");
        let mut alone = pod(&running);
        alone["spec"]["containers"] = json!([{"name": "chaostoolkit"}]);
        for pod in [deleted, failed, alone] {
            assert_eq!(found(pod), [""; 0]);
        }
    }
}
