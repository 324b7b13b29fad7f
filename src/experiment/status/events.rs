//! Events, derived from the difference between two statuses: pure. Each event tells of a transition, so none is published
//! twice.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::runtime::events::{Event, EventType};

use crate::experiment::status::new_runs::{is_new, missed};
use crate::experiment::status::rescue;
use crate::experiment::status::run_events::{is_stall, of_job, of_present_run, of_run, related};
use chaostoolkit_api::condition::{self, State, Type};
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Outcome, PastRun, Phase, Status, Text, Warning};

/// What the operator did or tried when it published an event: the field `action` of the event.
/// <https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/>
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display)]
pub enum Action {
    /// Checked the spec.
    ValidateSpec,
    /// Created the objects that the run needs.
    ProvisionRun,
    /// Created the pod of the run.
    CreatePod,
    /// Waited for the run to start.
    StartRun,
    /// Recorded the outcome of a run.
    RecordOutcome,
    /// Recorded what became of the rollbacks, or had another pod play them.
    PlayRollbacks,
    /// Asked the toolkit to stop.
    StopRun,
    /// Ended a pod whose other containers went on after the toolkit.
    StopHelpers,
    /// Began one more run.
    RerunExperiment,
    /// Kept the schedule.
    ScheduleRuns,
    /// Stopped starting runs.
    SuspendRuns,
    /// Started runs again.
    ResumeRuns,
    /// Took over what the Python operator had created.
    AdoptExperiment,
    /// Deleted what was created for the experiment.
    CleanUp,
    /// Read the recorded status.
    ReadStatus,
}

/// The events of the step from one status to the next. `is_other_spec`: the spec differs, in what concerns the run, from
/// the one that the run was decided on by.
#[must_use]
pub fn transitions(old: &Status, new: &Status, is_other_spec: bool) -> Vec<Event> {
    let mut events = Vec::new();
    events.extend(accepted(old, new));
    events.extend(held(old, new));
    let created = created(old, new);
    events
        .extend(provisioned(old, new).filter(|event| created.is_none() || event.type_ == EventType::Warning));
    events.extend(created);
    events.extend(stalled(old, new));
    let ended = ended(old, new);
    events.extend(started(old, new).filter(|_| ended.is_empty()));
    events.extend(ended);
    events.extend(rescued(old, new).map(|event| of_present_run(event, new)));
    events.extend(new.history.iter().rev().filter(|past| is_new(past, old)).map(|past| past_run(past, new)));
    events.extend(forbidden(old, new));
    events.extend(skipped(old, new));
    events.extend(moved(old, new));
    events.extend(ignored_edit(old, new).filter(|_| is_other_spec));
    events.extend(cleanup_blocked(old, new));
    events
}

/// A condition of the new status that differs from the old one in its status or reason.
fn changed<'a>(old: &Status, new: &'a Status, type_: Type) -> Option<(State, &'a Condition)> {
    let was = condition::find(&old.conditions, type_);
    let is = condition::find(&new.conditions, type_)?;
    let is_same = was.is_some_and(|was| was.status == is.status && was.reason == is.reason);
    if is_same {
        return None;
    }
    Some((is.status.parse().ok()?, is))
}

/// A spec that has warnings, or that is rejected. That any other is accepted is shown by what follows, such as the pod.
fn accepted(old: &Status, new: &Status) -> Option<Event> {
    let (state, accepted) = changed(old, new, Type::Accepted)?;
    let is_plain = accepted.reason == Reason::Accepted.as_str();
    let reason = match state {
        State::True if is_plain => return None,
        State::True => &accepted.reason,
        State::False | State::Unknown => Reason::Rejected.as_str(),
    };
    Some(warning(reason, Action::ValidateSpec, &accepted.message))
}

/// What keeps the run from starting for now, or that nothing does any more.
fn held(old: &Status, new: &Status) -> Option<Event> {
    let (_, startable) = changed(old, new, Type::Startable)?;
    Some(normal(startable.reason.parse().ok()?, Action::StartRun, &startable.message))
}

