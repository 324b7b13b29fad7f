//! How things are in the end, in a form that two runs can be compared by.

use std::collections::BTreeMap;

use chaostoolkit_operator::api::Status;
use chaostoolkit_operator::names;
use kube::api::{Api, DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};

use crate::common::install::Install;

const KINDS: [(&str, &str); 5] = [
    ("", "Pod"),
    ("", "ConfigMap"),
    ("", "ServiceAccount"),
    ("rbac.authorization.k8s.io", "Role"),
    ("rbac.authorization.k8s.io", "RoleBinding"),
];

/// What the name of a volume that Kubernetes adds begins with; five characters follow.
const TOKEN: &str = "kube-api-access-";

/// All objects of an experiment, in all namespaces.
pub async fn children(install: &Install, bound: &str, uid: &str) -> Value {
    let mut found = BTreeMap::new();
    let ours = ListParams::default().labels(&format!("{}={uid}", names::UID_LABEL));
    for (group, kind) in KINDS {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", kind));
        let api = Api::<DynamicObject>::all_with(install.client.clone(), &resource);
        for object in api.list(&ours).await.unwrap() {
            let masked = masked(install, bound, uid, object);
            let key = format!("{kind} {}/{}", masked["metadata"]["namespace"], masked["metadata"]["name"]);
            found.insert(key.replace('"', ""), masked);
        }
    }
    json!(found)
}

fn masked(install: &Install, bound: &str, uid: &str, object: DynamicObject) -> Value {
    let mut object = serde_json::to_value(object).unwrap();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for changing in ["uid", "resourceVersion", "creationTimestamp", "managedFields", "generation"] {
            metadata.remove(changing);
        }
    }
    // The kubelet's part is the rig's own, but for the end.
    if let Some(status) = object.get_mut("status") {
        *status = json!({"phase": status["phase"], "containers": status["containerStatuses"]});
    }
    let mut text = object.to_string();
    // The longer names first, since they begin like the shorter.
    for (part, mask) in [
        (uid, "UID"),
        (names::suffix(uid).as_str(), "SUFFIX"),
        (bound, "BOUND"),
        (install.run_namespace.as_str(), "RUNS"),
        (install.namespace.as_str(), "OPERATOR"),
    ] {
        text = text.replace(part, mask);
    }
    let mut parts = text.split(TOKEN);
    let mut masked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        masked.push_str(TOKEN);
        masked.push_str(part.get(5..).unwrap_or_default());
    }
    serde_json::from_str(&masked).unwrap()
}

/// What a status says, without times and names.
pub fn status(status: &Status) -> Value {
    let conditions: BTreeMap<String, String> = status
        .conditions
        .iter()
        .map(|found| (found.type_.clone(), format!("{}/{}", found.status, found.reason)))
        .collect();
    let run = status.run.clone().unwrap_or_default();
    json!({
        "phase": status.phase, "reason": status.reason, "outcome": status.outcome, "conclusive": status.conclusive,
        "conditions": conditions, "counters": status.counters, "number": run.number, "exitCode": run.exit_code,
        "terminatedReason": run.terminated_reason, "resources": status.resources.len(),
    })
}

/// Takes out of a status what it says of a cleanup that was refused for a while.
pub fn forgive_blocked_cleanup(status: &mut Value, reference: &Value) {
    if let Some(conditions) = status["conditions"].as_object_mut()
        && conditions.remove("CleanupBlocked").is_some()
    {
        status["reason"] = reference["reason"].clone();
    }
}

/// Where two values differ, one line each.
pub fn difference(wanted: &Value, found: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    compare("", wanted, found, &mut lines);
    lines
}

fn compare(path: &str, wanted: &Value, found: &Value, lines: &mut Vec<String>) {
    match (wanted, found) {
        (Value::Object(left), Value::Object(right)) => {
            let keys: std::collections::BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            for key in keys {
                let of = |side: &serde_json::Map<String, Value>| side.get(key).cloned().unwrap_or_default();
                compare(&format!("{path}.{key}"), &of(left), &of(right), lines);
            }
        }
        _ if wanted == found => {}
        _ => lines.push(format!("{path}: {wanted} in the reference, {found} here")),
    }
}
