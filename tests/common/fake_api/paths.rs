//! The paths of objects, and the answers that report a failure.

use serde_json::{Value, json};

use super::Answer;

const ADMISSION: &str = "/apis/admissionregistration.k8s.io/v1";

/// The kinds that exist: the root of their paths, their plural and their name.
pub(super) const KINDS: [(&str, &str, &str); 18] = [
    ("/api/v1", "namespaces", "Namespace"),
    ("/api/v1", "pods", "Pod"),
    ("/api/v1", "configmaps", "ConfigMap"),
    ("/api/v1", "serviceaccounts", "ServiceAccount"),
    ("/apis/rbac.authorization.k8s.io/v1", "roles", "Role"),
    ("/apis/rbac.authorization.k8s.io/v1", "rolebindings", "RoleBinding"),
    ("/apis/rbac.authorization.k8s.io/v1", "clusterrolebindings", "ClusterRoleBinding"),
    ("/apis/batch/v1", "cronjobs", "CronJob"),
    ("/apis/batch/v1", "jobs", "Job"),
    ("/apis/chaostoolkit.org/v1", "chaosexperiments", "ChaosToolkitExperiment"),
    ("/apis/chaostoolkit.org/v1", "chaosruns", "ChaosToolkitRuns"),
    ("/apis/chaostoolkit.org/v1", "chaosfreezes", "ChaosToolkitFreeze"),
    ("/api/v1", "events", "Event"),
    ("/apis/events.k8s.io/v1", "events", "Event"),
    (ADMISSION, "validatingadmissionpolicies", "ValidatingAdmissionPolicy"),
    (ADMISSION, "validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding"),
    (ADMISSION, "mutatingadmissionpolicies", "MutatingAdmissionPolicy"),
    (ADMISSION, "mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding"),
];

/// Returns the path of an object.
pub(super) fn path_of(object: &Value) -> String {
    let (root, plural, _) = KINDS
        .iter()
        .find(|(_, _, kind)| object["kind"] == *kind)
        .unwrap_or_else(|| panic!("no such kind: {object}"));
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("{root}/namespaces/{namespace}/{plural}/{name}"),
        None => format!("{root}/{plural}/{name}"),
    }
}

pub(super) fn namespace_of(path: &str) -> &str {
    path.split("/namespaces/").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default()
}

pub(super) fn is_collection(path: &str) -> bool {
    path.contains("/namespaces/") && KINDS.iter().any(|(_, plural, _)| path.ends_with(&format!("/{plural}")))
}

pub(super) fn path_is_namespace(path: &str) -> bool {
    path.strip_prefix("/api/v1/namespaces/").is_some_and(|rest| !rest.contains('/'))
}

pub(super) fn not_found(path: &str) -> Answer {
    assert!(
        KINDS.iter().any(|(root, plural, _)| path.starts_with(root) && path.contains(&format!("/{plural}/"))),
        "no such kind: {path}"
    );
    failure(404, "NotFound", &format!("{path} not found"))
}

pub(super) fn failure(code: u16, reason: &str, message: &str) -> Answer {
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "code": code, "reason": reason, "message": message});
    (code, status)
}
