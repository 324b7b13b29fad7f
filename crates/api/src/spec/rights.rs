//! The service account of a run, and its rights.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::lenient;
use crate::spec::schema;

/// Service account of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct ServiceAccountSpec {
    /// An existing service account in the namespace of the run. Without it, one is created for the experiment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Rights of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct RoleSpec {
    /// An existing Role in the namespace of the run to bind. Without it, one is created from the templates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// An existing RoleBinding that already gives the service account its rights: none is created then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bind: Option<String>,
    /// Namespaces, 8 at the most, in which the service account gets the role too. They have to exist.
    #[serde(
        default,
        rename = "binds_to_namespaces",
        deserialize_with = "lenient::arguments",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(schema_with = "schema::untyped")]
    pub binds_to_namespaces: Option<Vec<String>>,
}
