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

/// The evaluations of the hypothesis, by phase.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Evaluations {
    /// The evaluation before the method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Evaluation>,
    /// The evaluations during the method.
    pub during: Listed<Evaluation>,
    /// The evaluation after the method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Evaluation>,
}

/// The maximum number of probes that are listed of the evaluations during the method.
pub(crate) const MAX_BAD: usize = 200;

impl Evaluations {
    /// Returns the probes during the method that failed, did not end or were out of their tolerance. At most 200 are listed.
    #[must_use]
    pub fn bad_during(&self) -> Listed<Activity> {
        let bad =
            || self.during.items.iter().flat_map(|state| &state.probes.items).filter(|probe| probe.is_bad());
        let items: Vec<Activity> = bad().take(MAX_BAD).cloned().collect();
        Listed { omitted: bad().count() - items.len(), items }
    }

    /// Returns how many of the evaluations during the method were met.
    #[must_use]
    pub fn met_during(&self) -> usize {
        self.during.items.iter().filter(|state| state.word() == "met").count()
    }

    /// Returns all evaluations in their order.
    pub fn all(&self) -> impl Iterator<Item = (Phase, &Evaluation)> {
        let before = self.before.iter().map(|found| (Phase::Before, found));
        let during = self.during.items.iter().map(|found| (Phase::During, found));
        before.chain(during).chain(self.after.iter().map(|found| (Phase::After, found)))
    }
}
