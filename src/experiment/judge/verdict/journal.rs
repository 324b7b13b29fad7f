//! The verdict by the journal.

use crate::experiment::judge::pod_state::End;
use crate::experiment::judge::verdict::types::Verdict;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_journal::{Outcome, RunResult, Summary, Warning, rate};

/// Judges a run by the summary of its journal.
pub fn from_journal(summary: &Summary, end: &End) -> Verdict {
    let rating = rate(summary.outcome, &summary.warnings);
    let (reason, text) = match summary.outcome {
        Outcome::Passed if rating.result == RunResult::Inconclusive => {
            (Reason::Inconclusive, "the steady state held")
        }
        Outcome::Passed => (Reason::Passed, "the steady state held"),
        Outcome::Deviated => {
            (Reason::Deviated, "the steady state held before the method, and did not during or after it")
        }
        Outcome::BaselineNotMet => (
            Reason::BaselineNotMet,
            "the steady state did not hold before the method, which therefore did not run",
        ),
        Outcome::ProbeError => (Reason::ProbeError, "a probe of the steady state could not be executed"),
        Outcome::Aborted => (Reason::Aborted, "the toolkit met an error that it did not expect"),
        Outcome::Interrupted if end.deleted => {
            (Reason::PodDeleted, "the pod was deleted, and the run stopped for that")
        }
        Outcome::Interrupted => (Reason::Interrupted, "a signal or a control ended the run"),
        Outcome::Invalid | Outcome::Error | Outcome::Unknown => {
            let why = summary.doubt.clone().unwrap_or_else(|| "it does not say how the run ended".to_owned());
            let text = format!("the journal does not show what the run found: {why}");
            return Verdict::new(Outcome::Unknown, Reason::JournalUnreadable, text);
        }
    };
    let text =
        std::iter::once(text.to_owned()).chain(summary.warnings.iter().map(|open| explain(*open, summary)));
    let message = text.collect::<Vec<_>>().join("; ");
    Verdict {
        warnings: summary.warnings.clone(),
        conclusive: rating.conclusive,
        ..Verdict::new(summary.outcome, reason, message)
    }
}

fn explain(open: Warning, summary: &Summary) -> String {
    let (activities, rollbacks) = (&summary.activities, &summary.rollbacks);
    match open {
        Warning::ActivityFailed => {
            format!("{} of {} activities of the method failed", activities.failed.max(1), activities.total)
        }
        Warning::RollbackFailed => {
            format!("{} of {} rollbacks failed", rollbacks.failed.max(1), rollbacks.total)
        }
        Warning::RollbacksNotPlayed => {
            format!("{} of {} rollbacks were started", rollbacks.played, rollbacks.total)
        }
        Warning::NoHypothesis => "there is no steady-state hypothesis to judge the system by".to_owned(),
        Warning::DryRun => "it was a dry run".to_owned(),
        Warning::ProbeFailed => "a probe of the hypothesis could not be executed then".to_owned(),
    }
}
