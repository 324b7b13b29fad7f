//! The verdict without a readable journal: by the report of the runner.

use crate::experiment::judge::evidence::Evidence;
use crate::experiment::judge::pod_state::End;
use crate::experiment::judge::verdict::refusal::{self, Asked};
use crate::experiment::judge::verdict::toolkit::{Seen, not_observed, seen};
use crate::experiment::judge::verdict::types::Verdict;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_journal::message::Message;
use chaostoolkit_journal::{Outcome, Refusal};

/// Judges a run by what the runner saw. The journal, if there is one, is not credible.
pub fn from_report(pod: &str, end: &End, message: &Message, evidence: &Evidence) -> Verdict {
    let seen = seen(end, message);
    let who = seen.who();
    if evidence.summary.is_some() {
        let code = seen.code();
        let text = format!("the journal says that the run passed, and {who} exited with code {code}");
        return Verdict::new(Outcome::Unknown, Reason::ReportInvalid, text);
    }
    if let Some(why) = &message.not_started {
        return Verdict::new(Outcome::Error, Reason::CommandNotStarted, why.clone());
    }
    if let Some(signal) = &message.stopped_by {
        let text = match seen {
            Seen::Ended { .. } => format!("{signal} stopped the toolkit before it could write a journal"),
            Seen::Unobserved { .. } | Seen::Nothing { .. } => {
                format!("{signal} stopped the command, and no journal was seen")
            }
        };
        return stopped(end).unwrap_or_else(|| Verdict::new(Outcome::Interrupted, Reason::Interrupted, text));
    }
    if let Some(signal) = seen.signal() {
        let text = format!("signal {signal} killed {who} in pod {pod}");
        return Verdict::new(Outcome::Error, Reason::ToolkitKilled, text);
    }
    if let Some(problem) = message.journal.as_ref().and_then(|file| file.problem.as_ref()) {
        let text = format!("the journal cannot be read: {problem}");
        return Verdict::new(Outcome::Unknown, Reason::JournalUnreadable, text);
    }
    let log = evidence.log_tail.as_deref().unwrap_or_default();
    match seen {
        Seen::Ended { code, .. } => {
            let asked = message.subcommand.as_deref().map_or(Asked::Run, Asked::Subcommand);
            let refusal = message.refusal.clone().or_else(|| Refusal::find(log));
            refusal::judge(&asked, code, refusal.as_ref(), Refusal::is_ruled_out(log))
        }
        Seen::Unobserved { starts, code } => {
            let text = format!(
                "{}, so nobody knows what was found; the command exited with code {code}",
                not_observed(starts)
            );
            Verdict::new(Outcome::Unknown, Reason::ToolkitUnobserved, text)
        }
        // The runner did not start the command, since it could not fetch the experiment.
        Seen::Nothing { code, .. } if message.refusal.is_some() => {
            refusal::judge(&Asked::Run, code, message.refusal.as_ref(), false)
        }
        Seen::Nothing { code, is_certain: true, .. } if code != 0 => Verdict::new(
            Outcome::Error,
            Reason::ToolkitNotStarted,
            format!("the command exited with code {code} and never started the toolkit"),
        ),
        Seen::Nothing { code, .. } => Verdict::new(
            Outcome::Unknown,
            Reason::NoJournal,
            format!("the command exited with code {code}, and no start of the toolkit was seen"),
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
