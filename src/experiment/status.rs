//! Last step of a pass, its pure half: from what happened to the next status.
//!
//! A [`Draft`] starts as the status that was read. The same pass over the same world writes the same status: times
//! come from the pod, or change only with what they date.

use chaostoolkit_journal::RollbackState;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;

use super::cleanup;
use super::control::Control;
use super::error::Error;
use super::evidence::Evidence;
use super::journals;
use super::outcome::{End, PodState};
use super::plan::Plan;
use super::resource::Resources;
use super::verdict::{self, Ordered, Verdict};
use crate::api::condition::{self, State, Type};
use crate::api::spec::InvalidSpec;
use crate::api::{
    About, Counters, Experiment, Outcome, PastRun, Phase, Rescue, ResourceRef, Rollbacks, Run,
    ScheduleStatus, Status, Trigger,
};
use crate::reason::Reason;

/// A status in the making.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What it is so far.
    pub status: Status,
    generation: Option<i64>,
    now: Timestamp,
    /// What the runs of a schedule run, by today's spec.
    about: About,
}

impl Draft {
    /// Starts from what is recorded.
    #[must_use]
    pub fn of(experiment: &Experiment, now: Timestamp) -> Self {
        let mut status = experiment.status.clone().unwrap_or_default();
        // Deleting an experiment raises its generation too, but its spec is what it was.
        if !experiment.is_deleting() {
            status.observed_generation = experiment.metadata.generation;
        }
        Self { status, generation: experiment.metadata.generation, now, about: About::default() }
    }

    /// The spec was understood, but for these fields, and with these warnings.
    pub fn accepted(&mut self, unknown: &[String], warnings: &[String]) {
        let fields =
            (!unknown.is_empty()).then(|| format!("not used, since not known: {}", unknown.join(", ")));
        let reason = match (unknown, warnings) {
            ([], []) => Reason::Accepted,
            (_, []) => Reason::UnknownFields,
            _ => Reason::AcceptedWithWarnings,
        };
        let all: Vec<&str> = fields.iter().chain(warnings).map(String::as_str).collect();
        let message = if all.is_empty() { "the spec is valid".to_owned() } else { all.join("; ") };
        self.set(Type::Accepted, State::True, reason, &message);
    }

    /// The spec was not understood. Nothing was run, so correcting it starts the run.
    pub fn rejected(&mut self, invalid: &InvalidSpec) {
        let message = invalid.to_string();
        self.set(Type::Accepted, State::False, Reason::InvalidSpec, &message);
        if invalid.is_forbidden {
            self.set(Type::Permitted, State::False, Reason::Forbidden, &message);
        }
        self.phase(Phase::Failed, Reason::InvalidSpec, &message);
    }

    /// This run was decided on: what teardown needs to know is on the record before anything is created.
    pub fn planned(&mut self, plan: &Plan, resources: &Resources) {
        self.about.clone_from(&plan.about);
        if self.status.run.is_none() {
            // What was on the experiment from the start asks for no second run.
            self.status.rerun.clone_from(&plan.rerun);
        }
        self.status.suffix = Some(plan.owner.suffix());
        self.status.run_namespace = Some(plan.namespace.clone());
        self.status.outcome = Some(Outcome::Unknown);
        let recorded = std::mem::take(&mut self.status.resources);
        let is_adopted = |made: &ResourceRef| recorded.iter().any(|old| old.adopted && old.is_same(made));
        let references = resources.references().into_iter();
        self.status.resources =
            references.map(|made| ResourceRef { adopted: is_adopted(&made), ..made }).collect();
        let is_known = if let Some(schedule) = &plan.schedule {
            let recorded = self.status.schedule.get_or_insert_default();
            let is_known = recorded.cron == schedule.cron;
            if (&recorded.cron, &recorded.time_zone) != (&schedule.cron, &schedule.time_zone) {
                // The times of another schedule say nothing about what this one has left out.
                recorded.last_schedule_time = None;
            }
            recorded.cron.clone_from(&schedule.cron);
            recorded.time_zone.clone_from(&schedule.time_zone);
            is_known
        } else {
            let asked = self.status.run.take().filter(|_| self.status.schedule.is_none());
            let run = Run {
                number: plan.number,
                trigger: asked.as_ref().map_or(Trigger::Created, |asked| asked.trigger),
                requested_at: asked
                    .as_ref()
                    .and_then(|asked| asked.requested_at.clone())
                    .or(Some(Time(self.now))),
                pod_name: resources.workload.name().to_owned(),
                experiment: plan.about.clone(),
                spec_hash: Some(plan.spec_hash.clone()),
                ..Run::default()
            };
            let is_known = asked.as_ref() == Some(&run);
            self.status.run = Some(run);
            if self.status.schedule.take().is_some() {
                (self.status.counters, self.status.history) = (None, Vec::new());
            }
            self.status.conditions.retain(|condition| condition.type_ != Type::Suspended.as_str());
            is_known
        };
        // What an earlier pass was blocked by stays said until this one has come further, and so does a schedule that is
        // followed. The end of a rejected spec does not: who waits for the end must not take it for that of the run.
        let stays = matches!(self.status.phase, Some(Phase::Blocked | Phase::Scheduled | Phase::Suspended));
        if !(is_known && stays) {
            self.set(Type::Provisioned, State::Unknown, Reason::Provisioning, "creating what the run needs");
            self.phase(Phase::Pending, Reason::Provisioning, "creating what the run needs");
        }
    }

