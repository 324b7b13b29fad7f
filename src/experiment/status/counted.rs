//! What the step from one status to the next adds to the counters: pure.
//!
//! A step is counted once its status is written. A write that is repeated finds nothing new, so nothing is counted twice. If
//! the answer to a write is lost, its step is not counted.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::experiment::status::new_runs::{is_new, missed};
use crate::process::metrics::Metrics;
use crate::process::metrics::runs::End;
use chaostoolkit_api::condition::{self, Type};
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Outcome, PastRun, Phase, Run, Status, Stop, Text, Trigger};

/// Something that is counted.
#[derive(Clone, Debug, PartialEq)]
pub enum Counted {
    /// A run was started.
    Started(Trigger),
    /// The container of a run has started, so long after the run was due.
    StartTook(Trigger, Duration),
    /// The end of a run was recorded.
    Ended(End),
    /// This many runs were due and did not start.
    Skipped(Option<Reason>, u64),
    /// A run was stopped since a stop condition was met.
    StopConditionMet,
}

impl Counted {
    /// Adds it to the counters.
    pub fn count(&self, metrics: &Metrics) {
        match self {
            Self::Started(trigger) => metrics.run_started(*trigger),
            Self::StartTook(trigger, latency) => metrics.run_start_took(*trigger, *latency),
            Self::Ended(end) => metrics.run_finished(end),
            Self::Skipped(reason, runs) => metrics.runs_skipped(*reason, *runs),
            Self::StopConditionMet => metrics.stop_condition_met(),
        }
    }
}

/// What the step from one status to the next adds to the counters. The start of a run of a schedule is counted when its Job
/// is let go.
#[must_use]
pub fn counted(old: &Status, new: &Status) -> Vec<Counted> {
    let mut counted = Vec::new();
    if new.schedule.is_none() {
        counted.extend(started(old, new));
        counted.extend(ended(old, new));
    }
    for past in new.history.iter().filter(|past| is_new(past, old)) {
        counted.extend(past_run(past));
    }
    let missed = missed(old, new);
    counted.extend((missed > 0).then_some(Counted::Skipped(Some(Reason::MissedSchedule), missed)));
    counted.extend(stops(old, new));
    counted
}

/// The pod of a run without a schedule, and the start of its container.
fn started(old: &Status, new: &Status) -> Vec<Counted> {
    let Some(run) = &new.run else { return Vec::new() };
    let Some(pod) = &run.pod_uid else { return Vec::new() };
    let before = old.run.as_ref().filter(|before| before.pod_uid.as_ref() == Some(pod));
    let mut counted = Vec::new();
    if before.is_none() {
        counted.push(Counted::Started(run.trigger));
    }
    if before.is_none_or(|before| before.started_at.is_none()) {
        counted.extend(latency(run));
    }
    counted
}

/// The end of a run without a schedule.
fn ended(old: &Status, new: &Status) -> Vec<Counted> {
    let Some(run) = new.run.as_ref().filter(|_| new.is_finished() && !old.is_finished()) else {
        return Vec::new();
    };
    let said = condition::find(&new.conditions, Type::Finished).map(|finished| finished.reason.as_str());
    let reason = reason(said.or(new.reason.as_deref()));
    // The Python operator has run it, maybe long ago.
    if reason == Some(Reason::Adopted) {
        return Vec::new();
    }
    let end = end(run, reason, new.phase, new.outcome.unwrap_or_default());
    let skipped = (new.phase == Some(Phase::Skipped)).then_some(Counted::Skipped(reason, 1));
    [Counted::Ended(end)].into_iter().chain(skipped).collect()
}

/// The end of a run of a schedule, or why it was skipped.
fn past_run(past: &PastRun) -> Vec<Counted> {
    let reason = reason(Some(&past.reason));
    let end = Counted::Ended(end(&past.run, reason, Some(past.phase), past.outcome));
    if past.phase == Phase::Skipped {
        return vec![end, Counted::Skipped(reason, 1)];
    }
    latency(&past.run).into_iter().chain([end]).collect()
}

fn end(run: &Run, reason: Option<Reason>, phase: Option<Phase>, outcome: Outcome) -> End {
    let has_run = run.started_at.is_some();
    End {
        phase,
        outcome,
        trigger: run.trigger,
        reason,
        duration: run.duration_seconds.filter(|_| has_run).map(seconds),
        rollbacks: has_run
            .then(|| run.rollbacks.as_ref().map(|rollbacks| rollbacks.state).unwrap_or_default()),
    }
}

/// How long the container of a run took to start. The time for which something held the run does not count.
fn latency(run: &Run) -> Option<Counted> {
    let (Time(due), Time(started)) = (run.requested_at.as_ref()?, run.started_at.as_ref()?);
    let held = run.held_seconds.unwrap_or_default().max(0);
    let took = started.as_second().saturating_sub(due.as_second()).saturating_sub(held);
    Some(Counted::StartTook(run.trigger, seconds(took)))
}

/// The runs that are stopped by a stop condition from now on.
fn stops(old: &Status, new: &Status) -> Vec<Counted> {
    let is_met = |stop: &Stop| stop.reason == Reason::StopConditionMet.as_str();
    let of_schedule = |status: &Status| -> Vec<String> {
        let stopped = status.schedule.iter().flat_map(|schedule| &schedule.stopped);
        stopped.filter(|pod| is_met(&pod.stop)).map(|pod| pod.pod_uid.clone()).collect()
    };
    let of_run = |status: &Status| -> Option<String> {
        let run = status.run.as_ref().filter(|run| run.stop.as_ref().is_some_and(is_met))?;
        run.pod_uid.clone()
    };
    let (known, found) = if new.schedule.is_some() {
        (of_schedule(old), of_schedule(new))
    } else {
        (of_run(old).into_iter().collect(), of_run(new).into_iter().collect())
    };
    found.iter().filter(|pod| !known.contains(pod)).map(|_| Counted::StopConditionMet).collect()
}

/// Reads a reason. Anybody who may write a status may write any word there.
fn reason(word: Option<&str>) -> Option<Reason> {
    word?.parse().ok()
}

fn seconds(seconds: i64) -> Duration {
    Duration::from_secs(seconds.max(0).unsigned_abs())
}

#[cfg(test)]
#[path = "counted_tests.rs"]
mod tests;
