//! Plays the kubelet and the scheduler on a control plane without a node.

use chaostoolkit_journal::message::{Message, State};
use chaostoolkit_journal::{Outcome, Summary};
use k8s_openapi::api::core::v1::{Binding, Pod};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::install::Install;

/// Reports the state of the container, as a kubelet would.
pub async fn report_container(pods: &Api<Pod>, name: &str, state: Value) {
    let phase = if state.get("terminated").is_some() { "Failed" } else { "Running" };
    let status = json!({"status": {"phase": phase, "containerStatuses": [{
        "name": "chaostoolkit", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": state,
    }]}});
    pods.patch_status(name, &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
}

pub fn running() -> Value {
    json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}})
}

/// Returns the end of a container as the runner reports it. With exit code 0 the run has passed; otherwise its
/// experiment was refused.
pub fn terminated(exit_code: i32) -> Value {
    let reason = if exit_code == 0 { "Completed" } else { "Error" };
    let passed = Summary { outcome: Outcome::Passed, conclusive: true, ..Summary::default() };
    let summary = (exit_code == 0).then_some(passed);
    let message = Message { exit_code: Some(exit_code), summary, ..Message::new(State::Ended) };
    json!({"terminated": {"exitCode": exit_code, "reason": reason, "message": message.to_json(),
        "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:07Z"}})
}

/// Returns the end of a container whose toolkit was asked to stop, as the runner reports it.
pub fn interrupted() -> Value {
    let message =
        Message { exit_code: Some(1), stopped_by: Some("SIGTERM".to_owned()), ..Message::new(State::Ended) };
    json!({"terminated": {"exitCode": 1, "reason": "Error", "message": message.to_json(),
        "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:07Z"}})
}

/// Binds a pod to a node that does not exist, so that the API server leaves the end of the pod to a kubelet. This
/// lasts only for a moment: 40 seconds after a node is first missed, its pods are collected. So each test has its own
/// node.
pub async fn bind(install: &Install, name: &str) {
    bind_to(install, name, &install.run_namespace).await;
}

/// Binds a pod to the node with this name.
pub async fn bind_to(install: &Install, name: &str, node: &str) {
    let binding = json!({"metadata": {"name": name}, "target": {"kind": "Node", "name": node}});
    let binding: Binding = serde_json::from_value(binding).unwrap();
    let bound = install.pods().create_subresource("binding", name, &PostParams::default(), &binding).await;
    let _: kube::core::Status = bound.unwrap();
}

/// Removes a deleted pod, as the kubelet does once the containers have ended.
pub async fn end_grace(install: &Install, name: &str) {
    let ended = install.pods().delete(name, &DeleteParams::default().grace_period(0)).await;
    assert!(ended.as_ref().err().is_none_or(is_not_found), "{ended:?}");
}

fn is_not_found(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.is_not_found())
}
