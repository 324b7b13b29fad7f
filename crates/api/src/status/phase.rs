//! The phase of an experiment.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The phase of an experiment: a summary for people.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
pub enum Phase {
    /// The experiment is accepted, and no object was created yet.
    Pending,
    /// The experiment waits for something that does not exist or is not allowed. `reason` and `message` name it.
    Blocked,
    /// The run is planned, and its container does not run yet.
    Starting,
    /// The container runs.
    Running,
    /// The run is being stopped, and its rollbacks are being played.
    Aborting,
    /// The run ended with a verdict, whatever it is, or the toolkit was not asked to run an experiment.
    Completed,
    /// The run ended without a verdict. A past run whose phase has a word of a later version counts as such.
    #[default]
    Failed,
    /// Somebody stopped the run before a verdict.
    Aborted,
    /// A run of a schedule was due and was not started. Only past runs have this phase.
    Skipped,
    /// A schedule starts the runs.
    Scheduled,
    /// The run or the schedule is suspended, so no run starts.
    Suspended,
    /// The experiment is being deleted.
    Terminating,
}
