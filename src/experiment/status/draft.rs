//! The next status of an experiment.
//!
//! A [`Draft`] starts as the status that was read. The same pass over the same objects writes the same status: times come
//! from the pod, or change together with what they date.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;

use crate::experiment::build::resources::Resources;
use crate::experiment::decide::plan::{Plan, Schedule};
use crate::experiment::error::Error;
use crate::experiment::intent::Intent;
use crate::experiment::judge::evidence::Evidence;
use crate::experiment::judge::pod_state::{End, PodState, node};
use crate::experiment::judge::record;
use crate::experiment::judge::verdict::{self, Ordered, Verdict};
use crate::experiment::status::end::{count, finish, lose};
use chaostoolkit_api::condition::{self, State, Type};
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{About, Experiment, Outcome, Phase, ResourceRef, Run, Status, Text, Trigger, names};

/// The next status of an experiment.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The status so far.
    pub status: Status,
    generation: Option<i64>,
    pub(super) now: Timestamp,
    /// The experiment that the runs of a schedule run: by the spec of now, or by the last spec that could be decided
    /// on.
    pub(super) about: About,
    /// Why the run may start, if that was asked in this pass.
    pub(super) permitted: Option<Reason>,
    /// The user who asked for the run, if that was asked in this pass and is known.
    pub(super) requested_by: Option<String>,
    /// What is said of unknown fields, if the spec was read in this pass and has some.
    pub(super) unknown_fields: Option<String>,
}

impl Draft {
    /// Starts from the recorded status.
    #[must_use]
    pub fn of(experiment: &Experiment, now: Timestamp) -> Self {
        let mut status = experiment.status.clone().unwrap_or_default();
        // Deleting an experiment raises its generation too, but does not change its spec.
        if !experiment.is_deleting() {
            status.observed_generation = experiment.metadata.generation;
        }
        let about = status.run.as_ref().map(|run| run.experiment.clone()).unwrap_or_default();
        let generation = experiment.metadata.generation;
        Self { status, generation, now, about, permitted: None, requested_by: None, unknown_fields: None }
    }

    /// A run was decided on. All that the teardown needs to know is recorded before anything is created.
    pub fn planned(&mut self, plan: &Plan, resources: &Resources) {
        self.about.clone_from(&plan.about);
        if self.status.run.is_none() && self.status.schedule.is_none() {
            // An annotation that the experiment had from the start does not ask for a second run.
            self.status.rerun.clone_from(&plan.rerun);
        }
        self.status.suffix = Some(names::suffix(&plan.owner.uid));
        self.status.run_namespace = Some(plan.namespace.clone());
        // A schedule is decided on again in each pass. That does not make the outcome of its last run unknown.
        if plan.schedule.is_none() || self.status.schedule.is_none() {
            self.status.outcome = Some(Outcome::Unknown);
            self.status.result = None;
        }
        let recorded = std::mem::take(&mut self.status.resources);
        let known = |made: &ResourceRef| recorded.iter().find(|old| old.is_same(made)).cloned();
        let with_mark = |made: ResourceRef| match known(&made) {
            Some(known) => ResourceRef { target: made.target, ..known },
            None => made,
        };
        self.status.resources = resources.references().into_iter().map(with_mark).collect();
        // What its runs have got since goes with their ends.
        if resources.is_scheduled() {
            let is_planned = |one: &ResourceRef| self.status.resources.iter().any(|made| made.is_same(one));
            let of_runs: Vec<ResourceRef> =
                recorded.iter().filter(|one| one.target && !is_planned(one)).cloned().collect();
            self.status.resources.extend(of_runs);
        }
        let is_known = match &plan.schedule {
            Some(schedule) => self.plan_schedule(schedule),
            None => self.plan_run(plan, resources),
        };
        // A blocked experiment stays Blocked until this pass has come further, and a schedule that is followed keeps
        // its phase too. The end of a rejected spec does not stay: whoever waits for the end of the run must not take
        // it for that.
        let stays = matches!(self.status.phase, Some(Phase::Blocked | Phase::Scheduled | Phase::Suspended));
        if !(is_known && stays) {
            self.set(
                Type::Provisioned,
                State::Unknown,
                Reason::Provisioning,
                "creating the objects of the run",
            );
            self.phase(Phase::Pending, Reason::Provisioning, "creating the objects of the run");
        }
    }

    /// A planned object exists, and has this uid.
    pub fn created(&mut self, planned: &ResourceRef, uid: Option<String>) {
        if let Some(recorded) = self.status.resources.iter_mut().find(|recorded| recorded.is_same(planned)) {
            recorded.uid = uid;
        }
    }

