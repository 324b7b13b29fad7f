//! The pod of a run.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lenient;
use crate::spec::env::{self, EnvSpec};
use crate::spec::schema;

/// The pod of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct PodSpec {
    /// Image with the Chaos Toolkit: its name, or the older form `{name: …}`. Defaults to the template's,
    /// `chaostoolkit/chaostoolkit`.
    #[serde(default, deserialize_with = "lenient::image", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::untyped")]
    pub image: Option<String>,

    /// The whole pod, as YAML text or as a mapping, in place of the template. With it, the options below are not used,
    /// except for the name of the service account. It has a container called `chaostoolkit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::untyped")]
    pub template: Option<Value>,

    /// Environment variables of the run: where they come from, or a list of name and value.
    #[serde(default, deserialize_with = "env::either", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "env::either_schema")]
    pub env: Option<EnvSpec>,

    /// Older place of `env.configMapName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map_name: Option<String>,

    /// Settings of the Chaos Toolkit, from a Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<SettingsSpec>,

    /// Where the experiment is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment: Option<ExperimentSpec>,

    /// Arguments of `chaos`, all of them, in place of `run $(EXPERIMENT_PATH)`. Null and empty ones are dropped. Use
    /// `$(NAME)` for environment variables.
    #[serde(default, deserialize_with = "lenient::arguments", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::untyped")]
    pub chaos_args: Option<Vec<String>>,

    /// Path of `chaos` in the image. Defaults to `chaos`, found on the image's PATH.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chaos_command_path: Option<String>,
}

/// Settings of the Chaos Toolkit, mounted at `/home/svc/.chaostoolkit/`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct SettingsSpec {
    /// Boolean. Whether the Secret is mounted. Defaults to false.
    #[serde(default, deserialize_with = "lenient::truth", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::untyped")]
    pub enabled: Option<bool>,
    /// Secret in the namespace of the run with a key `settings.yaml`. Defaults to `chaostoolkit-settings`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,
}

/// Where the experiment is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct ExperimentSpec {
    /// Boolean. Whether the experiment is a file from a ConfigMap. When false it is fetched from the URL in the
    /// environment variable `EXPERIMENT_URL`. Defaults to true.
    #[serde(default, deserialize_with = "lenient::truth", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::untyped")]
    pub as_file: Option<bool>,
    /// ConfigMap in the namespace of the run that holds the experiment. Defaults to `chaostoolkit-experiment`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map_name: Option<String>,
    /// Key of the ConfigMap, and name of the file in `/home/svc`. Its ending says how it is read: `.json`, `.yaml` or
    /// `.yml`. Defaults to `experiment.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map_experiment_file_name: Option<String>,
}
