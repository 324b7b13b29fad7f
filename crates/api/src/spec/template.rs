//! The templates for the objects of a run.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The templates from which the objects of the run are created.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct TemplateSpec {
    /// Name of the ConfigMap with the templates, in the operator's namespace. Defaults to
    /// `chaostoolkit-resources-templates`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}
