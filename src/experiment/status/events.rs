//! Events, from the difference between two statuses: pure. Each tells of a transition, so none is told twice.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::runtime::events::{Event, EventType};

use chaostoolkit_api::condition::{self, State, Type};
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Outcome, PastRun, Phase, Status, Trigger, Warning};

/// The events that the step from one status to the next is worth. `is_other_spec`: the spec says other things of the run
/// than when it was decided on.
#[must_use]
pub fn transitions(old: &Status, new: &Status, is_other_spec: bool) -> Vec<Event> {
    let mut events = Vec::new();
    let changed = |type_| {
        let was = condition::find(&old.conditions, type_);
        let is = condition::find(&new.conditions, type_)?;
        let same = was.is_some_and(|was| was.status == is.status && was.reason == is.reason);
        (!same).then_some((State::True.as_str() == is.status, is))
    };
    match changed(Type::Accepted) {
        Some((true, accepted)) if accepted.reason != Reason::Accepted.as_str() => {
            events.push(warning(&accepted.reason, &accepted.message));
        }
        Some((true, accepted)) => events.push(normal(Reason::Accepted, &accepted.message)),
        Some((false, accepted)) => events.push(warning(Reason::Rejected.as_str(), &accepted.message)),
        None => {}
    }
    match changed(Type::Provisioned) {
        Some((true, provisioned)) => events.push(normal(Reason::Provisioned, &provisioned.message)),
        Some((false, provisioned)) if provisioned.status == State::False.as_str() => {
            events.push(warning(&provisioned.reason, &provisioned.message));
        }
        _ => {}
    }
    if let Some(run) = new.run.as_ref().filter(|run| run.pod_uid.is_some())
        && old.run.as_ref().is_none_or(|old| old.pod_uid != run.pod_uid)
    {
        let namespace = new.run_namespace.as_deref().unwrap_or_default();
        events.push(normal(Reason::RunCreated, &format!("created pod {namespace}/{}", run.pod_name)));
    }
    let message = new.message.as_deref().unwrap_or_default();
    if new.phase == Some(Phase::Starting)
        && new.reason != old.reason
        && new.reason.as_deref() != Some(Reason::Starting.as_str())
    {
        events.push(warning(Reason::StartStalled.as_str(), message));
    }
    if started(new).is_some() && started(new) != started(old) {
        let node = new.run.as_ref().and_then(|run| run.node_name.as_deref()).unwrap_or("an unknown node");
        events.push(normal(Reason::RunStarted, &format!("the run started on {node}")));
    }
    if new.is_finished()
        && !old.is_finished()
        && let Some(finished) = condition::find(&new.conditions, Type::Finished)
        // What was taken over is told of where it is taken over.
        && finished.reason != Reason::Adopted.as_str()
    {
        let reason = Reason::named(&finished.reason);
        events.push(end(new.outcome.unwrap_or_default(), reason, &new.warnings, &finished.message));
        if let Some(rolled_back) = condition::find(&new.conditions, Type::RolledBack) {
            events.extend(rollbacks(rolled_back));
        }
    }
    if old.is_finished()
        && new.is_finished()
        && let Some((_, rolled_back)) = changed(Type::RolledBack)
    {
        events.extend(rescue(rolled_back));
    }
    for past in new.history.iter().rev().filter(|past| is_new(past, old)) {
        let PastRun { run, outcome, reason, warnings, .. } = past;
        let note = format!("run {} in pod {}: {}", run.number, run.pod_name, outcome.as_str());
        events.push(end(*outcome, Reason::named(reason), warnings, &note));
    }
    events.extend(left_out(old, new));
    events.extend(moved(old, new, message));
    if new.observed_generation != old.observed_generation
        && is_other_spec
        && new.schedule.is_none()
        && old.run.as_ref().is_some_and(|run| run.pod_uid.is_some())
    {
        let note = "the spec was edited after the run had begun; a new value of the annotation chaostoolkit.org/rerun runs it anew";
        events.push(warning(Reason::SpecChangeIgnored.as_str(), note));
    }
    if let Some((true, blocked)) = changed(Type::CleanupBlocked) {
        events.push(warning(Reason::CleanupBlocked.as_str(), &blocked.message));
    }
    events
}

/// Runs of a schedule that were not started.
fn left_out(old: &Status, new: &Status) -> Option<Event> {
    let skipped = |status: &Status| status.counters.map_or(0, |counters| counters.skipped);
    let more = skipped(new) - skipped(old);
    (more > 0).then(|| {
        let note = format!(
            "{more} runs that were due were not started: the one before went on, or nobody was there to start them"
        );
        warning(Reason::MissedSchedule.as_str(), &note)
    })
}

