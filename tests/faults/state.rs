//! The final state of a run, in a form in which two runs can be compared.

use std::collections::BTreeMap;

use chaostoolkit_api::Status;
use chaostoolkit_api::names;
use kube::api::DynamicObject;
use serde_json::{Value, json};

use crate::common::install::Install;

/// The prefix of the name of a volume that Kubernetes adds. Five characters follow.
const TOKEN: &str = "kube-api-access-";

/// Returns all objects of an experiment in all namespaces, with their names masked.
pub async fn children(install: &Install, bound: &str, uid: &str) -> Value {
    let all = install.labeled(&format!("{}={uid}", names::UID_LABEL)).await;
    let mut masks = vec![
        (uid.to_owned(), "UID".to_owned()),
        (names::suffix(uid), "SUFFIX".to_owned()),
        // Longer names come first, since shorter names are their prefixes.
        (bound.to_owned(), "BOUND".to_owned()),
        (install.run_namespace.clone(), "RUNS".to_owned()),
        (install.namespace.clone(), "OPERATOR".to_owned()),
    ];
    for (kind, object) in &all {
        masks.extend(given(kind, object));
    }
    let masked = all.into_iter().map(|(kind, object)| {
        let masked = masked(&masks, object);
        let key = format!("{kind} {}/{}", masked["metadata"]["namespace"], masked["metadata"]["name"]);
        (key.replace('"', ""), masked)
    });
    json!(masked.collect::<BTreeMap<String, Value>>())
}

/// Returns the masks for values that other objects repeat and that differ from run to run: values that Kubernetes
/// generated, and a hash over all names.
fn given(kind: &str, object: &DynamicObject) -> Vec<(String, String)> {
    let metadata = &object.metadata;
    let hash = metadata.annotations.as_ref().and_then(|all| all.get(names::SPEC_HASH_ANNOTATION));
    let mark = metadata.annotations.as_ref().and_then(|all| all.get(names::MARK_ANNOTATION));
    let name = metadata.generate_name.as_ref().and(metadata.name.as_ref());
    [(metadata.uid.as_ref(), "UID"), (hash, "HASH"), (mark, "MARK"), (name, "NAME")]
        .into_iter()
        .filter_map(|(given, what)| Some((given?.clone(), format!("{kind}-{what}"))))
        .collect()
}

fn masked(masks: &[(String, String)], object: DynamicObject) -> Value {
    let mut object = serde_json::to_value(object).unwrap();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for changing in ["uid", "resourceVersion", "creationTimestamp", "managedFields", "generation"] {
            metadata.remove(changing);
        }
    }
    // The rig plays the kubelet, so only the end counts.
    if let Some(status) = object.get_mut("status") {
        *status = json!({"phase": status["phase"], "containers": status["containerStatuses"]});
    }
    let mut text = object.to_string();
    for (part, mask) in masks {
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

/// Returns the content of a status without times and names.
pub fn status(status: &Status) -> Value {
    let conditions: BTreeMap<String, String> = status
        .conditions
        .iter()
        .map(|found| (found.type_.clone(), format!("{}/{}", found.status, found.reason)))
        .collect();
    // An operator may have seen more or less of a run in progress. Ended runs of a schedule are in the
    // history.
    let run = status.run.clone().filter(|_| status.schedule.is_none()).unwrap_or_default();
    let past = status.history.iter().map(|past| {
        json!({"number": past.run.number, "phase": past.phase, "reason": past.reason, "outcome": past.outcome,
            "exitCode": past.run.exit_code, "trigger": past.run.trigger})
    });
    json!({
        "phase": status.phase, "reason": status.reason, "outcome": status.outcome, "conclusive": status.conclusive,
        "conditions": conditions, "counters": status.counters, "number": run.number, "exitCode": run.exit_code,
        "terminatedReason": run.terminated_reason, "resources": status.resources.len(),
        "cron": status.schedule.as_ref().map(|schedule| &schedule.cron), "history": past.collect::<Vec<_>>(),
    })
}

/// Removes from a status what it says about a cleanup that was refused for a while.
pub fn forgive_blocked_cleanup(status: &mut Value, reference: &Value) {
    if let Some(conditions) = status["conditions"].as_object_mut()
        && conditions.remove("CleanupBlocked").is_some()
    {
        status["reason"] = reference["reason"].clone();
    }
}

/// Returns the differences between two values, one line each.
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
