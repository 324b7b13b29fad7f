//! The verdict on a run.

use k8s_openapi::jiff::Timestamp;

use crate::experiment::intent::Intent;
use crate::experiment::judge::pod_state::End;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Phase, Run};
use chaostoolkit_journal::{Outcome, Rating, Warning, rate};

/// The verdict on a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Completed, Failed, Aborted or Skipped.
    pub phase: Phase,
    /// What the run found.
    pub outcome: Outcome,
    /// Why the phase is what it is.
    pub reason: Reason,
    /// The reason in a sentence, for people.
    pub message: String,
    /// What the outcome leaves open.
    pub warnings: Vec<Warning>,
    /// Whether the outcome answers the question that the experiment asks.
    pub conclusive: bool,
    /// The rights that activities lacked, and what gives them, in sentences and YAML. `None` if they lacked none.
    pub lacking: Option<String>,
}

impl Verdict {
    /// A verdict without warnings. The phase follows from the outcome.
    pub fn new(outcome: Outcome, reason: Reason, message: impl Into<String>) -> Self {
        let phase = match outcome {
            Outcome::Passed | Outcome::Deviated | Outcome::BaselineNotMet | Outcome::ProbeError => {
                Phase::Completed
            }
            // Somebody stopped the run.
            Outcome::Interrupted => Phase::Aborted,
            Outcome::Aborted | Outcome::Invalid | Outcome::Error | Outcome::Unknown => Phase::Failed,
        };
        let (message, warnings) = (message.into(), Vec::new());
        Self { phase, outcome, reason, message, warnings, conclusive: false, lacking: None }
    }

    /// What follows from the outcome and its warnings.
    #[must_use]
    pub fn rating(&self) -> Rating {
        rate(self.outcome, &self.warnings)
    }

    /// A run that was stopped before it had started.
    #[must_use]
    pub fn not_started(reason: Reason, message: &str) -> Self {
        Self::new(Outcome::Interrupted, reason, message)
    }

    /// A run that had not started by its start deadline.
    #[must_use]
    pub fn start_timeout(message: String) -> Self {
        Self::new(Outcome::Error, Reason::StartTimeout, message)
    }

    /// A run that was due and was not started. It found nothing, and nothing failed.
    #[must_use]
    pub fn skipped(reason: Reason, message: String) -> Self {
        Self { phase: Phase::Skipped, ..Self::new(Outcome::Unknown, reason, message) }
    }

    /// The verdict with the reason for which the operator itself deleted the pod, if it did and the run ended because of
    /// that.
    #[must_use]
    pub fn as_ordered(self, end: &End, why: Option<Ordered>) -> Self {
        match why {
            Some(why) if self.reason == Reason::PodDeleted => {
                let is_started = end.started_at.is_some();
                let (outcome, reason, message) = match why {
                    Ordered::StartTimeout if !is_started => {
                        return Self::start_timeout("the container had not started in time".to_owned());
                    }
                    Ordered::StartTimeout => return self,
                    Ordered::Abort if !is_started => (
                        Outcome::Interrupted,
                        Reason::AbortRequested,
                        "stopped by spec.abort before it had started".to_owned(),
                    ),
                    Ordered::Abort => {
                        (Outcome::Interrupted, Reason::AbortRequested, "stopped by spec.abort".to_owned())
                    }
                    Ordered::Stop(reason, message) if !is_started => {
                        (Outcome::Interrupted, reason, format!("{message}; it had not started"))
                    }
                    Ordered::Stop(reason, message) => (Outcome::Interrupted, reason, message),
                };
                Self { warnings: self.warnings, lacking: self.lacking, ..Self::new(outcome, reason, message) }
            }
            _ => self,
        }
    }

    /// A run whose pod is gone, so that its end is not known.
    #[must_use]
    pub fn lost(reason: Reason, message: String) -> Self {
        Self::new(Outcome::Unknown, reason, message)
    }
}

/// Why the operator deletes the pod of a run that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ordered {
    /// The author wants the run to stop.
    Abort,
    /// Something else stops the run, for this reason and in these words.
    Stop(Reason, String),
    /// The run has missed its start deadline.
    StartTimeout,
}

impl Ordered {
    /// Why the operator deletes the pod of a run, if it does.
    #[must_use]
    pub fn of(run: &Run, intent: &Intent, now: Timestamp) -> Option<Self> {
        Self::stopped(run, intent).or_else(|| intent.is_start_overdue(run, now).then_some(Self::StartTimeout))
    }

    /// Why the operator stops a run that may take as long as it likes to start, if it does.
    #[must_use]
    pub fn stopped(run: &Run, intent: &Intent) -> Option<Self> {
        if intent.abort {
            return Some(Self::Abort);
        }
        let stop = run.stop.as_ref()?;
        // A later version of the operator may have recorded another word.
        Some(Self::Stop(stop.reason.parse().unwrap_or(Reason::Aborted), stop.message.clone()))
    }
}
