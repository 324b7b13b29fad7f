//! Options of a run, and of the cleanup after it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use chaostoolkit_journal::{HypothesisStrategy, RollbackStrategy};

/// The fields of a spec that count as they are now, also for a run that was decided on already. The others decide on a run.
pub const LIVE_FIELDS: [&str; 7] = [
    "abort",
    "suspend",
    "rescue",
    "startDeadlineSeconds",
    "ttlSecondsAfterFinished",
    "cleanup",
    "keep_resources_on_delete",
];

/// The fields of a spec that say when a run may start, and when it must stop. They count as they are at each moment, so a change
/// of them changes nothing of what a run does.
pub const START_FIELDS: [&str; 5] = ["calendar", "gates", "mutex", "preflight", "stopConditions"];

/// What a dry run leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::IntoStaticStr)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum DryRun {
    /// Probes.
    Probes,
    /// Actions.
    Actions,
    /// Probes and actions.
    Activities,
    /// Pauses.
    Pause,
}

/// What happens to a run if something is known to be wrong with its experiment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Preflight {
    /// It starts, and a warning says what is wrong.
    #[default]
    Warn,
    /// It does not start.
    Fail,
}

/// What happens to the created objects when a run has ended. The status and the journals always stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct CleanupSpec {
    /// What happens after a run that succeeded. `keep` keeps all objects until the experiment is deleted, `keepPod` keeps
    /// only the pod, and `delete` deletes all of them. Defaults to `keep`.
    pub on_success: Keep,
    /// What happens after a run that did not succeed: `keep`, `keepPod` or `delete`. Defaults to `keep`.
    pub on_failure: Keep,
}

/// The objects that are kept after the end of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Keep {
    /// All objects.
    #[default]
    Keep,
    /// The pod, since it has the log.
    KeepPod,
    /// No objects.
    Delete,
}
