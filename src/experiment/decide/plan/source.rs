//! Where the experiment of a run comes from.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::experiment::decide::plan::elsewhere::Artifact;
use crate::experiment::decide::plan::remote::{is_remote, remote};
use crate::experiment::decide::plan::types::{Facts, Source};
use crate::experiment::decide::plan::values::{given, is_empty};
use chaostoolkit_api::spec::{InvalidSpec, PodSpec};
use chaostoolkit_api::{About, Spec};

pub use crate::experiment::decide::plan::elsewhere::{DEFAULT_FILE, URL_VARIABLE};

/// The `ConfigMap` of the experiment if the spec names none.
pub const DEFAULT_EXPERIMENT: &str = "chaostoolkit-experiment";

/// Whether a spec lists the URL of the experiment among its variables.
#[must_use]
pub fn lists_url(spec: &Spec) -> bool {
    let env = spec.pod.as_ref().and_then(|pod| pod.env.as_ref());
    env.is_some_and(|env| env.variables.iter().any(|variable| variable["name"] == URL_VARIABLE))
}

/// The name of the `ConfigMap` with the experiment, and the key in it. Nothing if the experiment is not a file of a
/// `ConfigMap`.
#[must_use]
pub fn experiment_file(spec: &Spec) -> Option<(String, String)> {
    let pod = spec.pod.clone().unwrap_or_default();
    let source = pod.experiment.unwrap_or_default();
    let is_elsewhere = spec.experiment.is_some()
        || source.as_file == Some(false)
        || is_remote(&source)
        || pod.template.as_ref().is_some_and(|template| !is_empty(template));
    (!is_elsewhere).then(|| {
        (
            given(source.config_map_name).unwrap_or_else(|| DEFAULT_EXPERIMENT.to_owned()),
            given(source.config_map_experiment_file_name).unwrap_or_else(|| DEFAULT_FILE.to_owned()),
        )
    })
}

/// Decides where the experiment is: in a file, unless the spec says otherwise. The older documentation had users set
/// only `EXPERIMENT_URL`. That counts if there is no file.
pub fn source(spec: &Spec, pod: &PodSpec, facts: &Facts) -> Result<Source, InvalidSpec> {
    if let Some(inline) = &spec.experiment {
        return inline_source(inline, pod);
    }
    let has_own_pod = pod.template.as_ref().is_some_and(|template| !is_empty(template));
    if !has_own_pod && let Some(remote) = remote(spec, pod)? {
        return Ok(remote);
    }
    let source = pod.experiment.clone().unwrap_or_default();
    let is_silent = source.as_file.is_none() && given(source.config_map_name.clone()).is_none();
    if source.as_file == Some(false) || (is_silent && facts.has_url && !facts.experiment_exists) {
        return Ok(Source::Url);
    }
    let (config_map, file) =
        experiment_file(spec).unwrap_or_else(|| (DEFAULT_EXPERIMENT.to_owned(), DEFAULT_FILE.to_owned()));
    Ok(Source::File { config_map, file })
}

/// Reads an experiment in the spec itself. Then nothing else may say where the experiment is.
fn inline_source(inline: &Value, pod: &PodSpec) -> Result<Source, InvalidSpec> {
    let invalid = |problem: &str| Err(InvalidSpec::new("spec.experiment", problem));
    if !inline.is_object() {
        return invalid("is not a mapping; it holds the experiment itself: title, method and so on");
    }
    if pod.experiment.is_some() {
        return invalid(
            "holds the experiment, and spec.pod.experiment says that it is elsewhere: take one away",
        );
    }
    if pod.template.as_ref().is_some_and(|template| !is_empty(template)) {
        return invalid(
            "cannot be mounted into a pod of your own (spec.pod.template): put it into a ConfigMap that the pod mounts",
        );
    }
    Ok(Source::Inline(inline.clone()))
}

/// Describes the experiment for the status.
#[must_use]
pub fn about(source: &Source, text: Option<&str>) -> About {
    let (place, inline) = match source {
        Source::File { config_map, file } => (format!("configmap/{config_map}/{file}"), None),
        Source::Inline(inline) => ("inline".to_owned(), Some(inline.to_string())),
        Source::Url | Source::Remote(_) => ("url".to_owned(), None),
        Source::Artifact(Artifact { reference, path, .. }) => (format!("artifact/{reference}/{path}"), None),
    };
    let text = inline.as_deref().or(text);
    let sha256 = match source {
        // With any other content the run does not start.
        Source::Remote(remote) => remote.sha256.clone(),
        _ => text.map(|text| format!("{:x}", Sha256::digest(text))),
    };
    About { title: None, source: Some(place), sha256 }
}
