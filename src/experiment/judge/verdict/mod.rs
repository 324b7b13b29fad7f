//! From the end of a pod, and the evidence that it left, to the verdict: pure.
//!
//! The journal counts as long as nothing contradicts it. Without a credible journal, the first of these counts: the platform
//! ended the run, somebody stopped it, the toolkit was killed, the toolkit refused the experiment. An exit code of 0 alone
//! proves nothing.

mod guess;
mod journal;
mod platform;
mod report;
mod types;

use crate::experiment::judge::evidence::Evidence;
use crate::experiment::judge::pod_state::End;
use crate::experiment::judge::verdict::guess::guess;
use crate::experiment::judge::verdict::journal::from_journal;
use crate::experiment::judge::verdict::platform::{ended_by_platform, platform};
use crate::experiment::judge::verdict::report::{from_report, killed, unreported};
use chaostoolkit_journal::message::{Message, State};
use chaostoolkit_journal::{Outcome, Summary};

pub use types::{Ordered, Verdict};

/// Judges the run of a pod that has ended.
#[must_use]
pub fn judge(pod: &str, end: &End, evidence: &Evidence) -> Verdict {
    if !end.has_runner {
        return guess(pod, end, evidence);
    }
    let journal = evidence.summary.as_ref();
    if let Some(summary) = journal.filter(|summary| is_credible(summary, end, evidence.message.as_ref()))
        && (is_final(summary.outcome) || platform(end).is_none())
    {
        return from_journal(summary, end);
    }
    if let Some(verdict) = ended_by_platform(pod, end) {
        let warnings = journal.map(|summary| summary.warnings.clone()).unwrap_or_default();
        return Verdict { warnings, ..verdict };
    }
    match &evidence.message {
        Some(message) if message.state == State::Ended && message.exit_code == end.exit_code => {
            from_report(pod, end, message, journal)
        }
        Some(message) if message.state == State::Running && end.started_at.is_some() => killed(end),
        _ => unreported(pod, end),
    }
}

/// Whether the toolkit had come to its verdict. Then it does not matter what ended the container.
const fn is_final(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Passed | Outcome::Deviated | Outcome::BaselineNotMet | Outcome::ProbeError)
}

/// Whether the journal agrees with the end of the container.
///
/// The runner writes its report when nothing else runs in the container any more, and exits with the code that it reports. A
/// runner that was killed could not keep others from writing.
fn is_credible(summary: &Summary, end: &End, message: Option<&Message>) -> bool {
    let Some(code) = end.exit_code else { return false };
    let is_reported =
        message.is_some_and(|message| message.state == State::Ended && message.exit_code == Some(code));
    match summary.outcome {
        Outcome::Passed => is_reported && code == 0,
        Outcome::Invalid | Outcome::Error => false,
        _ => is_reported || message.is_some_and(|message| message.state == State::Running),
    }
}

#[cfg(test)]
mod tests;
