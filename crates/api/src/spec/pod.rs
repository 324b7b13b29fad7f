//! The pod of a run.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lenient;
use crate::spec::env::{self, EnvSpec};
use crate::spec::files::{FileSpec, ProxySpec};
use crate::spec::schema;
use crate::spec::source::ExperimentSpec;

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

    /// A strategic merge patch over the pod, as `kubectl patch --type=strategic` takes it: lists of containers, volumes and
    /// variables are merged by their names. It comes after the templates and all other options. It cannot set what the
    /// operator sets: name, namespace, service account, restart policy, finalizers and the labels of the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::nullable_mapping")]
    pub patch: Option<Value>,

    /// Labels of the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,

    /// Annotations of the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,

    /// Labels that a node must have to run the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_selector: Option<BTreeMap<String, String>>,

    /// Tolerations of the pod, as in a pod: `key`, `operator`, `value`, `effect`, `tolerationSeconds`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::mappings")]
    pub tolerations: Option<Vec<Value>>,

    /// Requests and limits of the container of the toolkit, as in a container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::nullable_mapping")]
    pub resources: Option<Value>,

    /// Secrets in the namespace of the run with which images are pulled, as in a pod: a list of `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::mappings")]
    pub image_pull_secrets: Option<Vec<Value>>,

    /// When the image of the toolkit is pulled: `Always`, `IfNotPresent` or `Never`. Defaults to that of the template, which
    /// is `Always` unless the template was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<String>,

    /// Name of the PriorityClass of the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority_class_name: Option<String>,

    /// Security context of the pod, as in a pod: `runAsUser`, `fsGroup` and so on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::nullable_mapping")]
    pub security_context: Option<Value>,

    /// Further volumes of the pod, as in a pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::mappings")]
    pub volumes: Option<Vec<Value>>,

    /// Further volume mounts of the container of the toolkit, as in a container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::mappings")]
    pub volume_mounts: Option<Vec<Value>>,

    /// Further sources of variables of the container of the toolkit, as in a container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::mappings")]
    pub env_from: Option<Vec<Value>>,

    /// Files of the container of the toolkit, each from a key of a ConfigMap or of a Secret in the namespace of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<FileSpec>>,

    /// The HTTP proxy of the run, and the certificates that it trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxySpec>,
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
