//! The namespaces that were found for a run.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::lenient;

/// The namespaces that were found for a run by `spec.targets`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Targets {
    /// Number of the namespaces that were found.
    #[serde(default, deserialize_with = "lenient::field")]
    pub total: i32,
    /// The namespaces in which the run gets its role, at most 50. The history names at most 8 for each run.
    #[serde(default, deserialize_with = "lenient::items", skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// The one of them that was drawn for the run.
    #[serde(default, deserialize_with = "lenient::field")]
    pub drawn: String,
}

impl Targets {
    /// The maximum number of namespaces of a run.
    pub const MAX: usize = 50;

    /// How many namespaces the history names for each run.
    pub const MAX_IN_HISTORY: usize = 8;

    /// Returns the targets as the history keeps them.
    #[must_use]
    pub fn in_history(mut self) -> Self {
        self.namespaces.truncate(Self::MAX_IN_HISTORY);
        self
    }
}
