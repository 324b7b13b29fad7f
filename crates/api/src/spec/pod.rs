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
    /// Image with the Chaos Toolkit. A name, or the older form `{name: …}`. Defaults to the image of the template, which
    /// is `chaostoolkit/chaostoolkit` unless the template was changed.
    #[serde(default, deserialize_with = "lenient::image", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::untyped")]
    pub image: Option<String>,

    /// The whole pod, as YAML text or as a mapping. Its container named `chaostoolkit`, or its only container, runs the
    /// toolkit. It replaces the template. If it is set, the other fields of `pod` and the field `verbose` are not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::untyped")]
    pub template: Option<Value>,

    /// Environment variables of the run. A mapping with their sources, or a list of names and values.
    #[serde(default, deserialize_with = "env::either", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "env::either_schema")]
    pub env: Option<EnvSpec>,

    /// Older form of `env.configMapName`. Used only if `env.configMapName` is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map_name: Option<String>,

    /// The settings of the Chaos Toolkit, from a Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<SettingsSpec>,

    /// The source of the experiment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment: Option<ExperimentSpec>,

    /// All arguments of `chaos`. They replace `run $(EXPERIMENT_PATH)`. Null and empty entries are dropped. Use `$(NAME)` to
    /// refer to the environment variable NAME.
    #[serde(default, deserialize_with = "lenient::arguments", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::untyped")]
    pub chaos_args: Option<Vec<String>>,

    /// Path of `chaos` in the image. Defaults to `chaos`, which is looked up in the PATH of the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chaos_command_path: Option<String>,
}

/// The settings of the Chaos Toolkit, mounted at `/home/svc/.chaostoolkit/`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct SettingsSpec {
    /// Whether to mount the Secret. A boolean. Defaults to false.
    #[serde(default, deserialize_with = "lenient::truth", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::untyped")]
    pub enabled: Option<bool>,
    /// Name of the Secret in the namespace of the run. It must have the key `settings.yaml`. Defaults to
    /// `chaostoolkit-settings`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,
}

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
}
