//! Merges what an author adds into the pod.

use serde_json::{Map, Value, json};

use crate::cluster::manifest::Manifest;
use crate::experiment::build::json::{is_named, items, named_toolkit, push};
use crate::experiment::decide::plan::{Patches, Plan};
use crate::experiment::decide::templates::{Template, Templates};
use crate::experiment::error::TemplateError;
use crate::strategic;
use chaostoolkit_api::names;

/// Merges the short forms and then the patch of a spec into a pod.
///
/// A patch cannot name what the operator needs, which was checked before. A template may be unlike any pod, though. So the
/// name, the toolkit's container and its command are looked at again. The container stays the first one if it was, since
/// `kubectl logs` takes the first one.
pub fn apply(pod: &mut Manifest, plan: &Plan, templates: &Templates) -> Result<(), TemplateError> {
    let Patches { short, env_from, own } = &plan.patches;
    let name = pod.name().to_owned();
    let was_first = items(&mut pod.value["spec"], "containers").first().is_some_and(is_toolkit);
    let had_command = toolkit(pod).is_some_and(|container| container.get("command").is_some());
    let failed = |problem: String| templates.invalid(Template::Pod, problem);
    if let Some(short) = short {
        merge(&mut pod.value, short).map_err(failed)?;
    }
    for source in env_from {
        if let Some(container) = toolkit(pod) {
            push(container, "envFrom", source.clone());
        }
    }
    let Some(own) = own else { return Ok(()) };
    merge(&mut pod.value, own).map_err(failed)?;
    pod.map(&["metadata"]).insert("name".to_owned(), name.into());
    let lacks_command = |container: &mut Value| had_command && container.get("command").is_none();
    if toolkit(pod).is_none_or(lacks_command) {
        return Err(failed(
            "has no container for the toolkit any more, once spec.pod.patch is applied".to_owned(),
        ));
    }
    let containers = items(&mut pod.value["spec"], "containers");
    if let Some(place) = containers.iter().position(is_toolkit).filter(|_| was_first) {
        containers[..=place].rotate_right(1);
    }
    Ok(())
}

/// Merges the labels and annotations of patches into the metadata of a pod of a `CronJob`.
pub fn metadata(pod: &mut Map<String, Value>, patches: &Patches) -> Result<(), String> {
    for patch in patches.all().filter_map(|patch| patch.get("metadata")) {
        let mut part = json!({"metadata": pod.remove("metadata")});
        merge(&mut part, &json!({"metadata": patch}))?;
        pod.insert("metadata".to_owned(), part["metadata"].take());
    }
    Ok(())
}

fn merge(pod: &mut Value, patch: &Value) -> Result<(), String> {
    let merged = strategic::merge(pod.take(), patch.clone());
    let merged = merged.map_err(|problem| format!("cannot be merged with spec.pod.patch: {problem}"))?;
    *pod = strategic::without_directives(merged);
    Ok(())
}

fn toolkit(pod: &mut Manifest) -> Option<&mut Value> {
    named_toolkit(&mut pod.value["spec"])
}

fn is_toolkit(container: &Value) -> bool {
    is_named(container, names::CONTAINER)
}

#[cfg(test)]
mod tests;
