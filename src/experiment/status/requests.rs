//! Requests of the author about a run that was decided on: to stop it, to hold it, to repeat it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::experiment::error::Error;
use crate::experiment::hold::Dropped;
use crate::experiment::intent::Intent;
use crate::experiment::judge::verdict::{Ordered, Verdict};
use crate::experiment::status::draft::Draft;
use crate::experiment::status::schedule::MAX_HISTORY;
use crate::toolkit::rollback_time;
use chaostoolkit_api::condition::{self, State, Type};
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Outcome, PastRun, Phase, Run, Text, Trigger, names};
use chaostoolkit_journal::rate;

impl Draft {
    /// The pod is being stopped.
    pub fn stopping(&mut self, intent: &Intent) {
        let run = self.status.run.clone().unwrap_or_default();
        let (reason, message) = match Ordered::of(&run, intent, self.now) {
            Some(Ordered::Abort) => {
                (Reason::AbortRequested, "stopping the run, as spec.abort asks".to_owned())
            }
            Some(Ordered::Stop(reason, message)) => (reason, message),
            Some(Ordered::StartTimeout) => {
                (Reason::StartTimeout, "the run has not started in time".to_owned())
            }
            None => (Reason::PodDeleted, "the pod was deleted: the run is asked to stop".to_owned()),
        };
        // Without a container that ran, there is nothing to roll back.
        let message = match self.long_rollbacks().filter(|_| run.started_at.is_some()) {
            Some(long) => format!("{message}; {long}"),
            None => message,
        };
        self.phase(Phase::Aborting, reason, &message);
    }

    /// The runs of the schedule that go on are being stopped.
    pub fn scheduled_runs_stop(&mut self) {
        let (Some(phase), Some(message)) = (self.status.phase, self.status.message.clone()) else { return };
        let mut message = format!("{message}; the run that goes on is asked to stop, as spec.abort asks");
        if let Some(long) = self.long_rollbacks() {
            message = format!("{message}; {long}");
        }
        self.phase(phase, Reason::Suspended, &message);
    }

    /// What was said beforehand of rollbacks that may need longer than the grace period of the pod.
    fn long_rollbacks(&self) -> Option<&str> {
        let accepted = condition::find(&self.status.conditions, Type::Accepted)?;
        rollback_time::find_warning(&accepted.message)
    }

    /// The run was aborted before it had started.
    pub fn aborted_before_start(&mut self, intent: &Intent) {
        if self.status.run.is_none() {
            self.status.rerun.clone_from(&intent.rerun);
        }
        self.status.conditions.retain(|condition| condition.type_ != Type::Suspended.as_str());
        let run = self.status.run.get_or_insert_with(|| Run { number: 1, ..Run::default() });
        run.finished_at = Some(Time(self.now));
        self.conclude(&Verdict::not_started(
            Reason::AbortRequested,
            "stopped by spec.abort before it had started",
        ));
    }

    /// The run that was to start does not take place.
    pub fn dropped(&mut self, dropped: &Dropped, intent: &Intent) {
        if self.status.run.is_none() {
            self.status.rerun.clone_from(&intent.rerun);
        }
        self.status.conditions.retain(|condition| condition.type_ != Type::Suspended.as_str());
        let run = self.status.run.get_or_insert_with(|| Run { number: 1, ..Run::default() });
        run.finished_at = Some(Time(self.now));
        let Dropped { reason, message, is_failure } = dropped;
        self.conclude(&if *is_failure {
            Verdict::new(Outcome::Error, *reason, message)
        } else {
            Verdict::skipped(*reason, message.clone())
        });
    }

    /// No run starts while the experiment is suspended.
    pub fn suspended(&mut self) {
        if let Some(run) = &mut self.status.run {
            // The start deadline begins anew when the run is resumed.
            run.requested_at = None;
        }
        self.forget_hold();
        let message = "no run starts while spec.suspend is true";
        self.phase(Phase::Suspended, Reason::Suspended, message);
        self.set(Type::Suspended, State::True, Reason::Suspended, message);
    }

    /// A backup tool has restored the experiment, and has left this mark on it. The value that the annotation of a rerun
    /// has by now is that of the backup, so it asks for nothing.
    pub fn restored(&mut self, mark: &str, intent: &Intent) {
        self.status.rerun.clone_from(&intent.rerun);
        let message = format!(
            "the experiment was restored from a backup, as {mark} says, so it does not run by itself; a new value of the annotation {} starts it",
            names::RERUN_ANNOTATION
        );
        self.phase(Phase::Suspended, Reason::Restored, &message);
        self.set(Type::Suspended, State::True, Reason::Restored, &message);
    }

    /// Whether the recorded status is that of a schedule.
    #[must_use]
    pub const fn has_schedule(&self) -> bool {
        self.status.schedule.is_some()
    }

    /// Gives up a run that has missed its start deadline, and returns whether it did. Does nothing for schedules.
    pub fn gave_up_waiting(&mut self, intent: &Intent, error: &Error) -> bool {
        if self.has_schedule() || intent.suspend {
            return false;
        }
        // A run that could not be decided on has waited since it was first blocked.
        let since = condition::find(&self.status.conditions, Type::Provisioned)
            .filter(|provisioned| provisioned.status == State::False.as_str())
            .map(|provisioned| provisioned.last_transition_time.clone());
        let run = self.status.run.clone();
        let run = run.unwrap_or_else(|| Run { number: 1, requested_at: since, ..Run::default() });
        let is_waiting = run.pod_uid.is_none() && run.finished_at.is_none();
        if !is_waiting || !intent.is_start_overdue(&run, self.now) {
            return false;
        }
        if self.status.run.is_none() {
            self.status.rerun.clone_from(&intent.rerun);
        }
        self.status.run = Some(Run { finished_at: Some(Time(self.now)), ..run });
        let message = format!("the run has not started in time: {}", error.describe());
        self.conclude(&Verdict::start_timeout(message));
        true
    }

    /// One more run is asked for. The last one moves to the history.
    pub fn rerun(&mut self, intent: &Intent) {
        self.authorized(None);
        self.forget_hold();
        let status = &mut self.status;
        let Some(run) = status.run.take() else { return };
        let number = run.number.saturating_add(1);
        let finished = condition::find(&status.conditions, Type::Finished);
        let reason = finished.map(|finished| finished.reason.clone());
        let message = finished.and_then(|finished| PastRun::short(&finished.message));
        let outcome = status.outcome.unwrap_or_default();
        let warnings = std::mem::take(&mut status.warnings);
        let is_skipped = status.phase == Some(Phase::Skipped);
        let past = PastRun {
            run: run.in_history(),
            phase: status.phase.unwrap_or(Phase::Failed),
            // A status of an earlier version has none.
            result: status.result.take().or_else(|| (!is_skipped).then(|| rate(outcome, &warnings).result)),
            outcome,
            warnings,
            conclusive: status.conclusive.take().unwrap_or_default(),
            reason: reason.unwrap_or_default(),
            message,
        };
        status.history.insert(0, past);
        status.history.truncate(MAX_HISTORY);
        status.outcome = Some(Outcome::Unknown);
        status.rerun.clone_from(&intent.rerun);
        status.run = Some(Run {
            number,
            trigger: Trigger::Rerun,
            requested_at: Some(Time(self.now)),
            ..Run::default()
        });
        status.conditions.retain(|condition| condition.type_ != Type::RolledBack.as_str());
        let message = format!("run {number} was asked for");
        self.set(Type::Provisioned, State::Unknown, Reason::RerunRequested, &message);
        self.phase(Phase::Pending, Reason::RerunRequested, &message);
    }
}
