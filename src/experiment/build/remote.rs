//! An experiment from elsewhere: a URL that the spec names, or an OCI artifact.

use serde_json::{Value, json};

use crate::experiment::build::files::{self, free_name};
use crate::experiment::build::json::{is_named, named_toolkit, push, retain};
use crate::experiment::decide::plan::elsewhere::{PATH_VARIABLE, URL_VARIABLE};
use crate::experiment::decide::plan::{Artifact, Plan, Remote, Source};
use chaostoolkit_api::names;

/// The name of the volume of an artifact.
const VOLUME: &str = "chaostoolkit-artifact";

/// Gives the container of the toolkit the experiment of a plan that is elsewhere.
pub fn add(spec: &mut Value, plan: &Plan) {
    match &plan.source {
        Source::Remote(remote) => set(spec, URL_VARIABLE, &remote.url),
        Source::Artifact(artifact) => mount(spec, artifact),
        Source::File { .. } | Source::Inline(_) | Source::Url => {}
    }
}

/// Returns the options of the runner with which it fetches the experiment. There are none if the toolkit loads it. In a
/// rescue, the runner reduces it to its rollbacks, since the operator does not read it.
#[must_use]
pub fn options(plan: &Plan) -> Vec<String> {
    let mut options = match &plan.source {
        Source::Remote(remote) => fetching(remote),
        Source::Artifact(_) if plan.is_rescue => vec!["--variable".to_owned(), PATH_VARIABLE.to_owned()],
        _ => return Vec::new(),
    };
    options.extend(plan.is_rescue.then(|| "--only-rollbacks".to_owned()));
    options
}

/// Returns the options for the headers and the hash.
fn fetching(Remote { headers, sha256, .. }: &Remote) -> Vec<String> {
    let headers = headers.iter().enumerate();
    let mut options: Vec<String> = headers
        .flat_map(|(index, one)| ["--header".to_owned(), format!("{}={}", one.name, files::header(index))])
        .collect();
    options.extend(sha256.iter().flat_map(|digest| ["--sha256".to_owned(), digest.clone()]));
    options
}

/// Mounts the artifact, and sets the path of the experiment in it.
fn mount(spec: &mut Value, artifact: &Artifact) {
    let volume = free_name(spec, VOLUME);
    let mut image = json!({"reference": artifact.reference});
    if let Some(policy) = &artifact.pull_policy {
        image["pullPolicy"] = json!(policy);
    }
    push(spec, "volumes", json!({"name": volume, "image": image}));
    if let Some(container) = named_toolkit(spec) {
        let mount = json!({"name": volume, "mountPath": names::ARTIFACT_DIRECTORY, "readOnly": true});
        push(container, "volumeMounts", mount);
    }
    set(spec, PATH_VARIABLE, &format!("{}/{}", names::ARTIFACT_DIRECTORY, artifact.path));
}

/// Sets a variable. It is the last one, so that its value may refer to those of the author.
fn set(spec: &mut Value, name: &str, value: &str) {
    let Some(container) = named_toolkit(spec) else { return };
    retain(container, "env", |variable| !is_named(variable, name));
    push(container, "env", json!({"name": name, "value": value}));
}
