//! The schedule of an experiment.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The schedule of an experiment. A CronJob starts the runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct ScheduleSpec {
    /// Kind of the schedule. Required. The only allowed value is `cronJob`, in upper or lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The schedule in cron format. Required, unless the template has a schedule. The fields are minute, hour, day of month, month, day of week. Example: `*/5 * * * *`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Name of the time zone of the schedule, such as `Europe/Paris`. Defaults to the time zone of the controller manager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// What happens when a run is due while an earlier run is active. `Forbid` skips the new run, `Allow` starts it as well,
    /// and `Replace` stops the earlier run first. Defaults to the value of the template, or to `Forbid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency_policy: Option<String>,
    /// Maximum delay of the start of a run in seconds. A run that cannot start in time is skipped. Defaults to the
    /// value of the template, or to 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starting_deadline_seconds: Option<i64>,
    /// Whether to suspend the schedule. No run starts while this is true. An active run continues. Defaults to the value
    /// of the template, or to false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
    /// Number of pods of completed runs to keep. Defaults to the value of the template, or to 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successful_runs_history_limit: Option<i32>,
    /// Number of pods of failed runs to keep. Defaults to the value of the template, or to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_runs_history_limit: Option<i32>,
    /// Maximum delay of each run in seconds, 0 to 86400. Each run starts at a time of its own within it, which depends on the
    /// experiment and on the time when the run is due, and stays the same. Defaults to 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 86_400))]
    pub jitter_seconds: Option<i64>,
    /// After how many runs in a row that did not go well the schedule is suspended. A run that ends otherwise, such as a
    /// rerun, resumes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_after: Option<StopAfterSpec>,
}

/// After how many runs in a row a schedule is suspended. Each number counts on its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct StopAfterSpec {
    /// Number of runs in a row that have deviated, from 1 to 10. If it is absent, such runs do not suspend the schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10))]
    pub deviated: Option<i32>,
    /// Number of runs in a row that have failed, from 1 to 10. If it is absent, such runs do not suspend the schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10))]
    pub failed: Option<i32>,
}