    /// Something stands in the way that somebody has to see.
    pub fn blocked(&mut self, error: &Error) {
        // A pod that was created goes on, whoever cannot look at it for the moment; and what came of it is final.
        let is_created = self.status.run.as_ref().is_some_and(|run| run.pod_uid.is_some());
        if self.status.is_finished() || (is_created && self.status.schedule.is_none()) {
            return;
        }
        let message = error.describe();
        self.set(Type::Provisioned, State::False, error.reason(), &message);
        if error.reason() == Reason::Forbidden {
            self.set(Type::Permitted, State::False, Reason::Forbidden, &message);
        } else {
            // Not refused any more; whether anything else will be, the rest of the way shows.
            self.status.conditions.retain(|condition| condition.type_ != Type::Permitted.as_str());
        }
        self.phase(Phase::Blocked, error.reason(), &message);
    }

    /// The pod of the run exists, in this state.
    pub fn follows(&mut self, pod: &Pod, state: &PodState, control: &Control) {
        self.provisioned("everything the run needs was created");
        let Some(run) = &mut self.status.run else { return };
        run.pod_uid.clone_from(&pod.metadata.uid);
        run.node_name = cleanup::node(pod).or_else(|| run.node_name.take());
        match state {
            PodState::Starting(None) => {
                self.phase(Phase::Starting, Reason::Starting, "waiting for the container to start");
            }
            PodState::Starting(Some(stall)) => {
                let message = format!("{}: {}", stall.word, stall.message);
                // The words vary from one attempt to the next; the first ones stay, or each attempt were a write.
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
            self.stopping(control);
        }
    }

    /// The pod is or was asked to stop.
    pub fn stopping(&mut self, control: &Control) {
        let run = self.status.run.clone().unwrap_or_default();
        let (reason, message) = match ordered(&run, control, self.now) {
            Some(Ordered::Abort) => (Reason::AbortRequested, "stopping the toolkit, as spec.abort asks"),
            Some(Ordered::StartTimeout) => (Reason::StartTimeout, "the run has not started in time"),
            None => (Reason::PodDeleted, "the pod was deleted: the toolkit is asked to stop"),
        };
        self.phase(Phase::Aborting, reason, message);
    }

    /// The run has ended, and this is what there is to judge it by.
    pub fn ended(&mut self, end: &End, evidence: &Evidence, control: &Control) {
        let now = self.now;
        let Some(run) = &mut self.status.run else { return };
        let ordered = ordered(run, control, now);
        finish(run, end, now);
        verdict::record(run, evidence);
        let verdict = verdict::judge(&run.pod_name, end, evidence).as_ordered(end, ordered);
        self.conclude(&verdict);
    }

    /// The run was to stop before it had started.
    pub fn aborted_before_the_start(&mut self, control: &Control) {
        if self.status.run.is_none() {
            self.status.rerun.clone_from(&control.rerun);
        }
        self.status.conditions.retain(|condition| condition.type_ != Type::Suspended.as_str());
        let run = self.status.run.get_or_insert_with(|| Run { number: 1, ..Run::default() });
        run.finished_at = Some(Time(self.now));
        self.conclude(&Verdict::not_started(
            Reason::AbortRequested,
            "stopped by spec.abort before it had started",
        ));
    }

    /// No run is started for now.
    pub fn suspended(&mut self) {
        if let Some(run) = &mut self.status.run {
            // The time that it has to start begins anew when it is resumed.
            run.requested_at = None;
        }
        let message = "no run starts while spec.suspend is true";
        self.phase(Phase::Suspended, Reason::Suspended, message);
        self.set(Type::Suspended, State::True, Reason::Suspended, message);
    }

    /// Whether runs have started by a schedule so far.
    #[must_use]
    pub const fn has_schedule(&self) -> bool {
        self.status.schedule.is_some()
    }

    /// Gives a run up that has waited for too long for what it needs. Says whether that is so. Not for schedules.
    pub fn gave_up_waiting(&mut self, control: &Control, error: &Error) -> bool {
        if self.has_schedule() || control.suspend {
            return false;
        }
        // One that could not even be decided on waits since the first that stood in its way.
        let since = condition::find(&self.status.conditions, Type::Provisioned)
            .filter(|provisioned| provisioned.status == State::False.as_str())
            .map(|provisioned| provisioned.last_transition_time.clone());
        let run = self.status.run.clone();
        let run = run.unwrap_or_else(|| Run { number: 1, requested_at: since, ..Run::default() });
        let is_waiting = run.pod_uid.is_none() && run.finished_at.is_none();
        if !is_waiting || !control.is_start_overdue(&run, self.now) {
            return false;
        }
        if self.status.run.is_none() {
            self.status.rerun.clone_from(&control.rerun);
        }
        self.status.run = Some(Run { finished_at: Some(Time(self.now)), ..run });
        let message = format!("the run has not started in time: {}", error.describe());
        self.conclude(&Verdict::start_timeout(message));
        true
    }

    /// One more run is asked for: what the last one found is history.
    pub fn rerun(&mut self, control: &Control) {
        let status = &mut self.status;
        let Some(run) = status.run.take() else { return };
        let number = run.number.saturating_add(1);
        let reason =
            condition::find(&status.conditions, Type::Finished).map(|finished| finished.reason.clone());
        let past = PastRun {
            run,
            phase: status.phase.unwrap_or(Phase::Failed),
            outcome: status.outcome.unwrap_or_default(),
            warnings: std::mem::take(&mut status.warnings),
            conclusive: status.conclusive.take().unwrap_or_default(),
            reason: reason.unwrap_or_default(),
        };
        status.history.insert(0, past);
        status.history.truncate(LONGEST_HISTORY);
        status.outcome = Some(Outcome::Unknown);
        status.rerun.clone_from(&control.rerun);
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

    /// Another pod is to play the rollbacks; what it needs is on the record before it is created.
    pub fn rescue_planned(&mut self, resources: &Resources) {
        for made in resources.references() {
            if !self.status.resources.iter().any(|known| known.is_same(&made)) {
                self.status.resources.push(made);
            }
        }
        let Some(run) = &mut self.status.run else { return };
        let pod_name = resources.workload.name().to_owned();
        let message = format!("pod {pod_name} plays the rollbacks that the run did not come to");
        run.rescue.get_or_insert_with(|| Rescue {
            pod_name,
            requested_at: Some(Time(self.now)),
            ..Rescue::default()
        });
        self.set(Type::RolledBack, State::Unknown, Reason::RescueStarted, &message);
    }

    /// The pod that plays the rollbacks exists.
    pub fn rescue_created(&mut self, pod: &Pod) {
        if let Some(rescue) = self.status.run.as_mut().and_then(|run| run.rescue.as_mut()) {
            rescue.pod_uid.clone_from(&pod.metadata.uid);
        }
    }

    /// The pod that was to play the rollbacks has ended, or there can be none.
    pub fn rescue_ended(&mut self, played: Result<Rollbacks, String>) {
        let Some(run) = &mut self.status.run else { return };
        let rescue = run.rescue.get_or_insert_default();
        rescue.finished_at = Some(Time(self.now));
        let (state, reason, message) = match &played {
            Ok(rollbacks) if rollbacks.state == RollbackState::Played => {
                let Rollbacks { total, .. } = rollbacks;
                let message = format!("pod {} has played all rollbacks ({total})", rescue.pod_name);
                (State::True, Reason::RescuePlayed, message)
            }
            Ok(rollbacks) => {
                let (_, _, how) = verdict::rollbacks(rollbacks);
                (State::False, Reason::RescueFailed, format!("pod {}: {how}", rescue.pod_name))
            }
            Err(problem) => (State::False, Reason::RescueFailed, problem.clone()),
        };
        match played {
            Ok(rollbacks) => rescue.rollbacks = Some(rollbacks),
            Err(problem) => rescue.problem = Some(condition::short(&problem)),
        }
        self.set(Type::RolledBack, state, reason, &message);
    }

    /// The last word about the run of an experiment that runs once.
    fn conclude(&mut self, verdict: &Verdict) {
        found(&mut self.status, verdict);
        let is_never_started = matches!(verdict.reason, Reason::AbortRequested | Reason::StartTimeout)
            && self.status.run.as_ref().is_some_and(|run| run.started_at.is_none());
        let rolled_back = if is_never_started {
            Some((None, Reason::NotStarted, "the run never started".to_owned()))
        } else {
            self.status.run.as_ref().map(verdict::rolled_back)
        };
        self.phase(verdict.phase, verdict.reason, &verdict.message);
        self.judged(verdict);
        if let Some((is, reason, message)) = rolled_back {
            let state = is.map_or(State::Unknown, |is| if is { State::True } else { State::False });
            self.set(Type::RolledBack, state, reason, &message);
        }
    }

    /// Whether the run succeeded: only one that passed has, and only if it did what it was to do.
    fn judged(&mut self, verdict: &Verdict) {
        let (state, reason) = match (verdict.outcome, verdict.reason) {
            (Outcome::Passed, Reason::Inconclusive) => (State::Unknown, Reason::Inconclusive),
            (Outcome::Passed, _) => (State::True, verdict.reason),
            (Outcome::Unknown, Reason::Completed) => (State::Unknown, Reason::OutcomeUnknown),
            _ => (State::False, verdict.reason),
        };
        self.set(Type::Succeeded, state, reason, &verdict.message);
    }

    /// The pod is gone, and how it ended was never seen.
    pub fn lost(&mut self) {
        self.vanished(Reason::PodLost, |pod| format!("pod {pod} vanished before its end could be seen"));
    }

    /// The Python operator had run the experiment, and its pod is gone.
    pub fn adopted_without_pod(&mut self) {
        self.vanished(Reason::Adopted, |pod| {
            format!(
                "run by the Python operator before; pod {pod} is gone, so how it ended is not known. It is not run again"
            )
        });
    }

    fn vanished(&mut self, reason: Reason, message: impl Fn(&str) -> String) {
        let Some(run) = &mut self.status.run else { return };
        run.finished_at = Some(Time(self.now));
        let message = message(&run.pod_name);
        self.conclude(&Verdict::lost(reason, message));
    }

    /// The experiment is being deleted.
    pub fn terminating(&mut self, message: &str) {
        self.status.phase = Some(Phase::Terminating);
        self.status.reason = Some(Reason::Terminating.into());
        self.status.message = Some(message.to_owned());
    }

    /// Something cannot be deleted.
    pub fn cleanup_blocked(&mut self, error: &Error) {
        let message = error.describe();
        self.set(Type::CleanupBlocked, State::True, Reason::CleanupBlocked, &message);
        self.status.reason = Some(Reason::CleanupBlocked.into());
        self.status.message = Some(condition::short(&message));
    }

    /// Nothing was refused, and everything is there.
    fn provisioned(&mut self, message: &str) {
        self.set(Type::Permitted, State::True, Reason::Permitted, "nothing that the run needs was refused");
        self.set(Type::Provisioned, State::True, Reason::Provisioned, message);
    }

    /// Since when a schedule could have started runs that have not been counted as left out: its last run, or when it
    /// was made or resumed, whichever is later.
    #[must_use]
    pub fn counted_until(&self) -> Option<Timestamp> {
        let resumed = condition::find(&self.status.conditions, Type::Suspended)?;
        let last = self.status.schedule.as_ref()?.last_schedule_time.as_ref()?;
        Some(last.0.max(resumed.last_transition_time.0))
    }

    /// The schedule is in place, and has left out so many runs. Those that it has started follow, oldest first.
    pub fn scheduled(&mut self, schedule: ScheduleStatus, is_suspended: bool, missed: usize) {
        self.provisioned("everything the runs need was created");
        if missed > 0 {
            let counters = self.status.counters.get_or_insert_default();
            counters.skipped = counters.skipped.saturating_add(i32::try_from(missed).unwrap_or(i32::MAX));
        }
        self.status.schedule = Some(ScheduleStatus { active: Vec::new(), ..schedule });
        let (phase, state, reason, message) = if is_suspended {
            let message = "no run starts while the schedule is suspended";
            (Phase::Suspended, State::True, Reason::Suspended, message)
        } else {
            (Phase::Scheduled, State::False, Reason::Scheduled, "runs start by the schedule")
        };
        self.phase(phase, reason, message);
        self.set(Type::Suspended, state, reason, message);
    }

    /// A run of a schedule that goes on.
    pub fn ticks(&mut self, pod: &Pod, state: &PodState) {
        let mut run = self.next_run(pod);
        if let PodState::Running { started_at } = state {
            run.started_at.clone_from(started_at);
        }
        if let Some(schedule) = &mut self.status.schedule {
            schedule.active.push(run.pod_name.clone());
        }
        self.status.run = Some(run);
    }

    /// A run of a schedule that has ended. Its end is counted once: the pod is held until it is in the history.
    pub fn ticked(&mut self, pod: &Pod, end: &End, evidence: &Evidence, control: &Control) -> &mut PastRun {
        let mut run = self.next_run(pod);
        finish(&mut run, end, self.now);
        verdict::record(&mut run, evidence);
        let ordered = control.abort.then_some(Ordered::Abort);
        let verdict = verdict::judge(&run.pod_name, end, evidence).as_ordered(end, ordered);
        let status = &mut self.status;
        found(status, &verdict);
        status.run = Some(run.clone());
        let past = PastRun {
            run,
            phase: verdict.phase,
            outcome: verdict.outcome,
            warnings: verdict.warnings,
            conclusive: verdict.conclusive,
            reason: verdict.reason.into(),
        };
        status.history.insert(0, past);
        // Those whose pod is still held have to be known, or they would be taken for new ones.
        while status.history.len() > LONGEST_HISTORY
            && let Some(oldest) = status.history.iter().rposition(|past| !journals::is_due(&past.run))
        {
            status.history.remove(oldest);
        }
        &mut status.history[0]
    }

    /// The run of a schedule that this pod is, as far as pods know: numbers are given at the end.
    fn next_run(&self, pod: &Pod) -> Run {
        Run {
            number: self.status.counters.map_or(0, |counters| counters.runs) + 1,
            trigger: Trigger::Schedule,
            pod_name: pod.metadata.name.clone().unwrap_or_default(),
            pod_uid: pod.metadata.uid.clone(),
            node_name: cleanup::node(pod),
            experiment: self.about.clone(),
            ..Run::default()
        }
    }

    /// The recorded run of a schedule that this pod was.
    pub fn past(&mut self, pod: &Pod) -> Option<&mut PastRun> {
        self.status.history.iter_mut().find(|past| past.run.pod_uid == pod.metadata.uid)
    }

    fn is_stalled_by(&self, word: &str) -> bool {
        self.status.phase == Some(Phase::Starting)
            && self.status.message.as_ref().is_some_and(|message| message.starts_with(&format!("{word}:")))
    }

    /// Sets the phase, and the two conditions that follow from it.
    fn phase(&mut self, phase: Phase, reason: Reason, message: &str) {
        // What the end of an aborted run says must not hide that the experiment is going away.
        if self.status.phase != Some(Phase::Terminating) {
            self.status.phase = Some(phase);
            self.status.reason = Some(reason.into());
            self.status.message = Some(condition::short(message));
        }
        match phase {
            Phase::Completed | Phase::Failed | Phase::Aborted => {
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

    fn set(&mut self, type_: Type, state: State, reason: Reason, message: &str) {
        condition::set(
            &mut self.status.conditions,
            (type_, state, reason),
            message,
            self.generation,
            self.now,
        );
    }
}

/// How many ended runs of a schedule are kept, and how many are recorded with one write.
pub const LONGEST_HISTORY: usize = 10;

/// Why the operator would have the pod of a run deleted, if it would.
fn ordered(run: &Run, control: &Control, now: Timestamp) -> Option<Ordered> {
    if control.abort {
        return Some(Ordered::Abort);
    }
    control.is_start_overdue(run, now).then_some(Ordered::StartTimeout)
}

/// Fills in how a run ended.
fn finish(run: &mut Run, end: &End, now: Timestamp) {
    run.started_at = end.started_at.clone().or_else(|| run.started_at.take());
    let finished = end.finished_at.clone().unwrap_or(Time(now));
    run.duration_seconds =
        run.started_at.as_ref().map(|started| (finished.0.as_second() - started.0.as_second()).max(0));
    run.finished_at = Some(finished);
    run.exit_code = end.exit_code;
    run.terminated_reason = Some(end.word.clone()).filter(|word| !word.is_empty());
}

/// Records what a run that has ended found, and counts it.
fn found(status: &mut Status, verdict: &Verdict) {
    status.outcome = Some(verdict.outcome);
    status.warnings.clone_from(&verdict.warnings);
    status.conclusive = Some(verdict.conclusive);
    let counters: &mut Counters = status.counters.get_or_insert_default();
    counters.runs += 1;
    counters.passed += i32::from(verdict.outcome == Outcome::Passed);
    counters.deviated += i32::from(verdict.outcome == Outcome::Deviated);
    counters.failed += i32::from(verdict.phase == Phase::Failed);
    counters.aborted += i32::from(verdict.phase == Phase::Aborted);
}

#[cfg(test)]
mod tests;