fn provisioned(old: &Status, new: &Status) -> Option<Event> {
    let (state, provisioned) = changed(old, new, Type::Provisioned)?;
    match state {
        State::True => Some(normal(Reason::Provisioned, Action::ProvisionRun, &provisioned.message)),
        State::False => Some(warning(&provisioned.reason, Action::ProvisionRun, &provisioned.message)),
        State::Unknown => None,
    }
}

fn created(old: &Status, new: &Status) -> Option<Event> {
    let run = new.run.as_ref().filter(|run| run.pod_uid.is_some())?;
    if old.run.as_ref().is_some_and(|old| old.pod_uid == run.pod_uid) {
        return None;
    }
    let namespace = new.run_namespace.as_deref().unwrap_or_default();
    let note = format!("created pod {namespace}/{}", run.pod_name);
    Some(of_run(normal(Reason::RunCreated, Action::CreatePod, &note), run, new))
}

fn stalled(old: &Status, new: &Status) -> Option<Event> {
    let job = |status: &Status| status.schedule.as_ref().and_then(|schedule| schedule.stalled_job.clone());
    let stall = |status: &Status| (job(status), status.reason.clone());
    let may_stall = new.phase == Some(Phase::Starting) || job(new).is_some();
    if !may_stall || stall(new) == stall(old) || !is_stall(new.reason.as_deref()) {
        return None;
    }
    let event = warning(Reason::StartStalled.as_str(), Action::StartRun, message(new));
    Some(match job(new) {
        Some(job) => of_job(event, &job, new),
        None => of_present_run(event, new),
    })
}

fn started(old: &Status, new: &Status) -> Option<Event> {
    let started_pod = |status: &Status| {
        status.run.as_ref().filter(|run| run.started_at.is_some()).and_then(|run| run.pod_uid.clone())
    };
    started_pod(new).filter(|pod| started_pod(old).as_ref() != Some(pod))?;
    let run = new.run.as_ref()?;
    let node = run.node_name.as_deref().unwrap_or("an unknown node");
    let event = normal(Reason::RunStarted, Action::StartRun, &format!("the run started on {node}"));
    Some(of_run(event, run, new))
}

/// The end of the run of an experiment without a schedule, and what became of its rollbacks.
fn ended(old: &Status, new: &Status) -> Vec<Event> {
    let finished = condition::find(&new.conditions, Type::Finished)
        .filter(|_| new.is_finished() && !old.is_finished())
        // An adoption publishes an event of its own.
        .filter(|finished| finished.reason != Reason::Adopted.as_str());
    let Some(finished) = finished else { return Vec::new() };
    let reason = finished.reason.parse().ok();
    if new.phase == Some(Phase::Skipped) {
        let note = format!("{}: {}", finished.reason, finished.message);
        return vec![warning(Reason::Skipped.as_str(), Action::RecordOutcome, &note)];
    }
    let mut events = vec![end(new.outcome.unwrap_or_default(), reason, &new.warnings, &finished.message)];
    events.extend(condition::find(&new.conditions, Type::RolledBack).and_then(rollbacks));
    events.into_iter().map(|event| of_present_run(event, new)).collect()
}

