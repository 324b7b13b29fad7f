//! The runs of an experiment, and their numbers.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition;
use crate::status::phase::Phase;
use crate::status::run::Run;
use crate::{lenient, words};
use chaostoolkit_journal::{Outcome, RunResult, Warning};

/// A run that has ended, or a run of a schedule that was skipped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PastRun {
    /// The run.
    #[serde(flatten)]
    pub run: Run,
    /// The phase in which the run ended: Completed, Failed, Aborted or Skipped.
    #[serde(deserialize_with = "lenient::field")]
    pub phase: Phase,
    /// The result of the run in one word: its outcome, or Inconclusive if nobody can rely on that. Absent if the run was
    /// skipped.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "words::result")]
    pub result: Option<RunResult>,
    /// The outcome of the run.
    #[serde(deserialize_with = "lenient::field")]
    #[schemars(schema_with = "words::outcome")]
    pub outcome: Outcome,
    /// Warnings that qualify the outcome.
    #[serde(default, deserialize_with = "lenient::items", skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "words::warnings")]
    pub warnings: Vec<Warning>,
    /// Whether the outcome answers the question that the experiment asks.
    #[serde(default, deserialize_with = "lenient::field")]
    pub conclusive: bool,
    /// The reason for the phase, in one CamelCase word.
    #[serde(deserialize_with = "lenient::field")]
    pub reason: String,
    /// A sentence for people that explains the phase. At most 256 bytes.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl PastRun {
    /// Shortens a message to 256 bytes. A history has up to 10 of them.
    #[must_use]
    pub fn short(message: &str) -> Option<String> {
        Some(condition::short_to(message, 256)).filter(|message| !message.is_empty())
    }
}

/// The numbers of runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Counters {
    /// Number of runs that have ended.
    #[serde(deserialize_with = "lenient::field")]
    pub runs: i32,
    /// Number of runs whose outcome is Passed.
    #[serde(deserialize_with = "lenient::field")]
    pub passed: i32,
    /// Number of runs whose outcome is Deviated.
    #[serde(deserialize_with = "lenient::field")]
    pub deviated: i32,
    /// Number of runs that ended in the phase Failed.
    #[serde(deserialize_with = "lenient::field")]
    pub failed: i32,
    /// Number of runs that ended in the phase Aborted.
    #[serde(deserialize_with = "lenient::field")]
    pub aborted: i32,
    /// Number of times at which a run was due by the schedule, but none was started, and of requested runs that were skipped.
    #[serde(default, deserialize_with = "lenient::field")]
    pub skipped: i32,
}
