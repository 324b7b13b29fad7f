//! From the end of a pod, and the evidence that it left, to the verdict: pure.
//!
//! The journal counts as long as nothing contradicts it. Without a credible journal, the first of these counts: the platform
//! ended the run, somebody stopped it, the toolkit was killed, the toolkit refused the experiment. An exit code of 0 alone
//! proves nothing. A sentence speaks of the toolkit only if the runner saw it.

mod forbidden;
mod guess;
mod journal;
mod kill;
mod platform;
mod refusal;
mod report;
mod toolkit;
mod types;

use crate::experiment::judge::evidence::Evidence;
use crate::experiment::judge::pod_state::End;
use crate::experiment::judge::verdict::guess::guess;
use crate::experiment::judge::verdict::journal::from_journal;
use crate::experiment::judge::verdict::platform::{ended_by_platform, platform};
use crate::experiment::judge::verdict::report::{from_report, killed, unreported};
use chaostoolkit_api::reason::Reason;
use chaostoolkit_journal::message::{Message, State};
use chaostoolkit_journal::{Outcome, Summary, redact};

pub use kill::{is_lost, was_killed};
pub use types::{Ordered, Verdict};

/// Judges the run of a pod that has ended. The message quotes journals and logs, so it is redacted here, once for all.
#[must_use]
pub fn judge(pod: &str, end: &End, evidence: &Evidence) -> Verdict {
    let verdict = judge_evidence(pod, end, evidence);
    Verdict { message: redact(&verdict.message), ..verdict }
}

fn judge_evidence(pod: &str, end: &End, evidence: &Evidence) -> Verdict {
    if !end.has_runner {
        return guess(pod, end, evidence);
    }
    let journal = evidence.summary.as_ref();
    if let Some(summary) = journal.filter(|summary| is_credible(summary, end, evidence.message.as_ref()))
        && (is_final(summary.outcome) || platform(end).is_none())
    {
        return with_rest(from_journal(summary, end), end, evidence.message.as_ref());
    }
    if let Some(verdict) = ended_by_platform(pod, end) {
        let warnings = journal.map(|summary| summary.warnings.clone()).unwrap_or_default();
        let lacking =
            journal.and_then(|summary| forbidden::advice(&summary.forbidden, end.account.as_deref()));
        return Verdict { warnings, lacking, ..verdict };
    }
    match &evidence.message {
        Some(message) if message.state == State::Ended && message.exit_code == end.exit_code => {
            from_report(pod, end, message, evidence)
        }
        Some(message) if message.state == State::Running && end.started_at.is_some() => killed(end),
        _ => unreported(pod, end),
    }
}

/// Adds to a verdict by the journal what the runner saw besides: a command that failed after the toolkit had ended, other
/// starts of the toolkit, and starts that it could not observe. One of those may have ended worse, so the run did not pass
/// then.
fn with_rest(verdict: Verdict, end: &End, message: Option<&Message>) -> Verdict {
    let Some(message) = message else { return verdict };
    let unobserved = message.starts.as_ref().map_or(0, |starts| starts.unobserved);
    if unobserved > 0 && verdict.outcome == Outcome::Passed {
        let text = format!(
            "{}; of those that were, the journal says: {}",
            toolkit::not_observed(unobserved),
            verdict.message
        );
        return Verdict {
            warnings: verdict.warnings,
            lacking: verdict.lacking,
            ..Verdict::new(Outcome::Unknown, Reason::ToolkitUnobserved, text)
        };
    }
    let total = message.starts.as_ref().map_or(0, |starts| starts.total);
    let verdict = if total > 1 {
        Verdict { message: format!("the worst of {total} runs: {}", verdict.message), ..verdict }
    } else {
        verdict
    };
    match (message.toolkit_end, end.exit_code) {
        (Some(toolkit), Some(code)) if code != 0 && code != toolkit.exit_code => {
            let text = format!("{}; the command exited with code {code} after that", verdict.message);
            Verdict { message: text, ..verdict }
        }
        _ => verdict,
    }
}

/// Whether the toolkit had come to its verdict. Then it does not matter what ended the container.
const fn is_final(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Passed | Outcome::Deviated | Outcome::BaselineNotMet | Outcome::ProbeError)
}

/// Whether the journal agrees with the end of the container.
///
/// The runner writes its report when nothing else runs in the container any more, and exits with the code that it reports. A
/// runner that was killed could not keep others from writing. The exit code of a command that only starts the toolkit says
/// nothing about the toolkit.
fn is_credible(summary: &Summary, end: &End, message: Option<&Message>) -> bool {
    let Some(code) = end.exit_code else { return false };
    let is_reported =
        message.is_some_and(|message| message.state == State::Ended && message.exit_code == Some(code));
    match summary.outcome {
        Outcome::Passed => {
            is_reported && message.is_some_and(|message| toolkit::seen(end, message).code() == 0)
        }
        Outcome::Invalid | Outcome::Error => false,
        _ => is_reported || message.is_some_and(|message| message.state == State::Running),
    }
}

#[cfg(test)]
mod tests;
