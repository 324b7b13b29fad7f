//! What an author says about how a run is to go, and what becomes of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use chaostoolkit_journal::{HypothesisStrategy, RollbackStrategy};

/// What a dry run leaves out.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum DryRun {
    /// Probes.
    Probes,
    /// Actions.
    Actions,
    /// Both.
    Activities,
    /// Pauses.
    Pause,
}

/// What becomes of what was created, once a run has ended. The status and the journals stay in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct CleanupSpec {
    /// After a run that succeeded: `keep` (the default) everything until the experiment is deleted, `keepPod` nothing but
    /// the pod, or `delete` all of it.
    pub on_success: Keep,
    /// After any other end.
    pub on_failure: Keep,
}

/// What is kept of a run that has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Keep {
    /// Everything.
    #[default]
    Keep,
    /// The pod, for its log.
    KeepPod,
    /// Nothing.
    Delete,
}
