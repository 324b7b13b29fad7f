//! The outcomes of a run, and the warnings that qualify them.

use serde::{Deserialize, Serialize};

/// The outcome of a run.
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
    strum::IntoStaticStr,
    strum::VariantArray,
)]
pub enum Outcome {
    /// The steady state was met each time it was evaluated.
    Passed,
    /// The steady state was met before the method, but not during or after it.
    Deviated,
    /// The steady state was not met before the method. Most versions of the toolkit do not run the method then.
    BaselineNotMet,
    /// A probe of the hypothesis could not be executed, and the toolkit does not say that the system deviated. So it is
    /// unknown whether the steady state was met.
    ProbeError,
    /// An unexpected error ended the run.
    Aborted,
    /// A signal or a control ended the run.
    Interrupted,
    /// The toolkit rejected the experiment. It writes no journal then, so [`classify`](crate::classify()) never returns this.
    Invalid,
    /// The platform ended the run. No journal shows this, so [`classify`](crate::classify()) never returns it.
    Error,
    /// The available evidence does not show the outcome.
    #[default]
    Unknown,
}

impl Outcome {
    /// The outcomes, from the worst to the best. The worst outcome of several runs is that of all of them.
    pub const FROM_WORST: [Self; 9] = [
        Self::Interrupted,
        Self::Aborted,
        Self::Deviated,
        Self::ProbeError,
        Self::BaselineNotMet,
        Self::Error,
        Self::Invalid,
        Self::Unknown,
        Self::Passed,
    ];

    /// Returns the position in [`FROM_WORST`](Self::FROM_WORST). The worst outcome has the lowest one.
    #[must_use]
    pub fn rank(self) -> usize {
        Self::FROM_WORST.iter().position(|other| *other == self).unwrap_or_default()
    }
}

/// A reservation about the outcome of a run.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
pub enum Warning {
    /// An activity of the method failed, so the fault may not have been injected.
    ActivityFailed,
    /// A rollback failed, so the fault may still be there.
    RollbackFailed,
    /// Some rollbacks were not played, so the fault may still be there.
    RollbacksNotPlayed,
    /// There was no steady-state hypothesis to judge the system by.
    NoHypothesis,
    /// The run was a dry run: activities were not executed.
    DryRun,
    /// A probe of the hypothesis could not be executed after the baseline was met, so the toolkit reports a deviation
    /// that nobody measured.
    ProbeFailed,
    /// The API server refused a request of an activity, since the account lacked the right.
    ActivityForbidden,
}
