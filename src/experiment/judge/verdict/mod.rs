//! From the end of a pod and the evidence it left to what the run found: pure.
//!
//! What the journal says counts, as long as nothing contradicts it. Without one, the first that applies: the platform
//! ended the run, somebody stopped it, the toolkit was killed, the toolkit refused the experiment. An exit code of 0
//! alone proves nothing.

use k8s_openapi::jiff::Timestamp;

use crate::experiment::intent::Intent;
use crate::experiment::judge::evidence::Evidence;
use crate::experiment::judge::pod_state::End;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Activities, Phase, Rollbacks, Run};
use chaostoolkit_journal::message::{Message, State};
use chaostoolkit_journal::{Outcome, RollbackState, Summary, Warning};

/// What a run found.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Where the run is now.
    pub phase: Phase,
    /// What it found.
    pub outcome: Outcome,
    /// Why the phase is what it is, in one word.
    pub reason: Reason,
    /// Why, in a sentence.
    pub message: String,
    /// What the outcome leaves open.
    pub warnings: Vec<Warning>,
    /// Whether it answers the question that the experiment asks.
    pub conclusive: bool,
}

impl Verdict {
    fn new(outcome: Outcome, reason: Reason, message: impl Into<String>) -> Self {
        let phase = match outcome {
            Outcome::Passed | Outcome::Deviated | Outcome::BaselineNotMet | Outcome::ProbeError => {
                Phase::Completed
            }
            Outcome::Aborted | Outcome::Interrupted => Phase::Aborted,
            Outcome::Invalid | Outcome::Error | Outcome::Unknown => Phase::Failed,
        };
        Self { phase, outcome, reason, message: message.into(), warnings: Vec::new(), conclusive: false }
    }

    /// A run that was stopped before it had started.
    #[must_use]
    pub fn not_started(reason: Reason, message: &str) -> Self {
        Self::new(Outcome::Interrupted, reason, message)
    }

    /// A run that had not started when its time for that was over.
    #[must_use]
    pub fn start_timeout(message: String) -> Self {
        Self::new(Outcome::Error, Reason::StartTimeout, message)
    }

    /// The same verdict on a run whose pod the operator itself had deleted, if it had and the run ended for that.
    #[must_use]
    pub fn as_ordered(self, end: &End, why: Option<Ordered>) -> Self {
        match why {
            Some(why) if self.reason == Reason::PodDeleted => {
                let (outcome, reason, message) = match why {
                    Ordered::StartTimeout if end.started_at.is_none() => {
                        return Self::start_timeout("the container had not started in time".to_owned());
                    }
                    Ordered::StartTimeout => return self,
                    Ordered::Abort if end.started_at.is_none() => (
                        Outcome::Interrupted,
                        Reason::AbortRequested,
                        "stopped by spec.abort before it had started",
                    ),
                    Ordered::Abort => (Outcome::Interrupted, Reason::AbortRequested, "stopped by spec.abort"),
                };
                Self { warnings: self.warnings, ..Self::new(outcome, reason, message) }
            }
            _ => self,
        }
    }

    /// A run whose pod is gone, so that nothing is known of it any more.
    #[must_use]
    pub fn lost(reason: Reason, message: String) -> Self {
        Self::new(Outcome::Unknown, reason, message)
    }
}

/// Why the operator deletes the pod of a run that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordered {
    /// The author wants the run to stop.
    Abort,
    /// It was to have started by now.
    StartTimeout,
}

impl Ordered {
    /// Why the operator deletes the pod of a run, if it does.
    #[must_use]
    pub fn of(run: &Run, intent: &Intent, now: Timestamp) -> Option<Self> {
        if intent.abort {
            return Some(Self::Abort);
        }
        intent.is_start_overdue(run, now).then_some(Self::StartTimeout)
    }
}

/// Judges the run of a pod.
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
        Some(message) if message.state == State::Running && end.started_at.is_some() => {
            let how = end.exit_code.map_or_else(String::new, |code| format!(" (exit code {code})"));
            let text =
                format!("the container was killed{how} before the runner could report how the run went");
            stopped(end).unwrap_or_else(|| Verdict::new(Outcome::Error, Reason::ToolkitKilled, text))
        }
        _ => unreported(pod, end),
    }
}

/// Whether a run had come to its verdict, whatever ended it then.
const fn is_final(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Passed | Outcome::Deviated | Outcome::BaselineNotMet | Outcome::ProbeError)
}

/// Whether what a journal says goes together with how the container ended. The runner writes its report when nothing
/// else runs any more, and exits with the code that it reports; one that was killed could not keep others from writing.
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

/// What the platform says it has done.
fn platform(end: &End) -> Option<Reason> {
    end.cause.or_else(|| (end.word == "OOMKilled").then_some(Reason::OOMKilled))
}

fn ended_by_platform(pod: &str, end: &End) -> Option<Verdict> {
    let reason = platform(end)?;
    let text = match reason {
        Reason::OOMKilled => "the container used more memory than it may".to_owned(),
        Reason::DeadlineExceeded => format!("pod {pod} ran for longer than its activeDeadlineSeconds"),
        Reason::NodeLost => format!("the node of pod {pod} is gone"),
        Reason::Preempted => format!("pod {pod} had to make room for one of a higher priority"),
        _ => format!("pod {pod} was evicted"),
    };
    let text = if end.explanation.is_empty() { text } else { format!("{text}: {}", end.explanation) };
    Some(Verdict::new(Outcome::Error, reason, text))
}