/// The end of a run. It is a warning unless the run did what it was to do.
fn end(outcome: Outcome, reason: Option<Reason>, warnings: &[Warning], note: &str) -> Event {
    let has_failures = warnings.iter().any(|warning| *warning != Warning::NoHypothesis);
    let with_reason = || reason.map_or_else(|| note.to_owned(), |reason| format!("{reason}: {note}"));
    let warn = |reason: Reason, note: &str| warning(reason.as_str(), Action::RecordOutcome, note);
    match (outcome, reason) {
        (Outcome::Passed, Some(Reason::Passed)) if !has_failures => {
            normal(Reason::Passed, Action::RecordOutcome, note)
        }
        (Outcome::Passed, reason) => warn(reason.unwrap_or(Reason::Passed), note),
        // Without the runner, exit code 0 is the best that can be known. Some subcommands run no experiment.
        (Outcome::Unknown, Some(reason @ (Reason::Completed | Reason::SubcommandCompleted))) => {
            normal(reason, Action::RecordOutcome, note)
        }
        (Outcome::Deviated, _) => warn(Reason::Deviated, note),
        (Outcome::BaselineNotMet, _) => warn(Reason::BaselineNotMet, note),
        (Outcome::ProbeError, _) => warn(Reason::ProbeError, note),
        (Outcome::Interrupted, _) => warn(Reason::Aborted, &with_reason()),
        (Outcome::Aborted | Outcome::Invalid | Outcome::Error | Outcome::Unknown, _) => {
            warn(Reason::RunFailed, &with_reason())
        }
    }
}

/// The rights that the run lacked which has ended last.
fn forbidden(old: &Status, new: &Status) -> Option<Event> {
    let lacking = condition::find(&new.conditions, Type::Authorized)?;
    let event = warning(&lacking.reason, Action::RecordOutcome, &lacking.message);
    if new.is_finished() && !old.is_finished() {
        return Some(of_present_run(event, new));
    }
    let last = new.history.iter().find(|past| past.phase != Phase::Skipped)?;
    let is_lacking = is_new(last, old) && last.warnings.contains(&Warning::ActivityForbidden);
    is_lacking.then(|| of_run(event, &last.run, new))
}

/// What became of the rollbacks, if there were any.
fn rollbacks(condition: &Condition) -> Option<Event> {
    match condition.status.parse().ok()? {
        State::True => Some(normal(Reason::RollbacksPlayed, Action::PlayRollbacks, &condition.message)),
        State::False => Some(warning(&condition.reason, Action::PlayRollbacks, &condition.message)),
        State::Unknown => None,
    }
}

/// What another pod does about rollbacks that the run did not play.
fn rescued(old: &Status, new: &Status) -> Option<Event> {
    if !old.is_finished() || !new.is_finished() {
        return None;
    }
    let (_, rolled_back) = changed(old, new, Type::RolledBack)?;
    match rolled_back.reason.parse().ok()? {
        reason @ (Reason::RescueStarted | Reason::RescuePlayed) => {
            Some(normal(reason, Action::PlayRollbacks, &rolled_back.message))
        }
        reason if reason == Reason::RescueFailed || rescue::is_block(rolled_back) => {
            Some(warning(reason.as_str(), Action::PlayRollbacks, &rolled_back.message))
        }
        _ => None,
    }
}

/// The end of a run of a schedule, or why it was skipped.
fn past_run(past: &PastRun, new: &Status) -> Event {
    let PastRun { run, phase, outcome, reason, warnings, message, .. } = past;
    if *phase == Phase::Skipped {
        let job = run.job_name.as_deref().unwrap_or_default();
        let said = message.as_deref().unwrap_or_default();
        let note = match reason.as_str() {
            plain if plain == Reason::Skipped.as_str() => format!("the run of Job {job} was skipped: {said}"),
            reason => format!("{reason}: the run of Job {job} was skipped: {said}"),
        };
        return related(warning(Reason::Skipped.as_str(), Action::ScheduleRuns, &note), run, new);
    }
    let place = match &run.job_name {
        Some(job) if run.pod_name.is_empty() => format!("of Job {job}, which had no pod"),
        _ => format!("in pod {}", run.pod_name),
    };
    let said = message.as_ref().map_or_else(String::new, |message| format!(": {message}"));
    let note = format!("run {} {place}: {}{said}", run.number, outcome.as_str());
    related(end(*outcome, reason.parse().ok(), warnings, &note), run, new)
}

