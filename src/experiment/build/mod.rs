//! Third step of a pass, pure: from the plan and the templates to the objects.
//!
//! One file per kind. What all children have in common (who owns them, where they are) is put on last and here, so
//! that no template and no label of an author's can stand in for it.

mod config_map;
mod namespace;
mod pod;
mod rbac;

use serde_json::{Value, json};

use super::plan::{Owner, Plan};
use super::resource::{Kind, Manifest, Resources};
use super::templates::{TemplateError, Templates};
use crate::names;

/// Makes all objects of a run.
pub fn build(plan: &Plan, templates: &Templates) -> Result<Resources, TemplateError> {
    let account = rbac::Account::of(plan, templates)?;
    let mut owned = Vec::new();
    owned.extend(rbac::service_account(plan, templates)?);
    owned.extend(rbac::role(plan, templates)?);
    owned.extend(rbac::role_binding(plan, templates, &account)?);
    owned.extend(config_map::env(plan));
    for manifest in &mut owned {
        place(manifest, &plan.namespace);
        mark(manifest, &plan.owner);
    }
    let mut pod = pod::pod(plan, templates, &account)?;
    place(&mut pod, &plan.namespace);
    mark(&mut pod, &plan.owner);
    pod::mark(&mut pod, plan.number);
    Ok(Resources { namespace: namespace::namespace(plan, templates)?, owned, pod })
}

/// The object of a template, with the name that the child of this owner gets.
fn child(templates: &Templates, kind: Kind, owner: &Owner) -> Result<Manifest, TemplateError> {
    let mut manifest = Manifest::new(kind, templates.object(kind)?);
    let name = names::child(manifest.name(), &owner.suffix());
    manifest.map(&["metadata"]).insert("name".to_owned(), name.into());
    Ok(manifest)
}

/// Puts an object into a namespace.
fn place(manifest: &mut Manifest, namespace: &str) {
    manifest.map(&["metadata"]).insert("namespace".to_owned(), namespace.into());
}

/// Says on an object whose it is, and takes off what could tie it to somebody else.
fn mark(manifest: &mut Manifest, owner: &Owner) {
    let metadata = manifest.map(&["metadata"]);
    for foreign in ["ownerReferences", "finalizers", "generateName", "uid", "resourceVersion"] {
        metadata.remove(foreign);
    }
    manifest.map(&["metadata", "labels"]).insert(names::UID_LABEL.to_owned(), owner.uid.clone().into());
    manifest
        .map(&["metadata", "annotations"])
        .insert(names::EXPERIMENT_ANNOTATION.to_owned(), owner.key.clone().into());
}

/// A list of objects at a key, for changing them in place; empty where there is none.
fn items<'a>(value: &'a mut Value, key: &str) -> &'a mut [Value] {
    value.get_mut(key).and_then(Value::as_array_mut).map_or(&mut [], Vec::as_mut_slice)
}

/// Takes the items out of the list at `key` that are not wanted, and the list when it is empty then.
fn retain(value: &mut Value, key: &str, wanted: impl Fn(&Value) -> bool) {
    let Some(list) = value.get_mut(key).and_then(Value::as_array_mut) else {
        return;
    };
    list.retain(wanted);
    if list.is_empty()
        && let Some(map) = value.as_object_mut()
    {
        map.remove(key);
    }
}

/// Whether an item has this name.
fn is_named(item: &Value, name: &str) -> bool {
    item.get("name") == Some(&json!(name))
}

#[cfg(test)]
mod tests;
