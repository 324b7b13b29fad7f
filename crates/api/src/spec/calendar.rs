//! When a run may start.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When a run may start. Outside of its windows, during exclusions and on holidays no run starts. A run that goes on is not
/// stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct CalendarSpec {
    /// Name of the time zone of the calendar, such as `Europe/Paris`. Defaults to UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// The times of the week at which a run may start, at most 32. If there are none, a run may start at any time, except
    /// during exclusions and on holidays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<Vec<WindowSpec>>,
    /// Dates and times at which no run starts, at most 128.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclude: Option<Vec<ExclusionSpec>>,
    /// Files with holidays, at most 8. No run starts during an event of one of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holidays: Option<Vec<HolidaysSpec>>,
}

/// A window of the week.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct WindowSpec {
    /// The days on which the window begins: `Mon`, `Tue`, `Wed`, `Thu`, `Fri`, `Sat`, `Sun`. Defaults to all days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<Vec<String>>,
    /// The local time at which the window begins, such as `09:00`.
    pub from: String,
    /// The local time at which the window ends, such as `17:00` or `24:00`. If it is not after `from`, the window ends on the
    /// next day.
    pub to: String,
}

/// A time at which no run starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct ExclusionSpec {
    /// The day on which it begins, such as `2026-12-24`, or the local time, such as `2026-12-24T18:00`.
    pub from: String,
    /// The last day, or the local time at which it ends.
    pub to: String,
    /// The reason, which the status names. At most 256 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A file with holidays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct HolidaysSpec {
    /// Name of a ConfigMap in the namespace of the experiment.
    pub config_map_name: String,
    /// The key of the ConfigMap that has an iCalendar file (RFC 5545). Recurring events are supported.
    pub key: String,
}