/// Runs of a schedule that were not started.
fn skipped(old: &Status, new: &Status) -> Option<Event> {
    let more = missed(old, new);
    (more > 0).then(|| {
        let runs = match more {
            1 => "a run that was due was not started".to_owned(),
            more => format!("{more} runs that were due were not started"),
        };
        let note = format!("{runs}: the previous run was still going on, or nothing was there to start them");
        warning(Reason::MissedSchedule.as_str(), Action::ScheduleRuns, &note)
    })
}

/// A new phase that is not the end of a run.
fn moved(old: &Status, new: &Status) -> Option<Event> {
    let reason = new.reason.as_deref().and_then(|reason| reason.parse().ok());
    let message = message(new);
    let stopped = |event| of_present_run(event, new);
    match (old.phase, new.phase) {
        (old, new) if old == new => None,
        (_, Some(Phase::Aborting)) => Some(stopped(match reason {
            Some(Reason::AbortRequested) => normal(Reason::AbortRequested, Action::StopRun, message),
            reason => warning(reason.unwrap_or(Reason::PodDeleted).as_str(), Action::StopRun, message),
        })),
        (Some(Phase::Running), Some(Phase::Terminating)) => Some(stopped(normal(
            Reason::AbortRequested,
            Action::StopRun,
            "the experiment was deleted during its run, which is asked to stop",
        ))),
        (Some(Phase::Suspended), Some(Phase::Scheduled | Phase::Pending)) => {
            Some(normal(Reason::Resumed, Action::ResumeRuns, message))
        }
        (Some(_), Some(Phase::Pending)) if reason == Some(Reason::RerunRequested) => {
            // The run has no pod yet. That of the run before it tells one request from the next.
            let event = normal(Reason::RerunRequested, Action::RerunExperiment, message);
            Some(match new.history.first() {
                Some(past) => related(event, &past.run, new),
                None => event,
            })
        }
        (_, Some(Phase::Scheduled)) => Some(normal(Reason::Scheduled, Action::ScheduleRuns, message)),
        (_, Some(Phase::Suspended)) => {
            let is_special = |reason: &Reason| matches!(reason, Reason::Restored | Reason::StoppedAfter);
            let reason = reason.filter(is_special).unwrap_or(Reason::Suspended);
            Some(normal(reason, Action::SuspendRuns, message))
        }
        _ => None,
    }
}

/// An edit of the spec that comes too late for the run.
fn ignored_edit(old: &Status, new: &Status) -> Option<Event> {
    let is_too_late = new.observed_generation != old.observed_generation
        && new.schedule.is_none()
        && old.run.as_ref().is_some_and(|run| run.pod_uid.is_some());
    let note = "the spec was edited after the run had begun; a new value of the annotation chaostoolkit.org/rerun starts another run";
    is_too_late.then(|| warning(Reason::SpecChangeIgnored.as_str(), Action::ValidateSpec, note))
}

fn cleanup_blocked(old: &Status, new: &Status) -> Option<Event> {
    let (_, blocked) = changed(old, new, Type::CleanupBlocked).filter(|(state, _)| *state == State::True)?;
    Some(warning(Reason::CleanupBlocked.as_str(), Action::CleanUp, &blocked.message))
}

fn message(status: &Status) -> &str {
    status.message.as_deref().unwrap_or_default()
}

/// An event of type Normal.
#[must_use]
pub fn normal(reason: Reason, action: Action, note: &str) -> Event {
    event(EventType::Normal, reason.as_str(), action, note)
}

/// An event of type Warning: somebody should look at it.
#[must_use]
pub fn warning(reason: &str, action: Action, note: &str) -> Event {
    event(EventType::Warning, reason, action, note)
}

fn event(type_: EventType, reason: &str, action: Action, note: &str) -> Event {
    Event {
        type_,
        reason: reason.to_owned(),
        note: Some(condition::short(note)).filter(|note| !note.is_empty()),
        action: action.to_string(),
        secondary: None,
    }
}
