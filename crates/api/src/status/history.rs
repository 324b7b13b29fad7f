//! The runs that have ended.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::status::phase::Phase;
use crate::status::run::Run;
use crate::words;
use chaostoolkit_journal::{Outcome, Warning};

/// A run that has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PastRun {
    /// The run.
    #[serde(flatten)]
    pub run: Run,
    /// Completed, Failed or Aborted.
    pub phase: Phase,
    /// What it found.
    #[schemars(schema_with = "words::outcome")]
    pub outcome: Outcome,
    /// What that leaves open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "words::warnings")]
    pub warnings: Vec<Warning>,
    /// Whether it answers the question that the experiment asks.
    #[serde(default)]
    pub conclusive: bool,
    /// Why the phase is what it is, in one word.
    pub reason: String,
}

/// How many runs there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Counters {
    /// Runs that have ended.
    pub runs: i32,
    /// Those of them whose outcome is Passed.
    pub passed: i32,
    /// Those whose outcome is Deviated.
    pub deviated: i32,
    /// Those that ended in phase Failed.
    pub failed: i32,
    /// Those that ended in phase Aborted.
    pub aborted: i32,
    /// Times at which a run was due by the schedule and none was started.
    #[serde(default)]
    pub skipped: i32,
}
