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
}