fn from_journal(summary: &Summary, end: &End) -> Verdict {
    let (reason, text) = match summary.outcome {
        Outcome::Passed if is_inconclusive(summary) => (Reason::Inconclusive, "the steady state held"),
        Outcome::Passed => (Reason::Passed, "the steady state held"),
        Outcome::Deviated => {
            (Reason::Deviated, "the steady state held before the method, and did not during or after it")
        }
        Outcome::BaselineNotMet => (
            Reason::BaselineNotMet,
            "the steady state did not hold before the method, which therefore did not run",
        ),
        Outcome::ProbeError => (Reason::ProbeError, "a probe of the steady state could not be executed"),
        Outcome::Aborted => (Reason::Aborted, "the toolkit met an error that nobody had foreseen"),
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
        conclusive: summary.conclusive,
        ..Verdict::new(summary.outcome, reason, message)
    }
}

/// Whether a run that passed did not do what it was to do.
fn is_inconclusive(summary: &Summary) -> bool {
    summary.warnings.iter().any(|open| matches!(open, Warning::ActivityFailed | Warning::DryRun))
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
    }
}

/// Without a readable journal: what the runner saw.
fn from_report(pod: &str, end: &End, message: &Message, summary: Option<&Summary>) -> Verdict {
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

/// A pod that somebody deleted before the run could report itself.
fn stopped(end: &End) -> Option<Verdict> {
    let text = "the pod was deleted, and the run ended without a journal";
    end.deleted.then(|| Verdict::new(Outcome::Interrupted, Reason::PodDeleted, text))
}

/// A container with a runner that has not reported.
fn unreported(pod: &str, end: &End) -> Verdict {
    let words = [end.word.as_str(), end.message.as_str()].join(" ");
    match end.exit_code {
        _ if end.deleted => {
            let text = format!("pod {pod} was deleted before its end could be seen");
            Verdict::new(Outcome::Error, Reason::PodDeleted, text)
        }
        // The runtime's own words for a container that it could not start.
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

/// The line with which all versions of the toolkit end a run.
const LAST_WORD: &str = "Experiment ended with status: ";

/// Without a runner: what exit code and log let one believe. Never that the experiment passed.
fn guess(pod: &str, end: &End, evidence: &Evidence) -> Verdict {
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
                "the toolkit exited with code 0, which does not prove that the steady state held".to_owned(),
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
            format!("pod {pod} was deleted during the run; the toolkit exited with code {code}"),
        ),
        (Some(code), _) => guessed(
            Outcome::Unknown,
            Reason::RunFailed,
            format!("the toolkit exited with code {code} ({})", end.word),
        ),
        (None, _) => unreported(pod, end),
    }
}

/// Writes what the evidence says into the record of a run.
pub fn record(run: &mut Run, evidence: &Evidence) {
    let strategy = evidence.message.as_ref().and_then(|message| message.rollback_strategy.clone());
    if let Some(message) = &evidence.message {
        run.toolkit.version.clone_from(&message.toolkit);
        run.signal = message.signal;
    }
    if let Some(Summary { steady_state, activities, rollbacks, toolkit, experiment, .. }) = &evidence.summary
    {
        run.toolkit.lib.clone_from(&toolkit.lib);
        run.experiment.title.clone_from(&experiment.title);
        run.steady_state = Some(*steady_state);
        run.activities = Some(Activities {
            total: number(activities.total),
            succeeded: number(activities.succeeded),
            failed: number(activities.failed),
        });
        run.rollbacks = Some(Rollbacks {
            strategy: strategy.or_else(|| rollbacks.strategy.clone()),
            state: rollbacks.state,
            total: number(rollbacks.total),
            failed: number(rollbacks.failed),
        });
    }
    run.log_tail.clone_from(&evidence.log_tail);
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// What the rollbacks of a run that has ended say about the system: whether they were played, and why that is known.
#[must_use]
pub fn rolled_back(run: &Run) -> (Option<bool>, Reason, String) {
    let Some(rollbacks) = &run.rollbacks else {
        return (
            None,
            Reason::NoJournal,
            "there is no journal that says whether rollbacks were played".to_owned(),
        );
    };
    self::rollbacks(rollbacks)
}

/// The same of these rollbacks.
#[must_use]
pub fn rollbacks(rollbacks: &Rollbacks) -> (Option<bool>, Reason, String) {
    let Rollbacks { total, failed, .. } = rollbacks;
    match rollbacks.state {
        RollbackState::Played => (
            Some(true),
            Reason::RollbacksPlayed,
            format!("all rollbacks ({total}) were played and succeeded"),
        ),
        RollbackState::NoneDeclared => {
            (None, Reason::NoRollbacks, "the experiment declares no rollbacks".to_owned())
        }
        RollbackState::Failed => {
            (Some(false), Reason::RollbackFailed, format!("{failed} of {total} rollbacks failed"))
        }
        RollbackState::NotPlayed => {
            (Some(false), Reason::RollbacksNotPlayed, format!("none of {total} rollbacks was played"))
        }
        RollbackState::Unfinished | RollbackState::Partial => {
            (Some(false), Reason::RollbacksNotPlayed, format!("not all of {total} rollbacks were played"))
        }
        RollbackState::Unknown => (
            None,
            Reason::JournalUnreadable,
            "the journal does not say whether rollbacks were played".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests;
