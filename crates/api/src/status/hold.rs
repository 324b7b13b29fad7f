//! What keeps a run from starting for now.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::lenient;

/// What keeps a run from starting for now. The condition Startable has the words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HoldStatus {
    /// The reason in one CamelCase word: Frozen, CalendarClosed, GateClosed or MutexHeld.
    #[serde(deserialize_with = "lenient::field")]
    pub reason: String,
    /// Since when this keeps the run from starting.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// When it is over, if that is known.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
}
