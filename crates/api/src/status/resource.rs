//! The objects that belong to an experiment.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::lenient;

/// An object that belongs to an experiment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceRef {
    /// Kind of the object.
    #[serde(deserialize_with = "lenient::field")]
    pub kind: String,
    /// Namespace of the object.
    #[serde(deserialize_with = "lenient::field")]
    pub namespace: String,
    /// Name of the object.
    #[serde(deserialize_with = "lenient::field")]
    pub name: String,
    /// Whether the Python operator created the object. Such an object has no label that names its experiment.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "std::ops::Not::not")]
    pub adopted: bool,
    /// Whether it gives a run its role in a namespace that was found by `spec.targets`. Such an object goes when the run has ended.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "std::ops::Not::not")]
    pub target: bool,
    /// Uid of the object, once it is known. Another object that has its name by now is not deleted.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
}

impl ResourceRef {
    /// Returns whether both refer to the same object.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.kind, &self.namespace, &self.name) == (&other.kind, &other.namespace, &other.name)
    }
}
