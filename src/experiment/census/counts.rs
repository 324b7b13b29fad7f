//! What the statuses of all experiments say together: pure.
//!
//! Anybody who may write a status may write any word there. So a word that this version does not know is not counted under its
//! name, and the number of namespaces is bounded.

use std::collections::BTreeMap;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use strum::VariantArray;

use crate::experiment::jitter::Delay;
use crate::experiment::stages::times;
use crate::experiment::status::rollbacks_missing;
use chaostoolkit_api::condition::{self, State, Type};
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Experiment, Phase, Status, Text, names};

/// By how much a run of a schedule may be late. The controller of Kubernetes looks every 10 seconds.
const LATE: SignedDuration = SignedDuration::from_secs(60);

/// How many namespaces have a number of their own.
const NAMESPACES: usize = 1000;

/// Stands for the phase of an experiment that has none yet, or cannot be read.
const NO_PHASE: &str = "None";

/// Stands for the namespaces beyond [`NAMESPACES`].
const OTHERS: &str = "";

/// How many experiments are how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// By phase. Each phase has a number.
    pub phases: BTreeMap<&'static str, i64>,
    /// Those whose run, or whose next run, does not start for now, by the reason.
    pub waiting: BTreeMap<&'static str, Waiting>,
    /// Runs that go on, by their namespace.
    pub active: BTreeMap<String, i64>,
    /// Schedules whose next run is late.
    pub overdue: i64,
    /// Those whose last run has left rollbacks unplayed.
    pub rollbacks_missing: i64,
    /// Those that are being deleted and whose objects cannot be deleted.
    pub cleanups_blocked: i64,
}

/// Those that wait for the same reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many they are.
    pub count: i64,
    /// Since when the first of them waits, if that is known.
    pub since: Option<Timestamp>,
}

impl Counts {
    /// Counts these experiments. `None` is one that cannot be read.
    #[must_use]
    pub fn of<'a>(experiments: impl Iterator<Item = Option<&'a Experiment>>, now: Timestamp) -> Self {
        let mut counts = Self::default();
        let phases = Phase::VARIANTS.iter().filter(|phase| **phase != Phase::Skipped);
        counts.phases.extend(phases.map(|phase| (phase.as_str(), 0)));
        for experiment in experiments {
            counts.add(experiment, now);
        }
        counts
    }

    /// Those that wait for this reason.
    #[must_use]
    pub fn waiting_for(&self, reason: Reason) -> i64 {
        self.waiting.get(reason.as_str()).map_or(0, |waiting| waiting.count)
    }

    fn add(&mut self, experiment: Option<&Experiment>, now: Timestamp) {
        let status = experiment.and_then(|experiment| experiment.status.as_ref());
        let phase = status.and_then(|status| status.phase).map_or(NO_PHASE, Text::as_str);
        *self.phases.entry(phase).or_default() += 1;
        let Some((experiment, status)) = experiment.zip(status) else { return };
        if let Some((reason, since)) = waits(status) {
            let waiting = self.waiting.entry(reason.as_str()).or_default();
            waiting.count += 1;
            waiting.since = waiting.since.into_iter().chain(since).min();
        }
        let active = active(status);
        if active > 0 {
            *self.active.entry(self.namespace(status)).or_default() += active;
        }
        self.overdue += i64::from(is_overdue(experiment, status, now));
        self.rollbacks_missing += i64::from(are_rollbacks_missing(status));
        self.cleanups_blocked += i64::from(experiment.is_deleting() && is_cleanup_blocked(status));
    }

    fn namespace(&self, status: &Status) -> String {
        let named = status.run_namespace.as_deref().filter(|name| names::check_dns_label(name).is_ok());
        let is_free = |name: &&str| self.active.len() < NAMESPACES || self.active.contains_key(*name);
        named.filter(is_free).unwrap_or(OTHERS).to_owned()
    }
}

/// Why the run of an experiment does not start, and since when, if something keeps it from that.
fn waits(status: &Status) -> Option<(Reason, Option<Timestamp>)> {
    let blocked = status.reason.as_deref().filter(|_| status.phase == Some(Phase::Blocked));
    // What held the run before may stay on the status until the next answer.
    if let Some(hold) = status.hold.as_ref().filter(|hold| blocked.is_none_or(|word| word == hold.reason)) {
        return Some((hold.reason.parse().ok()?, hold.since.as_ref().map(|since| since.0)));
    }
    let word = blocked?;
    let said =
        status.conditions.iter().filter(|said| said.status == State::False.as_str() && said.reason == word);
    // Some conditions were false for another reason before, so the newest shows best when this one began.
    Some((word.parse().ok()?, said.map(|said| said.last_transition_time.0).max()))
}

/// How many runs go on.
fn active(status: &Status) -> i64 {
    if let Some(schedule) = &status.schedule {
        return i64::try_from(schedule.active.len()).unwrap_or(i64::MAX);
    }
    i64::from(status.run.as_ref().is_some_and(|run| run.started_at.is_some() && run.finished_at.is_none()))
}

/// Whether a run of an experiment goes on.
#[must_use]
pub fn is_running(status: &Status) -> bool {
    active(status) > 0
}

/// Whether a schedule has started no run, although one was due. The time that is recorded for the next run moves on whether or not
/// anything starts it.
fn is_overdue(experiment: &Experiment, status: &Status, now: Timestamp) -> bool {
    let is_expected = status.phase == Some(Phase::Scheduled) && status.hold.is_none();
    let Some(schedule) = status.schedule.as_ref().filter(|_| is_expected) else { return false };
    // A run that goes on may keep the next one from starting.
    if !schedule.active.is_empty() || schedule.stalled_job.is_some() {
        return false;
    }
    let resumed = condition::find(&status.conditions, Type::Suspended)
        .filter(|suspended| suspended.status == State::False.as_str())
        .map(|suspended| suspended.last_transition_time.0);
    let started = schedule.last_schedule_time.as_ref().map(|started| started.0);
    let ended = status.run.as_ref().and_then(|run| run.finished_at.as_ref()).map(|ended| ended.0);
    let Some(since) = [resumed, started, ended].into_iter().flatten().max() else { return false };
    times::next(&schedule.cron, schedule.time_zone.as_deref(), since).is_some_and(|due| {
        let start = Delay::of(experiment).start(due);
        start.saturating_add(LATE).unwrap_or(Timestamp::MAX) < now
    })
}

/// Whether the last run has ended without its rollbacks, and no other pod plays them or has played them.
#[must_use]
pub fn are_rollbacks_missing(status: &Status) -> bool {
    let outcome = status.outcome.unwrap_or_default();
    status.run.as_ref().is_some_and(|run| rollbacks_missing::are_missing(outcome, run))
}

fn is_cleanup_blocked(status: &Status) -> bool {
    let said = condition::find(&status.conditions, Type::CleanupBlocked);
    said.is_some_and(|said| said.status == State::True.as_str())
}

#[cfg(test)]
#[path = "counts_tests.rs"]
mod tests;