    /// Records the schedule. Returns whether it was recorded already.
    fn plan_schedule(&mut self, schedule: &Schedule) -> bool {
        let is_new = self.status.schedule.is_none();
        let recorded = self.status.schedule.get_or_insert_default();
        let is_known = recorded.cron == schedule.cron;
        if (&recorded.cron, &recorded.time_zone) != (&schedule.cron, &schedule.time_zone) {
            // The times of another schedule do not show what this one has missed.
            recorded.last_schedule_time = None;
            recorded.missed_until = (!is_new).then_some(Time(self.now));
        }
        recorded.cron.clone_from(&schedule.cron);
        recorded.time_zone.clone_from(&schedule.time_zone);
        is_known
    }

    /// Records the run. Returns whether it was recorded already.
    fn plan_run(&mut self, plan: &Plan, resources: &Resources) -> bool {
        let asked = self.status.run.take().filter(|_| self.status.schedule.is_none());
        let requested_at = asked.as_ref().and_then(|asked| asked.requested_at.clone());
        let run = Run {
            number: plan.owner.number,
            trigger: asked.as_ref().map_or(Trigger::Created, |asked| asked.trigger),
            requested_by: self.requested_by.clone(),
            requested_at: requested_at.or(Some(Time(self.now))),
            held_seconds: asked.as_ref().and_then(|asked| asked.held_seconds),
            pod_name: resources.workload.name().to_owned(),
            experiment: plan.about.clone(),
            spec_hash: Some(plan.spec_hash.clone()),
            mutex: plan.mutex.clone(),
            targets: resources.targets.clone(),
            ..Run::default()
        };
        let is_known = asked.as_ref() == Some(&run);
        self.status.run = Some(run);
        if self.status.schedule.take().is_some() {
            (self.status.counters, self.status.history) = (None, Vec::new());
        }
        self.status.conditions.retain(|condition| condition.type_ != Type::Suspended.as_str());
        is_known
    }

    /// Something blocks the run, and somebody has to act.
    pub fn blocked(&mut self, error: &Error) {
        // A pod that was created goes on, even if it cannot be read at the moment. A recorded outcome is final.
        let is_created = self.status.run.as_ref().is_some_and(|run| run.pod_uid.is_some());
        if self.status.is_finished() {
            return;
        }
        let message = error.describe();
        if is_created && self.status.schedule.is_none() {
            self.hindered(error.reason(), &message);
            return;
        }
        self.set(Type::Provisioned, State::False, error.reason(), &message);
        self.refused(error);
        self.phase(Phase::Blocked, error.reason(), &message);
    }

    /// A run that has its pod goes on, although the operator cannot follow it at the moment.
    fn hindered(&mut self, reason: Reason, message: &str) {
        if let Some(phase) = self.status.phase {
            self.phase(phase, reason, message);
        }
    }

    /// The pod of the run exists and is in this state.
    pub fn observed(&mut self, pod: &Pod, state: &PodState, intent: &Intent) {
        self.provisioned("all objects of the run were created");
        let Some(run) = &mut self.status.run else { return };
        run.pod_uid.clone_from(&pod.metadata.uid);
        run.node_name = node(pod).or_else(|| run.node_name.take());
        match state {
            PodState::Starting(None) => {
                self.phase(Phase::Starting, Reason::Starting, "waiting for the container to start");
            }
            PodState::Starting(Some(stall)) => {
                let message = format!("{}: {}", stall.word, stall.message);
                // The message varies from one attempt to the next. The first one stays, since each change would be a
                // write.
                if !self.is_stalled_by(&stall.word) {
                    self.phase(Phase::Starting, stall.reason(), &message);
                }
            }
            PodState::Running { started_at } => {
                run.started_at.clone_from(started_at);
                self.phase(Phase::Running, Reason::Running, "the container runs");
            }
            PodState::Ended(_) => {}
        }
        if pod.metadata.deletion_timestamp.is_some() && !matches!(state, PodState::Ended(_)) {
            self.stopping(intent);
        }
    }

    /// The run has ended and left this evidence.
    pub fn ended(&mut self, end: &End, evidence: &Evidence, intent: &Intent) {
        let now = self.now;
        let Some(run) = &mut self.status.run else { return };
        let ordered = Ordered::of(run, intent, now);
        finish(run, end, evidence, now);
        record::record(run, evidence);
        let verdict = verdict::judge(&run.pod_name, end, evidence).as_ordered(end, ordered);
        self.conclude(&verdict);
    }

    /// Records the verdict on the run of an experiment without a schedule.
    pub(super) fn conclude(&mut self, verdict: &Verdict) {
        count(&mut self.status, verdict);
        self.forget_hold();
        let is_stopped = |run: &Run| {
            let is_given_up = [Reason::AbortRequested, Reason::StartTimeout, Reason::GateClosed];
            run.stop.is_some() || is_given_up.contains(&verdict.reason)
        };
        // Nobody knows whether a pod that vanished had started.
        let is_never_started = verdict.reason != Reason::PodLost
            && self.status.run.as_ref().is_some_and(|run| run.started_at.is_none() && is_stopped(run));
        let rolled_back = if is_never_started {
            Some((None, Reason::NotStarted, "the run never started".to_owned()))
        } else {
            self.status.run.as_ref().map(record::rolled_back)
        };
        self.phase(verdict.phase, verdict.reason, &verdict.message);
        self.judged(verdict);
        self.authorized(verdict.lacking.as_deref());
        if let Some(rolled_back) = rolled_back {
            self.rolled_back(rolled_back);
        }
    }

