//! The phase of an experiment.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where an experiment is in its life: for people.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::Display,
    strum::IntoStaticStr,
)]
pub enum Phase {
    /// Accepted, and nothing was created yet.
    Pending,
    /// Waits for something that does not exist or is not allowed; `reason` and `message` say what.
    Blocked,
    /// The run is decided on; its container does not run yet.
    Starting,
    /// The container runs.
    Running,
    /// The run is being stopped: its rollbacks are played.
    Aborting,
    /// The run came to a verdict, whatever it is.
    Completed,
    /// The run ended without a verdict.
    Failed,
    /// The run was stopped before it came to a verdict.
    Aborted,
    /// Runs start by a schedule.
    Scheduled,
    /// A run, or runs by a schedule, would start, were they not suspended.
    Suspended,
    /// The experiment is being deleted.
    Terminating,
}
