//! The files that options bring into the container of the toolkit.
//!
//! One projected volume has all of them, and each is mounted by itself. So there is one name to keep free, and a missing
//! key keeps the pod from starting. A mount of a key that is missing from a volume would be an empty directory.

use serde_json::{Value, json};

use crate::experiment::build::json::{is_named, named_toolkit, push};
use crate::experiment::decide::plan::{Mounted, Origin, Plan, Source};
use chaostoolkit_api::names;

/// The name of the volume.
const VOLUME: &str = "chaostoolkit-files";

/// The permissions of what is not the author's file: everybody may read it.
const MODE: i32 = 0o444;

/// The path of the certificates of `spec.pod.proxy`.
#[must_use]
pub fn ca_bundle() -> String {
    format!("{}/ca.crt", names::OPTIONS_DIRECTORY)
}

/// The path of the header of a request with this number.
#[must_use]
pub fn header(index: usize) -> String {
    format!("{}/header-{index}", names::OPTIONS_DIRECTORY)
}

/// Mounts the files of a run into the container that has this name.
pub fn mount(spec: &mut Value, plan: &Plan) {
    let files = mounted(plan);
    if files.is_empty() {
        return;
    }
    let volume = free_name(spec, VOLUME);
    let mut sources = Vec::new();
    let Some(container) = named_toolkit(spec) else { return };
    for (index, file) in files.iter().enumerate() {
        // The content may have any path in the volume. The number is short, and no two files have the same one.
        let name = index.to_string();
        sources.push(source(file, &name));
        let mount = json!({"name": volume, "mountPath": file.path, "subPath": name, "readOnly": true});
        push(container, "volumeMounts", mount);
    }
    push(spec, "volumes", json!({"name": volume, "projected": {"sources": sources}}));
}

/// Returns all files: those of the author, the certificates, and the headers.
fn mounted(plan: &Plan) -> Vec<Mounted> {
    let mut files = plan.files.clone();
    let ours = |path: String, origin: Origin| Mounted { path, origin, mode: Some(MODE) };
    let bundle = plan.proxy.as_ref().and_then(|proxy| proxy.ca_bundle.clone());
    files.extend(bundle.map(|key| ours(ca_bundle(), Origin::ConfigMap(key))));
    if let Source::Remote(remote) = &plan.source {
        let headers = remote.headers.iter().enumerate();
        files.extend(headers.map(|(index, one)| ours(header(index), Origin::Secret(one.secret.clone()))));
    }
    files
}

/// Returns the source of a file, which has this path in the volume.
fn source(file: &Mounted, name: &str) -> Value {
    let (kind, key) = match &file.origin {
        Origin::ConfigMap(key) => ("configMap", key),
        Origin::Secret(key) => ("secret", key),
    };
    let mut item = json!({"key": key.key, "path": name});
    if let Some(mode) = file.mode {
        item["mode"] = json!(mode);
    }
    json!({kind: {"name": key.name, "items": [item]}})
}

/// Returns a name that no volume of the pod has.
pub fn free_name(spec: &Value, wanted: &str) -> String {
    let volumes = spec.get("volumes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let numbered = (1..).map(|number| format!("{wanted}-{number}"));
    let mut names = std::iter::once(wanted.to_owned()).chain(numbered);
    names.find(|name| !volumes.iter().any(|volume| is_named(volume, name))).unwrap_or_default()
}
