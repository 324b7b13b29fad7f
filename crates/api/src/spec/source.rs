//! The source of the experiment of a run.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::lenient;
use crate::spec::files::KeySpec;
use crate::spec::schema;

/// The source of the experiment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct ExperimentSpec {
    /// Whether the experiment is a file from a ConfigMap. If it is false, the toolkit loads the experiment from the URL in
    /// the environment variable `EXPERIMENT_URL`. A boolean. Defaults to true.
    #[serde(default, deserialize_with = "lenient::truth", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::untyped")]
    pub as_file: Option<bool>,
    /// Name of the ConfigMap with the experiment, in the namespace of the run. Defaults to `chaostoolkit-experiment`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map_name: Option<String>,
    /// Key of the ConfigMap, and name of the file in `/home/svc`. The extension selects the format: `.json`, `.yaml` or
    /// `.yml`. Defaults to `experiment.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map_experiment_file_name: Option<String>,
    /// URL of the experiment: `http`, `https` or a path in the pod. If it is set, `asFile` and `configMapName` must be absent.
    /// It becomes the variable `EXPERIMENT_URL`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Headers of the request for the URL, each from a key of a Secret in the namespace of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<Vec<HeaderSpec>>,
    /// SHA-256 of the experiment behind the URL, as 64 hexadecimal digits. With other content, the run does not start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// An image with the experiment, which Kubernetes mounts as an image volume. If it is set, `asFile`,
    /// `configMapName` and `url` must be absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<ArtifactSpec>,
}

/// A header of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct HeaderSpec {
    /// Name of the header, such as `Authorization`.
    pub name: String,
    /// The key of a Secret that has the value.
    pub secret: KeySpec,
}

/// An image with an experiment, or an OCI artifact if the node can mount one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct ArtifactSpec {
    /// Reference of the image.
    pub reference: String,
    /// Path of the experiment in the image. Defaults to `experiment.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// When the image is pulled: `Always`, `IfNotPresent` or `Never`. If it is absent, Kubernetes decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_policy: Option<String>,
}
