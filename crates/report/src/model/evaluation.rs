//! The steady-state hypothesis, as it was evaluated.

use serde::Serialize;

use crate::model::activity::{Activity, ActivityStatus};
use crate::model::listed::Listed;

/// One evaluation of the hypothesis.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Evaluation {
    /// Whether the steady state was met, as the toolkit says. Absent if it does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub met: Option<bool>,
    /// The probes that were played.
    pub probes: Listed<Activity>,
}

/// When the hypothesis was evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Phase {
    /// Before the method.
    Before,
    /// During the method.
    During,
    /// After the method.
    After,
}

impl Evaluation {
    /// The word for the evaluation: `met`, `not met`, `probe error` or `unknown`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        let is_error = |probe: &Activity| probe.status != ActivityStatus::Succeeded;
        match self.met {
            _ if self.probes.items.iter().any(is_error) => "probe error",
            Some(true) => "met",
            Some(false) => "not met",
            None => "unknown",
        }
    }

    /// The start of the first probe, in seconds since the start of the run.
    #[must_use]
    pub fn offset_seconds(&self) -> Option<f64> {
        self.probes.items.iter().find_map(|probe| probe.offset_seconds)
    }
}
