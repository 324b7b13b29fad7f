//! Third step of a pass, pure: from the plan and the templates to the objects.
//!
//! One file per kind. What all children have in common (who owns them, where they are) is put on last and here, so
//! that no template and no label of an author's can stand in for it.

mod config_map;
mod cron_job;
mod injection;
mod namespace;
mod pod;
mod rbac;

use serde_json::{Value, json};

use crate::cluster::manifest::{Kind, Manifest, Resources};
use crate::experiment::decide::plan::{Owner, Plan};
use crate::experiment::decide::templates::{Template, TemplateError, Templates};
use chaostoolkit_api::names;

/// Makes all objects of a run.
pub fn build(plan: &Plan, templates: &Templates) -> Result<Resources, TemplateError> {
    let Plan { owner, namespace, rights, .. } = plan;
    let mut owned = Vec::new();
    owned.extend(rbac::service_account(plan, templates)?.map(|account| placed(account, namespace)));
    for namespace in std::iter::once(namespace).chain(&rights.namespaces) {
        owned.extend(rbac::role(plan, templates)?.map(|role| placed(role, namespace)));
        owned.extend(rbac::role_binding(plan, templates)?.map(|binding| placed(binding, namespace)));
    }
    owned.extend(config_map::env(plan).map(|env| placed(env, namespace)));
    owned.extend(config_map::experiment(plan).map(|experiment| placed(experiment, namespace)));
    for manifest in &mut owned {
        mark(manifest, owner);
    }
    let mut pod = placed(pod::pod(plan, templates)?, namespace);
    if plan.is_rescue {
        let name = names::rescue(pod.name());
        pod.map(&["metadata"]).insert("name".to_owned(), name.into());
    }
    let mut workload = match &plan.schedule {
        None => pod,
        Some(schedule) => placed(cron_job::cron_job(plan, schedule, templates, pod)?, namespace),
    };
    mark(&mut workload, owner);
    match workload.kind {
        Kind::CronJob => cron_job::mark(&mut workload, owner),
        _ => pod::mark(&mut workload, owner.number),
    }
    Ok(Resources { namespace: namespace::namespace(plan, templates)?, owned, workload })
}

/// The object of a template, with the name that the child of this owner gets.
fn child(templates: &Templates, template: Template, owner: &Owner) -> Result<Manifest, TemplateError> {
    Ok(named(Manifest::new(template.kind(), templates.object(template)?), owner))
}

/// An object with the suffix of its owner on its name.
fn named(mut manifest: Manifest, owner: &Owner) -> Manifest {
    let name = names::child(manifest.name(), &owner.suffix());
    manifest.map(&["metadata"]).insert("name".to_owned(), name.into());
    manifest
}

/// An object in a namespace.
fn placed(mut manifest: Manifest, namespace: &str) -> Manifest {
    manifest.map(&["metadata"]).insert("namespace".to_owned(), namespace.into());
    manifest
}

/// Puts the labels of an experiment on an object at a path of keys; those that are there already stay.
fn label(manifest: &mut Manifest, path: &[&str], owner: &Owner) {
    let labels = manifest.map(path);
    for (label, value) in &owner.labels {
        labels.entry(label.clone()).or_insert_with(|| value.clone().into());
    }
}

/// Says on an object whose it is, and takes off what could tie it to somebody else.
fn mark(manifest: &mut Manifest, owner: &Owner) {
    let metadata = manifest.map(&["metadata"]);
    for foreign in ["ownerReferences", "finalizers", "generateName", "uid", "resourceVersion"] {
        metadata.remove(foreign);
    }
    mark_at(manifest, &["metadata"], owner);
}

/// Says whose it is in the metadata at a path of keys.
fn mark_at(manifest: &mut Manifest, path: &[&str], owner: &Owner) {
    let at = |key| [path, &[key]].concat();
    manifest.map(&at("labels")).insert(names::UID_LABEL.to_owned(), owner.uid.clone().into());
    manifest
        .map(&at("annotations"))
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

/// The mapping at a key, made if it is not there.
fn entry<'a>(value: &'a mut Value, key: &str) -> &'a mut Value {
    if !value[key].is_object() {
        value[key] = json!({});
    }
    &mut value[key]
}

/// Appends to the list at a key, made if it is not there.
fn push(value: &mut Value, key: &str, item: Value) {
    match value.get_mut(key).and_then(Value::as_array_mut) {
        Some(list) => list.push(item),
        None => value[key] = json!([item]),
    }
}

/// Whether an item has this name.
fn is_named(item: &Value, name: &str) -> bool {
    item.get("name") == Some(&json!(name))
}

#[cfg(test)]
mod tests;
