//! What all objects of a run have in common: their names, namespace, owner and labels.

use crate::cluster::manifest::Manifest;
use crate::experiment::decide::plan::Owner;
use crate::experiment::decide::templates::{Template, Templates};
use crate::experiment::error::TemplateError;
use chaostoolkit_api::names;

/// Builds the object of a template, with the name of the owner's child.
pub fn child(templates: &Templates, template: Template, owner: &Owner) -> Result<Manifest, TemplateError> {
    Ok(named(Manifest::new(template.kind(), templates.object(template)?), owner))
}

/// Appends the suffix of the owner to the name of an object.
pub fn named(mut manifest: Manifest, owner: &Owner) -> Manifest {
    let name = names::child(manifest.name(), &owner.suffix());
    manifest.map(&["metadata"]).insert("name".to_owned(), name.into());
    manifest
}

/// Sets the namespace of an object.
pub fn placed(mut manifest: Manifest, namespace: &str) -> Manifest {
    manifest.map(&["metadata"]).insert("namespace".to_owned(), namespace.into());
    manifest
}

/// Adds the labels of an experiment at a path of keys. Existing labels stay.
pub fn label(manifest: &mut Manifest, path: &[&str], owner: &Owner) {
    let labels = manifest.map(path);
    for (label, value) in &owner.labels {
        labels.entry(label.clone()).or_insert_with(|| value.clone().into());
    }
}

/// Marks an object with its owner, and removes what could tie it to another one.
pub fn mark(manifest: &mut Manifest, owner: &Owner) {
    let metadata = manifest.map(&["metadata"]);
    for foreign in ["ownerReferences", "finalizers", "generateName", "uid", "resourceVersion"] {
        metadata.remove(foreign);
    }
    mark_at(manifest, &["metadata"], owner);
}

/// Marks the metadata at a path of keys with the owner.
pub fn mark_at(manifest: &mut Manifest, path: &[&str], owner: &Owner) {
    let at = |key| [path, &[key]].concat();
    manifest.map(&at("labels")).insert(names::UID_LABEL.to_owned(), owner.uid.clone().into());
    manifest
        .map(&at("annotations"))
        .insert(names::EXPERIMENT_ANNOTATION.to_owned(), owner.key.clone().into());
}
