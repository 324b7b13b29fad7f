//! The table of results: what follows from an outcome and its warnings.

use serde::{Deserialize, Serialize};

use crate::outcome::{Outcome, Warning};

/// The result of a run in one word: its outcome, or [`Inconclusive`](RunResult::Inconclusive) if nobody can rely on the
/// outcome.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantArray,
)]
pub enum RunResult {
    /// See [`Outcome::Passed`].
    Passed,
    /// See [`Outcome::Deviated`].
    Deviated,
    /// The run passed or deviated, but an activity of the method failed, or it was a dry run.
    Inconclusive,
    /// See [`Outcome::BaselineNotMet`].
    BaselineNotMet,
    /// See [`Outcome::ProbeError`].
    ProbeError,
    /// See [`Outcome::Aborted`].
    Aborted,
    /// See [`Outcome::Interrupted`].
    Interrupted,
    /// See [`Outcome::Invalid`].
    Invalid,
    /// See [`Outcome::Error`].
    Error,
    /// See [`Outcome::Unknown`].
    Unknown,
}

/// What follows from an outcome and its warnings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rating {
    /// The result in one word.
    pub result: RunResult,
    /// Whether the run succeeded. `None` if that is not known.
    pub succeeded: Option<bool>,
    /// Whether the run answers the question that the experiment asks.
    pub conclusive: bool,
}

/// Looks an outcome and its warnings up in the table of results.
///
/// | outcome | warnings | result | succeeded | conclusive |
/// |---|---|---|---|---|
/// | Passed | ActivityFailed or DryRun | Inconclusive | unknown | no |
/// | Passed | NoHypothesis or ProbeFailed | Passed | yes | no |
/// | Passed | others, or none | Passed | yes | yes |
/// | Deviated | ActivityFailed or DryRun | Inconclusive | no | no |
/// | Deviated | NoHypothesis or ProbeFailed | Deviated | no | no |
/// | Deviated | others, or none | Deviated | no | yes |
/// | any other | any | the outcome | no | no |
#[must_use]
pub fn rate(outcome: Outcome, warnings: &[Warning]) -> Rating {
    let has = |open: Warning| warnings.contains(&open);
    let is_reliable = !has(Warning::ActivityFailed) && !has(Warning::DryRun);
    let is_measured = !has(Warning::NoHypothesis) && !has(Warning::ProbeFailed);
    let rating = |result, succeeded, conclusive| Rating { result, succeeded, conclusive };
    match outcome {
        Outcome::Passed if !is_reliable => rating(RunResult::Inconclusive, None, false),
        Outcome::Passed => rating(RunResult::Passed, Some(true), is_measured),
        Outcome::Deviated if !is_reliable => rating(RunResult::Inconclusive, Some(false), false),
        Outcome::Deviated => rating(RunResult::Deviated, Some(false), is_measured),
        Outcome::BaselineNotMet => rating(RunResult::BaselineNotMet, Some(false), false),
        Outcome::ProbeError => rating(RunResult::ProbeError, Some(false), false),
        Outcome::Aborted => rating(RunResult::Aborted, Some(false), false),
        Outcome::Interrupted => rating(RunResult::Interrupted, Some(false), false),
        Outcome::Invalid => rating(RunResult::Invalid, Some(false), false),
        Outcome::Error => rating(RunResult::Error, Some(false), false),
        Outcome::Unknown => rating(RunResult::Unknown, Some(false), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use strum::VariantArray;

    #[rstest]
    #[case(Outcome::Passed, &[], RunResult::Passed, Some(true), true)]
    #[case(Outcome::Passed, &[Warning::RollbackFailed, Warning::RollbacksNotPlayed], RunResult::Passed, Some(true), true)]
    #[case(Outcome::Passed, &[Warning::NoHypothesis], RunResult::Passed, Some(true), false)]
    #[case(Outcome::Passed, &[Warning::ActivityFailed], RunResult::Inconclusive, None, false)]
    #[case(Outcome::Passed, &[Warning::NoHypothesis, Warning::DryRun], RunResult::Inconclusive, None, false)]
    #[case(Outcome::Deviated, &[], RunResult::Deviated, Some(false), true)]
    #[case(Outcome::Deviated, &[Warning::ProbeFailed], RunResult::Deviated, Some(false), false)]
    #[case(Outcome::Deviated, &[Warning::ActivityFailed], RunResult::Inconclusive, Some(false), false)]
    #[case(Outcome::BaselineNotMet, &[Warning::DryRun], RunResult::BaselineNotMet, Some(false), false)]
    fn rows(
        #[case] outcome: Outcome,
        #[case] warnings: &[Warning],
        #[case] result: RunResult,
        #[case] succeeded: Option<bool>,
        #[case] conclusive: bool,
    ) {
        assert_eq!(rate(outcome, warnings), Rating { result, succeeded, conclusive });
    }

    #[test]
    fn each_outcome_is_a_result_and_only_a_reliable_pass_succeeds() {
        for outcome in Outcome::VARIANTS {
            let word: &str = outcome.into();
            let result: &str = rate(*outcome, &[]).result.into();
            assert_eq!(result, word);
            for open in Warning::VARIANTS {
                let rating = rate(*outcome, &[*open]);
                let is_pass = rating.result == RunResult::Passed;
                assert_eq!(rating.succeeded == Some(true), is_pass, "{outcome:?} {open:?}");
            }
        }
    }
}