/// A new phase that is not the end of a run.
fn moved(old: &Status, new: &Status, message: &str) -> Option<Event> {
    let reason = new.reason.as_deref().and_then(Reason::named);
    match (old.phase, new.phase) {
        (old, new) if old == new => None,
        (_, Some(Phase::Aborting)) => Some(match reason {
            Some(Reason::AbortRequested) => normal(Reason::AbortRequested, message),
            reason => warning(reason.unwrap_or(Reason::PodDeleted).as_str(), message),
        }),
        (Some(Phase::Running), Some(Phase::Terminating)) => Some(normal(
            Reason::AbortRequested,
            "the experiment is deleted during its run: stopping the toolkit",
        )),
        (Some(Phase::Suspended), Some(Phase::Scheduled | Phase::Pending)) => {
            Some(normal(Reason::Resumed, message))
        }
        (Some(_), Some(Phase::Pending)) if reason == Some(Reason::RerunRequested) => {
            Some(normal(Reason::RerunRequested, message))
        }
        (_, Some(Phase::Scheduled)) => Some(normal(Reason::Scheduled, message)),
        (_, Some(Phase::Suspended)) => Some(normal(Reason::Suspended, message)),
        _ => None,
    }
}

/// Whether a run of a schedule was not told of yet. Its journal may come later than its end, and a run that did not start
/// by a schedule was told of when it ended.
#[must_use]
pub fn is_new(past: &PastRun, old: &Status) -> bool {
    past.run.trigger == Trigger::Schedule
        && old.history.iter().all(|known| known.run.pod_uid != past.run.pod_uid)
}

/// The end of a run. Only one that did what it was to do is no warning.
fn end(outcome: Outcome, reason: Option<Reason>, warnings: &[Warning], note: &str) -> Event {
    let is_open = warnings.iter().any(|open| *open != Warning::NoHypothesis);
    match (outcome, reason) {
        (Outcome::Passed, Some(Reason::Passed)) if !is_open => normal(Reason::Passed, note),
        (Outcome::Passed, reason) => warning(reason.unwrap_or(Reason::Passed).as_str(), note),
        // Without a runner, exit code 0 is as good as it gets.
        (Outcome::Unknown, Some(Reason::Completed)) => normal(Reason::Completed, note),
        (Outcome::Deviated, _) => warning(Reason::Deviated.as_str(), note),
        (Outcome::BaselineNotMet, _) => warning(Reason::BaselineNotMet.as_str(), note),
        (Outcome::ProbeError, _) => warning(Reason::ProbeError.as_str(), note),
        (Outcome::Interrupted | Outcome::Aborted, reason) => {
            warning(Reason::Aborted.as_str(), &because(reason, note))
        }
        (Outcome::Invalid | Outcome::Error | Outcome::Unknown, reason) => {
            warning(Reason::RunFailed.as_str(), &because(reason, note))
        }
    }
}

/// A note that begins with the one word for it.
fn because(reason: Option<Reason>, note: &str) -> String {
    reason.map_or_else(|| note.to_owned(), |reason| format!("{reason}: {note}"))
}

/// What was rolled back, where there was something to roll back.
fn rollbacks(condition: &Condition) -> Option<Event> {
    match State::named(&condition.status)? {
        State::True => Some(normal(Reason::RollbacksPlayed, &condition.message)),
        State::False => Some(warning(&condition.reason, &condition.message)),
        State::Unknown => None,
    }
}

/// What another pod does about rollbacks that a run did not come to.
fn rescue(condition: &Condition) -> Option<Event> {
    match Reason::named(&condition.reason)? {
        reason @ (Reason::RescueStarted | Reason::RescuePlayed) => Some(normal(reason, &condition.message)),
        reason @ Reason::RescueFailed => Some(warning(reason.as_str(), &condition.message)),
        _ => None,
    }
}

/// The pod of the current run, once its container has started.
fn started(status: &Status) -> Option<&String> {
    status.run.as_ref().filter(|run| run.started_at.is_some())?.pod_uid.as_ref()
}

/// An event that is good to know.
#[must_use]
pub fn normal(reason: Reason, note: &str) -> Event {
    event(EventType::Normal, reason.as_str(), note)
}

/// An event that somebody should look at.
#[must_use]
pub fn warning(reason: &str, note: &str) -> Event {
    event(EventType::Warning, reason, note)
}

fn event(type_: EventType, reason: &str, note: &str) -> Event {
    Event {
        type_,
        reason: reason.to_owned(),
        note: Some(condition::short(note)).filter(|note| !note.is_empty()),
        action: "Reconcile".to_owned(),
        secondary: None,
    }
}
