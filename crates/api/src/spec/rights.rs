//! The service account of a run and its permissions.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::lenient;
use crate::spec::schema;

/// The service account of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct ServiceAccountSpec {
    /// Name of an existing service account in the namespace of the run. If it is absent, the operator creates one for the
    /// experiment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The permissions of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct RoleSpec {
    /// Name of an existing Role in the namespace of the run to bind to the service account. If it is absent, the operator
    /// creates one from the templates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Name of an existing RoleBinding that already grants the service account its permissions. If it is set, the operator
    /// creates no RoleBinding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bind: Option<String>,
    /// A list of at most 8 other namespaces in which the service account gets the role too. The namespaces must exist.
    #[serde(
        default,
        rename = "binds_to_namespaces",
        deserialize_with = "lenient::arguments",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(schema_with = "schema::untyped")]
    pub binds_to_namespaces: Option<Vec<String>>,
    /// Whether the Role gets only the rules that the activities of the experiment need, instead of those of the template. The
    /// operator knows the functions of `chaosk8s`. It reads the experiment for that, so it cannot be used with `name`, `bind`,
    /// `pod.template` or an experiment from a URL. Defaults to false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generate: Option<bool>,
    /// The rules of the Role, at most 64, instead of those of the template. With `generate`, they come in addition to the
    /// generated ones. They cannot be used with `name`, `bind` or `clusterRole`. An empty list gives the run no Role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<RuleSpec>>,
    /// Name of an existing ClusterRole to bind to the service account, in the namespace of the run and in those of
    /// `binds_to_namespaces`. It cannot be used with `name`, `bind`, `rules` or `generate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_role: Option<String>,
    /// Whether the ClusterRole is bound in the whole cluster, by a ClusterRoleBinding. Nodes and other objects without a
    /// namespace need that. It cannot be used with `binds_to_namespaces`, and the operator needs its component
    /// `cluster-wide`. Defaults to false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_wide: Option<bool>,
}

/// A rule of a Role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct RuleSpec {
    /// The API groups of the resources. The empty text is the core group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub api_groups: Vec<String>,
    /// The resources, such as `pods` or `pods/log`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// The verbs, such as `get`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verbs: Vec<String>,
    /// Names of the objects. If there are none, all objects are meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource_names: Vec<String>,
}
