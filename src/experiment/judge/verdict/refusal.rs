//! The verdict on a toolkit that ended without a journal.

use crate::experiment::judge::verdict::types::Verdict;
use chaostoolkit_api::Phase;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_journal::{Outcome, Refusal, RefusalKind};

/// What the toolkit was asked to do.
pub enum Asked<'name> {
    /// To run an experiment.
    Run,
    /// Something else, such as `validate`.
    Subcommand(&'name str),
}

/// Judges a toolkit that ended without a journal, by its exit code and its last error.
///
/// `has_begun`: its log shows that it had begun to run the experiment, so it did not refuse it.
pub fn judge(asked: &Asked, code: i32, refusal: Option<&Refusal>, has_begun: bool) -> Verdict {
    match (asked, code) {
        (Asked::Subcommand(name), 0) => Verdict {
            phase: Phase::Completed,
            ..Verdict::new(
                Outcome::Unknown,
                Reason::SubcommandCompleted,
                format!("chaos {name} ended well; it runs no experiment, so there is no outcome"),
            )
        },
        (Asked::Subcommand(name), code) => {
            let (outcome, why) = match refusal {
                Some(refusal) => (kind(refusal.kind).0, format!(": {}", refusal.line)),
                None if code == 2 => (Outcome::Invalid, ": it did not understand its arguments".to_owned()),
                None => (Outcome::Unknown, String::new()),
            };
            let text = format!("chaos {name} failed with exit code {code}{why}");
            Verdict::new(outcome, Reason::SubcommandFailed, text)
        }
        (Asked::Run, 0) => Verdict::new(
            Outcome::Unknown,
            Reason::NoJournal,
            "the toolkit exited with code 0 and without a journal",
        ),
        (Asked::Run, code) => match refusal {
            Some(Refusal { kind: of, line }) => {
                let (outcome, reason) = kind(*of);
                Verdict::new(
                    outcome,
                    reason,
                    format!("the toolkit ran no experiment (exit code {code}): {line}"),
                )
            }
            None if has_begun => Verdict::new(
                Outcome::Unknown,
                Reason::NoJournal,
                format!(
                    "the toolkit began to run the experiment, and exited with code {code} and without a journal"
                ),
            ),
            None if code == 2 => Verdict::new(
                Outcome::Invalid,
                Reason::ArgumentsInvalid,
                "the toolkit did not understand its arguments (exit code 2)",
            ),
            None => Verdict::new(
                Outcome::Invalid,
                Reason::ExperimentInvalid,
                format!(
                    "the toolkit exited with code {code} and without a journal, as it does if it refuses an experiment"
                ),
            ),
        },
    }
}

/// The outcome and the reason for a kind of error. It is not the author's fault that a URL cannot be reached.
const fn kind(kind: RefusalKind) -> (Outcome, Reason) {
    match kind {
        RefusalKind::ExtensionMissing => (Outcome::Invalid, Reason::ExtensionMissing),
        RefusalKind::ConfigurationMissing => (Outcome::Invalid, Reason::ConfigurationMissing),
        RefusalKind::ExperimentInvalid => (Outcome::Invalid, Reason::ExperimentInvalid),
        RefusalKind::ArgumentsInvalid => (Outcome::Invalid, Reason::ArgumentsInvalid),
        RefusalKind::ExperimentUnreachable => (Outcome::Error, Reason::ExperimentUnreachable),
    }
}
