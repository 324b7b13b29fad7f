//! Which ends count as a success.

use clap::ValueEnum;

use chaostoolkit_journal::ExitCode;

/// An end of a run that counts as a success if it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Allowed {
    /// The run passed, but nobody can rely on that.
    Inconclusive,
    /// The system deviated.
    Deviated,
    /// The system was not healthy before the method.
    Baseline,
    /// A probe could not be executed.
    ProbeError,
    /// The run was interrupted or aborted.
    Stopped,
    /// The toolkit refused the experiment.
    Invalid,
    /// The platform ended the run.
    Error,
    /// Nothing is known of the end.
    Unknown,
    /// Rollbacks failed or were not played. The exit code is then that of the outcome.
    Rollbacks,
    /// The run has not started.
    NotStarted,
}

impl Allowed {
    const fn code(self) -> ExitCode {
        match self {
            Self::Inconclusive => ExitCode::Inconclusive,
            Self::Deviated => ExitCode::Deviated,
            Self::Baseline => ExitCode::BaselineNotMet,
            Self::ProbeError => ExitCode::ProbeError,
            Self::Stopped => ExitCode::Stopped,
            Self::Invalid => ExitCode::Invalid,
            Self::Error => ExitCode::Error,
            Self::Unknown => ExitCode::Unknown,
            Self::Rollbacks => ExitCode::RollbacksMissing,
            Self::NotStarted => ExitCode::NotStarted,
        }
    }
}

/// Returns the exit code with what is allowed. `code` is the exit code of the run, and `without_rollbacks` the one that it has
/// if rollbacks do not count.
#[must_use]
pub fn allowed(code: ExitCode, without_rollbacks: ExitCode, allow: &[Allowed]) -> ExitCode {
    let code = match code {
        ExitCode::RollbacksMissing if allow.contains(&Allowed::Rollbacks) => without_rollbacks,
        code => code,
    };
    if allow.iter().any(|one| one.code() == code) { ExitCode::Passed } else { code }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaostoolkit_journal::{Outcome, exit_code};
    use strum::VariantArray;

    #[test]
    fn each_end_of_a_run_can_be_allowed_and_allows_no_other() {
        for outcome in Outcome::VARIANTS {
            let code = exit_code(*outcome, &[], None);
            for one in Allowed::value_variants() {
                let found = allowed(code, code, &[*one]);
                assert_eq!(
                    found,
                    if one.code() == code { ExitCode::Passed } else { code },
                    "{outcome:?} {one:?}"
                );
            }
            let all = Allowed::value_variants();
            assert_eq!(allowed(code, code, all), ExitCode::Passed, "{outcome:?}");
        }
    }

    #[test]
    fn what_the_command_itself_met_cannot_be_allowed() {
        for code in [ExitCode::Failed, ExitCode::Usage, ExitCode::TimedOut, ExitCode::Interrupted] {
            assert_eq!(allowed(code, code, Allowed::value_variants()), code);
        }
    }

    #[test]
    fn without_rollbacks_the_outcome_counts() {
        let missing = ExitCode::RollbacksMissing;
        let found = |allow: &[Allowed]| allowed(missing, ExitCode::Deviated, allow);
        assert_eq!(found(&[]), missing);
        assert_eq!(found(&[Allowed::Deviated]), missing, "the fault may still be there");
        assert_eq!(found(&[Allowed::Rollbacks]), ExitCode::Deviated);
        assert_eq!(found(&[Allowed::Rollbacks, Allowed::Deviated]), ExitCode::Passed);
    }
}
