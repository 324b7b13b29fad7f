//! An activity, as it was played.

use jiff::Timestamp;
use serde::Serialize;

use crate::model::series::Chart;

/// A probe or an action that was started.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Activity {
    /// Whether it is a probe or an action.
    pub kind: ActivityKind,
    /// The name.
    pub name: String,
    /// What the activity calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
    /// Whether the toolkit went on before the activity had ended.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub background: bool,
    /// The pauses before and after the activity.
    #[serde(skip_serializing_if = "Pauses::is_empty")]
    pub pauses: Pauses,
    /// The start of the activity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// The start of the activity, in seconds since the start of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset_seconds: Option<f64>,
    /// The duration in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<f64>,
    /// How the activity ended.
    pub status: ActivityStatus,
    /// The tolerance of a probe of the hypothesis, as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<String>,
    /// Whether the output was within the tolerance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tolerance_met: Option<bool>,
    /// The output. A text is as it is, everything else is JSON. Only with [`Options::outputs`](crate::Options).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// The numbers in the output, if it is a result of Prometheus or of Vegeta. Only with [`Options::outputs`](crate::Options).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub charts: Vec<Chart>,
    /// Why the activity failed: the last line of the exception, or the whole of it with
    /// [`Options::outputs`](crate::Options). Without these, a sentence stands for it if the experiment declares secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The kind of an activity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum ActivityKind {
    /// It measures.
    Probe,
    /// It changes something. Everything that is no probe counts as an action.
    #[default]
    Action,
}

/// How an activity ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum ActivityStatus {
    /// The activity succeeded. To the toolkit, a process that exits with an error has succeeded.
    Succeeded,
    /// The activity failed.
    Failed,
    /// The activity did not end, since it was interrupted.
    #[default]
    Unfinished,
}

/// Pauses around an activity, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Pauses {
    /// The pause before the activity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<f64>,
    /// The pause after the activity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<f64>,
}

impl Pauses {
    /// Returns whether there are no pauses.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.before.is_none() && self.after.is_none()
    }
}

/// What an activity calls.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Provider {
    /// The type: `python`, `process` or `http`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The module and the function, the program, or the method and the host. Paths and queries of URLs are left out, and so
    /// are all words after the program, but with [`Options::outputs`](crate::Options).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub target: String,
    /// The time limit in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<f64>,
    /// The arguments as JSON. Only with [`Options::outputs`](crate::Options).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
}

impl Activity {
    /// Returns whether the activity needs attention: it failed, did not end, or was out of its tolerance.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        self.status != ActivityStatus::Succeeded || self.tolerance_met == Some(false)
    }

    /// The word for how the activity ended: `failed`, `unfinished`, `not met`, `met` or `succeeded`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match (self.status, self.tolerance_met) {
            (ActivityStatus::Failed, _) => "failed",
            (ActivityStatus::Unfinished, _) => "unfinished",
            (ActivityStatus::Succeeded, Some(false)) => "not met",
            (ActivityStatus::Succeeded, Some(true)) => "met",
            (ActivityStatus::Succeeded, None) => "succeeded",
        }
    }
}