    /// Sets the condition `RolledBack`: whether the rollbacks were played, if that is known, and how it went.
    pub(super) fn rolled_back(&mut self, (is, reason, message): (Option<bool>, Reason, String)) {
        let state = is.map_or(State::Unknown, |is| if is { State::True } else { State::False });
        self.set(Type::RolledBack, state, reason, &message);
    }

    /// Sets the condition Succeeded. Only a run that passed and did all that it was to do has succeeded.
    fn judged(&mut self, verdict: &Verdict) {
        let (state, reason) = match (verdict.rating().succeeded, verdict.reason) {
            (_, Reason::Completed) => (State::Unknown, Reason::OutcomeUnknown),
            (None, reason) | (_, reason @ Reason::SubcommandCompleted) => (State::Unknown, reason),
            (Some(true), reason) => (State::True, reason),
            (Some(false), reason) => (State::False, reason),
        };
        self.set(Type::Succeeded, state, reason, &verdict.message);
    }

    /// The pod is gone before its end could be recorded.
    pub fn lost(&mut self) {
        self.vanished(Reason::PodLost, |pod| match pod {
            "" => "the pod of the run is not known any more, so its end cannot be recorded".to_owned(),
            pod => format!("pod {pod} vanished before its end could be recorded"),
        });
    }

    /// The Python operator has run the experiment, and the pod is gone.
    pub fn adopted_without_pod(&mut self) {
        self.vanished(Reason::Adopted, |pod| {
            format!(
                "the Python operator ran this experiment; pod {pod} is gone, so its end is not known, and it is not run again"
            )
        });
    }

    fn vanished(&mut self, reason: Reason, message: impl Fn(&str) -> String) {
        let Some(run) = &mut self.status.run else { return };
        lose(run, reason, self.now);
        let message = message(&run.pod_name);
        self.conclude(&Verdict::lost(reason, message));
    }

    /// The experiment is being deleted.
    pub fn terminating(&mut self, message: &str) {
        self.status.phase = Some(Phase::Terminating);
        self.status.reason = Some(Reason::Terminating.into());
        self.status.message = Some(condition::short(message));
        self.forget_progress();
    }

    /// An object of the experiment cannot be deleted.
    pub fn cleanup_blocked(&mut self, error: &Error) {
        let message = error.describe();
        self.set(Type::CleanupBlocked, State::True, Reason::CleanupBlocked, &message);
        self.status.reason = Some(Reason::CleanupBlocked.into());
        self.status.message = Some(condition::short(&message));
    }

    /// Records on the status are ignored, so their objects are not deleted.
    pub fn records_ignored(&mut self, message: &str) {
        self.set(Type::CleanupBlocked, State::True, Reason::RecordIgnored, message);
    }

    /// All that the run needs was created, and nothing was refused.
    pub(super) fn provisioned(&mut self, message: &str) {
        self.nothing_refused();
        self.set(Type::Provisioned, State::True, Reason::Provisioned, message);
    }

    fn is_stalled_by(&self, word: &str) -> bool {
        self.status.phase == Some(Phase::Starting)
            && self.status.message.as_ref().is_some_and(|message| message.starts_with(&format!("{word}:")))
    }

    /// Sets the phase and the two conditions that follow from it.
    pub(super) fn phase(&mut self, phase: Phase, reason: Reason, message: &str) {
        // The end of an aborted run must not hide that the experiment is being deleted.
        if self.status.phase != Some(Phase::Terminating) {
            self.status.phase = Some(phase);
            self.status.reason = Some(reason.into());
            self.status.message = Some(condition::short(message));
        }
        match phase {
            Phase::Completed | Phase::Failed | Phase::Aborted | Phase::Skipped => {
                self.set(Type::Finished, State::True, reason, message);
                self.set(Type::Succeeded, State::False, reason, message);
            }
            Phase::Pending
            | Phase::Blocked
            | Phase::Starting
            | Phase::Running
            | Phase::Aborting
            | Phase::Scheduled
            | Phase::Suspended
            | Phase::Terminating => {
                self.set(Type::Finished, State::False, reason, message);
                self.set(Type::Succeeded, State::Unknown, reason, message);
            }
        }
    }

    pub(super) fn set(&mut self, type_: Type, state: State, reason: Reason, message: &str) {
        condition::set(
            &mut self.status.conditions,
            (type_, state, reason),
            message,
            self.generation,
            self.now,
        );
    }
}
