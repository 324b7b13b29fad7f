//! The verdict without the runner: a guess from exit code and log.

use crate::experiment::judge::evidence::Evidence;
use crate::experiment::judge::pod_state::End;
use crate::experiment::judge::verdict::platform::ended_by_platform;
use crate::experiment::judge::verdict::report::unreported;
use crate::experiment::judge::verdict::types::Verdict;
use chaostoolkit_api::Phase;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_journal::{Outcome, Refusal};

/// The line with which all versions of the toolkit end a run.
const LAST_WORD: &str = "Experiment ended with status: ";

/// Judges a run by exit code and log. A guess is never that the experiment passed.
pub fn guess(pod: &str, end: &End, evidence: &Evidence) -> Verdict {
    if let Some(verdict) = ended_by_platform(pod, end) {
        return verdict;
    }
    let log = evidence.log_tail.as_deref().unwrap_or_default();
    let said = log.rsplit_once(LAST_WORD).map(|(_, rest)| rest.lines().next().unwrap_or_default().trim());
    let guessed = |outcome, reason, text: String| {
        Verdict::new(outcome, reason, format!("{text}; a guess, since spec.report.mode is none"))
    };
    match (end.exit_code, said) {
        (Some(0), _) => Verdict {
            phase: Phase::Completed,
            ..guessed(
                Outcome::Unknown,
                Reason::Completed,
                "the command exited with code 0, which does not prove that a steady state held".to_owned(),
            )
        },
        (Some(_), Some("deviated")) => {
            guessed(Outcome::Deviated, Reason::Deviated, "the log says that the system deviated".to_owned())
        }
        (Some(_), Some("interrupted")) | (Some(130 | 143), _) => {
            let reason = if end.deleted { Reason::PodDeleted } else { Reason::Interrupted };
            guessed(Outcome::Interrupted, reason, "the run was interrupted".to_owned())
        }
        (Some(_), Some("aborted")) => {
            guessed(Outcome::Aborted, Reason::Aborted, "the log says that the toolkit aborted".to_owned())
        }
        (Some(code), _) if end.deleted => guessed(
            Outcome::Unknown,
            Reason::PodDeleted,
            format!("pod {pod} was deleted during the run; the command exited with code {code}"),
        ),
        (Some(code), _) => {
            let last =
                Refusal::find(log).map(|Refusal { line, .. }| format!(", and its last error is: {line}"));
            guessed(
                Outcome::Unknown,
                Reason::RunFailed,
                format!("the command exited with code {code} ({}){}", end.word, last.unwrap_or_default()),
            )
        }
        (None, _) => unreported(pod, end),
    }
}
