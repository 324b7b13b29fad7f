//! Last step of a pass, its pure half: from what happened to the next status.
//!
//! A [`Draft`] starts as the status that was read. The same pass over the same world writes the same status: times
//! come from the pod, or change only with what they date.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;

use super::error::Error;
use super::outcome::{End, PodState};
use super::plan::Plan;
use super::resource::Resources;
use crate::api::condition::{self, State, Type};
use crate::api::spec::InvalidSpec;
use crate::api::{Experiment, Outcome, PastRun, Phase, ResourceRef, Run, ScheduleStatus, Status};
use crate::reason::Reason;

/// A status in the making.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What it is so far.
    pub status: Status,
    generation: Option<i64>,
    now: Timestamp,
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
        Self { status, generation: experiment.metadata.generation, now }
    }

    /// The spec was understood, but for these fields.
    pub fn accepted(&mut self, unknown: &[String]) {
        let (reason, message) = if unknown.is_empty() {
            (Reason::Accepted, "the spec is valid".to_owned())
        } else {
            (Reason::UnknownFields, format!("not used, since not known: {}", unknown.join(", ")))
        };
        self.set(Type::Accepted, State::True, reason, &message);
    }

    /// The spec was not understood. Nothing was run, so correcting it starts the run.
    pub fn rejected(&mut self, invalid: &InvalidSpec) {
        let message = invalid.to_string();
        self.set(Type::Accepted, State::False, Reason::InvalidSpec, &message);
        self.phase(Phase::Failed, Reason::InvalidSpec, &message);
    }

    /// This run was decided on: what teardown needs to know is on the record before anything is created.
    pub fn planned(&mut self, plan: &Plan, resources: &Resources) {
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
            recorded.cron.clone_from(&schedule.cron);
            recorded.time_zone.clone_from(&schedule.time_zone);
            is_known
        } else {
            let run =
                Run { number: plan.number, pod_name: resources.workload.name().to_owned(), ..Run::default() };
            let is_known = self.status.run.as_ref() == Some(&run);
            self.status.run = Some(run);
            (self.status.schedule, self.status.counters) = (None, None);
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
        if is_created && self.status.schedule.is_none() {
            return;
        }
        let message = error.describe();
        self.set(Type::Provisioned, State::False, error.reason(), &message);
        self.phase(Phase::Blocked, error.reason(), &message);
    }

    /// The pod of the run exists, with this uid, on this node and in this state.
    pub fn follows(&mut self, uid: Option<String>, node: Option<String>, state: &PodState) {
        self.set(Type::Provisioned, State::True, Reason::Provisioned, "everything the run needs was created");
        let Some(run) = &mut self.status.run else { return };
        run.pod_uid = uid;
        run.node_name = node.or_else(|| run.node_name.take());
        match state {
            PodState::Starting(None) => {
                self.phase(Phase::Starting, Reason::Starting, "waiting for the container to start");
            }
            PodState::Starting(Some(stall)) => {
                let message = format!("{}: {}", stall.word, stall.message);
                // The words vary from one attempt to the next; the first ones stay, or each attempt were a write.
                if !self.is_stalled_by(&stall.word) {
                    self.phase(Phase::Starting, Reason::StartStalled, &message);
                }
            }
            PodState::Running { started_at } => {
                run.started_at.clone_from(started_at);
                self.phase(Phase::Running, Reason::Running, "the container runs");
            }
            PodState::Ended(end) => self.ended(end),
        }
    }

    /// The pod is gone, and how it ended was never seen.
    pub fn lost(&mut self) {
        let Some(run) = &mut self.status.run else { return };
        run.finished_at = Some(Time(self.now));
        let message = format!("pod {} vanished before its end could be seen", run.pod_name);
        self.phase(Phase::Failed, Reason::PodLost, &message);
    }

    /// The Python operator had run the experiment, and its pod is gone.
    pub fn adopted_without_pod(&mut self) {
        let Some(run) = &mut self.status.run else { return };
        run.finished_at = Some(Time(self.now));
        let message = format!(
            "run by the Python operator before; pod {} is gone, so how it ended is not known. It is not run again",
            run.pod_name
        );
        self.phase(Phase::Failed, Reason::Adopted, &message);
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

    /// The schedule is in place, and these are the pods of its runs, oldest first.
    pub fn scheduled(&mut self, schedule: ScheduleStatus, is_suspended: bool, pods: &[Observed]) {
        self.set(Type::Provisioned, State::True, Reason::Provisioned, "everything the runs need was created");
        self.status.schedule = Some(ScheduleStatus { active: Vec::new(), ..schedule });
        for pod in pods {
            self.tick(pod);
        }
        if is_suspended {
            self.phase(Phase::Suspended, Reason::Suspended, "no run starts while the schedule is suspended");
        } else {
            self.phase(Phase::Scheduled, Reason::Scheduled, "runs start by the schedule");
        }
    }

    /// One run of a schedule. Its end is counted once: the pod is held until it is in the history.
    fn tick(&mut self, pod: &Observed) {
        let is_recorded = self.status.history.iter().any(|past| past.run.pod_uid.as_ref() == Some(&pod.uid));
        let is_let_go = !pod.is_held && matches!(pod.state, PodState::Ended(_));
        if is_recorded || is_let_go {
            return;
        }
        let counters = self.status.counters.get_or_insert_default();
        let mut run = Run {
            number: counters.runs + 1,
            pod_name: pod.name.clone(),
            pod_uid: Some(pod.uid.clone()),
            node_name: pod.node.clone(),
            ..Run::default()
        };
        match &pod.state {
            PodState::Ended(end) => {
                finish(&mut run, end, self.now);
                let (phase, reason, _) = verdict(&run.pod_name, end);
                counters.runs += 1;
                counters.failed += i32::from(phase == Phase::Failed);
                let past =
                    PastRun { run: run.clone(), phase, outcome: Outcome::Unknown, reason: reason.into() };
                self.status.history.insert(0, past);
                self.status.history.truncate(LONGEST_HISTORY);
            }
            PodState::Running { started_at } => {
                run.started_at.clone_from(started_at);
                self.activate(&run);
            }
            PodState::Starting(_) => self.activate(&run),
        }
        self.status.run = Some(run);
    }

    fn activate(&mut self, run: &Run) {
        if let Some(schedule) = &mut self.status.schedule {
            schedule.active.push(run.pod_name.clone());
        }
    }

    fn ended(&mut self, end: &End) {
        let now = self.now;
        let Some(run) = &mut self.status.run else { return };
        finish(run, end, now);
        let (phase, reason, message) = verdict(&run.pod_name, end);
        self.phase(phase, reason, &message);
    }

    fn is_stalled_by(&self, word: &str) -> bool {
        self.status.reason.as_deref() == Some(Reason::StartStalled.as_str())
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
            Phase::Completed => {
                self.set(Type::Finished, State::True, reason, message);
                let why = "exit code 0 does not prove that the steady state held";
                self.set(Type::Succeeded, State::Unknown, Reason::OutcomeUnknown, why);
            }
            Phase::Failed => {
                self.set(Type::Finished, State::True, reason, message);
                self.set(Type::Succeeded, State::False, reason, message);
            }
            Phase::Pending
            | Phase::Blocked
            | Phase::Starting
            | Phase::Running
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

/// A pod of a run, as it was seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// The node it is on.
    pub node: Option<String>,
    /// Whether it is held, since its end is not recorded yet.
    pub is_held: bool,
    /// What it says about its run.
    pub state: PodState,
}

/// How many ended runs of a schedule are kept.
const LONGEST_HISTORY: usize = 10;

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

/// What an end means: phase, reason, and a sentence.
fn verdict(pod: &str, end: &End) -> (Phase, Reason, String) {
    match end.exit_code {
        Some(0) => (Phase::Completed, Reason::Completed, "the toolkit exited with code 0".to_owned()),
        Some(code) if end.deleted => {
            let message =
                format!("pod {pod} was deleted during the run; the toolkit exited with code {code}");
            (Phase::Failed, Reason::PodDeleted, message)
        }
        Some(code) => {
            (Phase::Failed, Reason::RunFailed, format!("the toolkit exited with code {code} ({})", end.word))
        }
        None if end.deleted => {
            (Phase::Failed, Reason::PodDeleted, format!("pod {pod} was deleted before its end"))
        }
        None => {
            let message = format!("pod {pod} failed: {} {}", end.word, end.message);
            (Phase::Failed, Reason::RunFailed, message.trim_end().to_owned())
        }
    }
}

#[cfg(test)]
mod tests;
