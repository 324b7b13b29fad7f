//! Keeps the volume of the runner from blocking the cluster autoscaler.
//!
//! The autoscaler does not evict a pod with an `emptyDir`, unless an annotation lists the volume. Its value is a list of
//! names with commas and without spaces.
//! <https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/FAQ.md>

use serde_json::{Value, json};

use crate::cluster::manifest::Manifest;
use crate::experiment::build::json::{is_named, items};
use chaostoolkit_api::names;

/// Adds the volume of the runner to the annotation, if the pod has the volume.
pub fn allow(pod: &mut Manifest) {
    if !items(&mut pod.value["spec"], "volumes").iter().any(|volume| is_named(volume, names::RUNNER_VOLUME)) {
        return;
    }
    let annotations = pod.map(&["metadata", "annotations"]);
    let listed = match annotations.get(names::EVICTABLE_VOLUMES_ANNOTATION) {
        None => "",
        Some(Value::String(listed)) => listed.trim(),
        // The API server refuses such a value.
        Some(_) => return,
    };
    if listed.split(',').any(|volume| volume == names::RUNNER_VOLUME) {
        return;
    }
    let separator = if listed.is_empty() { "" } else { "," };
    let listed = format!("{listed}{separator}{}", names::RUNNER_VOLUME);
    annotations.insert(names::EVICTABLE_VOLUMES_ANNOTATION.to_owned(), json!(listed));
}
