//! What all objects of a run have in common: their names, namespace, owner and labels.

use crate::cluster::manifest::Manifest;
use crate::experiment::decide::plan::Owner;
use crate::experiment::decide::templates::{Template, Templates};
use crate::experiment::error::TemplateError;
use chaostoolkit_api::names;

/// The object of a template, with the name that the child of this owner gets.
pub fn child(templates: &Templates, template: Template, owner: &Owner) -> Result<Manifest, TemplateError> {
    Ok(named(Manifest::new(template.kind(), templates.object(template)?), owner))
}

/// An object with the suffix of its owner on its name.
pub fn named(mut manifest: Manifest, owner: &Owner) -> Manifest {
    let name = names::child(manifest.name(), &owner.suffix());
    manifest.map(&["metadata"]).insert("name".to_owned(), name.into());
    manifest
}

/// An object in a namespace.
pub fn placed(mut manifest: Manifest, namespace: &str) -> Manifest {
    manifest.map(&["metadata"]).insert("namespace".to_owned(), namespace.into());
    manifest
}

/// Puts the labels of an experiment on an object at a path of keys; those that are there already stay.
pub fn label(manifest: &mut Manifest, path: &[&str], owner: &Owner) {
    let labels = manifest.map(path);
    for (label, value) in &owner.labels {
        labels.entry(label.clone()).or_insert_with(|| value.clone().into());
    }
}

/// Says on an object whose it is, and takes off what could tie it to somebody else.
pub fn mark(manifest: &mut Manifest, owner: &Owner) {
    let metadata = manifest.map(&["metadata"]);
    for foreign in ["ownerReferences", "finalizers", "generateName", "uid", "resourceVersion"] {
        metadata.remove(foreign);
    }
    mark_at(manifest, &["metadata"], owner);
}

/// Says whose it is in the metadata at a path of keys.
pub fn mark_at(manifest: &mut Manifest, path: &[&str], owner: &Owner) {
    let at = |key| [path, &[key]].concat();
    manifest.map(&at("labels")).insert(names::UID_LABEL.to_owned(), owner.uid.clone().into());
    manifest
        .map(&at("annotations"))
        .insert(names::EXPERIMENT_ANNOTATION.to_owned(), owner.key.clone().into());
}
