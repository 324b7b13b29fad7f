//! The namespaces of `spec.targets` in the pod of a run: two variables that refer to annotations.
//!
//! The names are not known when the `CronJob` of a schedule is built, and differ from run to run. Kubernetes lets nobody change
//! the variables of a suspended Job, but the annotations of its pods.
//! <https://kubernetes.io/docs/concepts/workloads/controllers/job/#mutable-scheduling-directives>

use serde_json::{Map, Value, json};

use crate::experiment::build::json::{push, retain};
use chaostoolkit_api::{Targets, names};

/// The variables, and the annotations that they refer to.
const VARIABLES: [(&str, &str); 2] = [
    ("CHAOSTOOLKIT_TARGET_NAMESPACES", names::TARGET_NAMESPACES_ANNOTATION),
    ("CHAOSTOOLKIT_TARGET_NAMESPACE", names::TARGET_NAMESPACE_ANNOTATION),
];

/// Sets the variables of the container of the toolkit. They come first, so that others may refer to them.
pub fn set(container: &mut Value) {
    for (name, annotation) in VARIABLES {
        retain(container, "env", |variable| variable.get("name") != Some(&json!(name)));
        let path = format!("metadata.annotations['{annotation}']");
        let variable =
            json!({"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}});
        match container.get_mut("env").and_then(Value::as_array_mut) {
            Some(list) => list.insert(0, variable),
            None => push(container, "env", variable),
        }
    }
}

/// Returns the annotations of the pod of a run with these targets.
#[must_use]
pub fn annotations(targets: &Targets) -> Map<String, Value> {
    let all = targets.namespaces.join(",");
    let values = [
        (names::TARGET_NAMESPACES_ANNOTATION, all),
        (names::TARGET_NAMESPACE_ANNOTATION, targets.drawn.clone()),
    ];
    values.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect()
}
