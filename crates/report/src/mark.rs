//! How good something is: one rule for all formats, and for the colors of `kubectl chaostoolkit`.

use chaostoolkit_journal::{RollbackState, RunResult, SteadyState};

use crate::model::{Activity, ActivityStatus, Evaluation};

/// How good something is. A word that says the same stands beside each mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Mark {
    /// As it should be.
    Good,
    /// Somebody has to look at it.
    Bad,
    /// It may not be what it seems, or nobody knows.
    Odd,
}

impl Mark {
    /// Returns the mark of a result.
    #[must_use]
    pub const fn of_result(result: RunResult) -> Self {
        match result {
            RunResult::Passed => Self::Good,
            RunResult::Inconclusive | RunResult::Interrupted | RunResult::Unknown => Self::Odd,
            RunResult::Deviated
            | RunResult::BaselineNotMet
            | RunResult::ProbeError
            | RunResult::Aborted
            | RunResult::Invalid
            | RunResult::Error => Self::Bad,
        }
    }

    /// Returns the mark of the rollbacks as a whole.
    #[must_use]
    pub const fn of_rollbacks(state: RollbackState) -> Self {
        match state {
            RollbackState::Played | RollbackState::NoneDeclared => Self::Good,
            RollbackState::Failed | RollbackState::Unfinished | RollbackState::Partial => Self::Bad,
            RollbackState::NotPlayed | RollbackState::Unknown => Self::Odd,
        }
    }

    /// The mark of a steady state that was evaluated.
    pub(crate) const fn of_state(state: SteadyState) -> Self {
        match state {
            SteadyState::Met => Self::Good,
            SteadyState::NotMet | SteadyState::ProbeError => Self::Bad,
            SteadyState::NotEvaluated | SteadyState::Unknown => Self::Odd,
        }
    }

    pub(crate) fn of_evaluation(state: &Evaluation) -> Self {
        match state.word() {
            "met" => Self::Good,
            "unknown" => Self::Odd,
            _ => Self::Bad,
        }
    }

    pub(crate) fn of_activity(activity: &Activity) -> Self {
        match activity.status {
            _ if !activity.is_bad() => Self::Good,
            ActivityStatus::Unfinished => Self::Odd,
            _ => Self::Bad,
        }
    }

    /// The mark of something that is good or bad.
    pub(crate) const fn of(is_good: bool) -> Self {
        if is_good { Self::Good } else { Self::Bad }
    }

    /// Returns the sign that stands before the word.
    #[must_use]
    pub const fn sign(self) -> char {
        match self {
            Self::Good => '✔',
            Self::Bad => '✘',
            Self::Odd => '!',
        }
    }
}
