//! The verdict without a readable journal: by the report of the runner.

use crate::experiment::judge::pod_state::End;
use crate::experiment::judge::verdict::types::Verdict;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_journal::message::Message;
use chaostoolkit_journal::{Outcome, Summary};

/// Judges a run by what the runner saw.
pub fn from_report(pod: &str, end: &End, message: &Message, summary: Option<&Summary>) -> Verdict {
    let code = end.exit_code.unwrap_or_default();
    if summary.is_some() {
        let text = format!("the journal says that the run passed, and the toolkit exited with code {code}");
        return Verdict::new(Outcome::Unknown, Reason::ReportInvalid, text);
    }
    if let Some(why) = &message.not_started {
        return Verdict::new(Outcome::Error, Reason::CommandNotStarted, why.clone());
    }
    if let Some(signal) = &message.stopped_by {
        let text = format!("{signal} stopped the toolkit before it could write a journal");
        return stopped(end).unwrap_or_else(|| Verdict::new(Outcome::Interrupted, Reason::Interrupted, text));
    }
    if let Some(signal) = message.signal {
        let text = format!("signal {signal} killed the toolkit in pod {pod}");
        return Verdict::new(Outcome::Error, Reason::ToolkitKilled, text);
    }
    if let Some(problem) = message.journal.as_ref().and_then(|file| file.problem.as_ref()) {
        let text = format!("the journal cannot be read: {problem}");
        return Verdict::new(Outcome::Unknown, Reason::JournalUnreadable, text);
    }
    match code {
        0 => Verdict::new(Outcome::Unknown, Reason::NoJournal, "the command ended without a journal"),
        2 => Verdict::new(
            Outcome::Invalid,
            Reason::ArgumentsInvalid,
            "the toolkit did not understand its arguments (exit code 2)",
        ),
        _ => Verdict::new(
            Outcome::Invalid,
            Reason::ExperimentInvalid,
            format!("the toolkit refused the experiment (exit code {code})"),
        ),
    }
}

/// The verdict on a run whose pod was deleted before the runner could report.
fn stopped(end: &End) -> Option<Verdict> {
    let text = "the pod was deleted, and the run ended without a journal";
    end.deleted.then(|| Verdict::new(Outcome::Interrupted, Reason::PodDeleted, text))
}

/// Judges a container whose runner has not reported.
pub fn unreported(pod: &str, end: &End) -> Verdict {
    let words = [end.word.as_str(), end.message.as_str()].join(" ");
    match end.exit_code {
        _ if end.deleted => {
            let text = format!("pod {pod} was deleted before its end could be seen");
            Verdict::new(Outcome::Error, Reason::PodDeleted, text)
        }
        // The container runtime says so of a container that it could not start.
        Some(_) if matches!(end.word.as_str(), "StartError" | "ContainerCannotRun") => {
            Verdict::new(Outcome::Error, Reason::CommandNotStarted, words.trim())
        }
        Some(code) => {
            let text = format!("the container ended with code {code} and left no report of the runner's");
            Verdict::new(Outcome::Unknown, Reason::ReportInvalid, text)
        }
        None => Verdict::new(
            Outcome::Error,
            Reason::RunFailed,
            format!("pod {pod} failed: {words}").trim().to_owned(),
        ),
    }
}

/// Judges a container that was killed after its runner had begun.
pub fn killed(end: &End) -> Verdict {
    let how = end.exit_code.map_or_else(String::new, |code| format!(" (exit code {code})"));
    let text = format!("the container was killed{how} before the runner could report how the run went");
    stopped(end).unwrap_or_else(|| Verdict::new(Outcome::Error, Reason::ToolkitKilled, text))
}
