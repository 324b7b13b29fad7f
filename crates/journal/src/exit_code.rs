//! The exit codes of commands that wait for a run. They follow from the table of results.

use crate::outcome::{Outcome, Warning};
use crate::result::{RunResult, rate};

/// The exit code of a command that waits for a run. Scripts rely on the numbers, so they never change.
///
/// 0 to 2 and the numbers from 124 on have the meaning that they have in other programs. 10 to 19 tell of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr, strum::VariantArray)]
#[repr(u8)]
pub enum ExitCode {
    /// The run passed, or the command did what it was asked for.
    Passed = 0,
    /// The command or the cluster failed.
    Failed = 1,
    /// The flags are wrong.
    Usage = 2,
    /// See [`Outcome::Deviated`].
    Deviated = 10,
    /// See [`Outcome::BaselineNotMet`].
    BaselineNotMet = 11,
    /// See [`Outcome::ProbeError`].
    ProbeError = 12,
    /// See [`Outcome::Interrupted`] and [`Outcome::Aborted`].
    Stopped = 13,
    /// See [`Outcome::Invalid`].
    Invalid = 14,
    /// See [`Outcome::Error`].
    Error = 15,
    /// See [`Outcome::Unknown`].
    Unknown = 16,
    /// The run passed, but nobody can rely on that: see [`RunResult::Inconclusive`].
    Inconclusive = 17,
    /// Rollbacks failed or were not played, whatever the outcome is: the fault may still be there.
    RollbacksMissing = 18,
    /// The run has not started, and waits for somebody or was given up.
    NotStarted = 19,
    /// The run had not ended when the time was over.
    TimedOut = 124,
    /// Somebody interrupted the command with Ctrl-C.
    Interrupted = 130,
}

impl ExitCode {
    /// Returns the number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// Returns the exit code for a run that has ended.
///
/// `rolled_back` says whether all rollbacks that were to be played were played, by the run or by somebody in its place. If
/// that is not known, the warnings decide.
///
/// | result, in the table of [`rate`] | exit code |
/// |---|---|
/// | any, and rollbacks failed or were not played | 18 |
/// | `Passed` | 0 |
/// | `Inconclusive` of a run that passed | 17 |
/// | `Inconclusive` of a run that deviated, `Deviated` | 10 |
/// | `BaselineNotMet` | 11 |
/// | `ProbeError` | 12 |
/// | `Aborted`, `Interrupted` | 13 |
/// | `Invalid` | 14 |
/// | `Error` | 15 |
/// | `Unknown` | 16 |
#[must_use]
pub fn exit_code(outcome: Outcome, warnings: &[Warning], rolled_back: Option<bool>) -> ExitCode {
    let is_missing =
        |warning: &Warning| matches!(warning, Warning::RollbackFailed | Warning::RollbacksNotPlayed);
    if !rolled_back.unwrap_or_else(|| !warnings.iter().any(is_missing)) {
        return ExitCode::RollbacksMissing;
    }
    match rate(outcome, warnings).result {
        RunResult::Passed => ExitCode::Passed,
        RunResult::Inconclusive if outcome == Outcome::Passed => ExitCode::Inconclusive,
        RunResult::Inconclusive | RunResult::Deviated => ExitCode::Deviated,
        RunResult::BaselineNotMet => ExitCode::BaselineNotMet,
        RunResult::ProbeError => ExitCode::ProbeError,
        RunResult::Aborted | RunResult::Interrupted => ExitCode::Stopped,
        RunResult::Invalid => ExitCode::Invalid,
        RunResult::Error => ExitCode::Error,
        RunResult::Unknown => ExitCode::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::VariantArray;

    /// The codes without a word about rollbacks, by outcome. The second one is that of an unreliable run.
    const BY_OUTCOME: [(Outcome, u8, u8); 9] = [
        (Outcome::Passed, 0, 17),
        (Outcome::Deviated, 10, 10),
        (Outcome::BaselineNotMet, 11, 11),
        (Outcome::ProbeError, 12, 12),
        (Outcome::Aborted, 13, 13),
        (Outcome::Interrupted, 13, 13),
        (Outcome::Invalid, 14, 14),
        (Outcome::Error, 15, 15),
        (Outcome::Unknown, 16, 16),
    ];

    /// Returns all sets of warnings.
    fn all_warnings() -> Vec<Vec<Warning>> {
        let variants = Warning::VARIANTS;
        let sets = 0..1_u32 << variants.len();
        let of = |set: u32| variants.iter().enumerate().filter(move |(at, _)| set >> at & 1 == 1);
        sets.map(|set| of(set).map(|(_, warning)| *warning).collect()).collect()
    }

    #[test]
    fn each_outcome_with_all_warnings_and_rollbacks_has_the_code_of_the_table() {
        assert_eq!(BY_OUTCOME.len(), Outcome::VARIANTS.len());
        for (outcome, reliable, unreliable) in BY_OUTCOME {
            for warnings in all_warnings() {
                let has = |warning: Warning| warnings.contains(&warning);
                let is_unreliable = has(Warning::ActivityFailed) || has(Warning::DryRun);
                let expected = if is_unreliable { unreliable } else { reliable };
                let is_missing = has(Warning::RollbackFailed) || has(Warning::RollbacksNotPlayed);
                let by_warnings = if is_missing { 18 } else { expected };
                for (rolled_back, expected) in
                    [(Some(true), expected), (Some(false), 18), (None, by_warnings)]
                {
                    let found = exit_code(outcome, &warnings, rolled_back).number();
                    assert_eq!(found, expected, "{outcome:?} {warnings:?} {rolled_back:?}");
                }
            }
        }
    }

    #[test]
    fn only_a_success_is_0_and_each_number_is_there_once() {
        let mut numbers: Vec<u8> = ExitCode::VARIANTS.iter().map(|code| code.number()).collect();
        assert_eq!(numbers, [0, 1, 2, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 124, 130]);
        numbers.dedup();
        assert_eq!(numbers.len(), ExitCode::VARIANTS.len());
        for outcome in Outcome::VARIANTS {
            for warnings in all_warnings() {
                let is_success = exit_code(*outcome, &warnings, Some(true)) == ExitCode::Passed;
                assert_eq!(is_success, rate(*outcome, &warnings).succeeded == Some(true));
            }
        }
    }
}
