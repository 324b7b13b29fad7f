//! What happens to runs. Only the process that leads records it, so several replicas count nothing twice.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use strum::VariantArray;

use super::{Label, Labels, Metrics};
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Outcome, Phase, Text, Trigger};
use chaostoolkit_journal::RollbackState;

/// The bounds of the buckets of durations: from 1 second to 4 hours.
const DURATIONS: [f64; 13] =
    [1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, 14400.0];

/// The bounds of the buckets of latencies: from half a second to 1 hour.
const LATENCIES: [f64; 12] = [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0];

type Histograms = Family<Label, Histogram, fn() -> Histogram>;

/// What is counted of runs.
#[derive(Clone)]
pub(super) struct Runs {
    started: Family<Label, Counter>,
    finished: Family<Labels<4>, Counter>,
    outcomes: Family<Labels<2>, Counter>,
    skipped: Family<Label, Counter>,
    duration: Histograms,
    start_latency: Histograms,
    rollbacks: Family<Label, Counter>,
    conditions_met: Counter,
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// The phase in which it ended.
    pub phase: Option<Phase>,
    /// Its outcome.
    pub outcome: Outcome,
    /// What started it.
    pub trigger: Trigger,
    /// The reason for the phase. One that this version does not know counts as none.
    pub reason: Option<Reason>,
    /// How long it took, if it has started.
    pub duration: Option<Duration>,
    /// What became of its rollbacks, unless it never started.
    pub rollbacks: Option<RollbackState>,
}

impl Runs {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let runs = Self {
            started: Family::default(),
            finished: Family::default(),
            outcomes: Family::default(),
            skipped: Family::default(),
            duration: Family::new_with_constructor(|| Histogram::new(DURATIONS)),
            start_latency: Family::new_with_constructor(|| Histogram::new(LATENCIES)),
            rollbacks: Family::default(),
            conditions_met: Counter::default(),
        };
        registry.register("runs_started", "Runs that the operator has started", runs.started.clone());
        registry.register("runs_finished", "Runs whose end was recorded", runs.finished.clone());
        let help = "Runs whose end was recorded, by phase and outcome alone";
        registry.register("run_outcomes", help, runs.outcomes.clone());
        // Each is there from the start, so that a query for an increase sees the first run.
        for (phase, outcome) in pairs() {
            drop(runs.outcomes.get_or_create(&outcome_labels(Some(phase), outcome)));
        }
        for outcome in Outcome::VARIANTS {
            drop(runs.duration.get_or_create(&[("outcome", outcome.as_str())]));
        }
        for state in RollbackState::VARIANTS {
            drop(runs.rollbacks.get_or_create(&[("state", state.into())]));
        }
        for trigger in Trigger::VARIANTS {
            drop(runs.start_latency.get_or_create(&[("trigger", trigger.as_str())]));
        }
        registry.register("runs_skipped", "Runs that were due and did not start", runs.skipped.clone());
        let (help, unit) = ("Time from the start of a run to its end", Unit::Seconds);
        registry.register_with_unit("run_duration", help, unit, runs.duration.clone());
        let help = "Time from when a run was due to the start of its container, without the time for which it was held";
        registry.register_with_unit("run_start_latency", help, Unit::Seconds, runs.start_latency.clone());
        let help = "Runs that have ended, by what became of their rollbacks";
        registry.register("rollbacks", help, runs.rollbacks.clone());
        let help = "Runs that were stopped since a stop condition was met";
        registry.register("stop_conditions_met", help, runs.conditions_met.clone());
        runs
    }
}

/// The ends that a run may have. A run that was skipped has no outcome.
fn pairs() -> impl Iterator<Item = (Phase, Outcome)> {
    let of_phase = |phase: Phase| Outcome::VARIANTS.iter().map(move |outcome| (phase, *outcome));
    let ends =
        [Phase::Completed, Phase::Failed, Phase::Aborted, Phase::Terminating].into_iter().flat_map(of_phase);
    ends.chain([(Phase::Skipped, Outcome::Unknown)])
}

fn outcome_labels(phase: Option<Phase>, outcome: Outcome) -> Labels<2> {
    [("phase", phase.map_or("None", Text::as_str)), ("outcome", outcome.as_str())]
}

impl Metrics {
    /// Counts a run that the operator has started.
    pub fn run_started(&self, trigger: Trigger) {
        self.runs.started.get_or_create(&[("trigger", trigger.as_str())]).inc();
    }

    /// Counts how long a run took to start.
    pub fn run_start_took(&self, trigger: Trigger, latency: Duration) {
        let trigger = [("trigger", trigger.as_str())];
        self.runs.start_latency.get_or_create(&trigger).observe(latency.as_secs_f64());
    }

    /// Counts a run whose end was recorded.
    pub fn run_finished(&self, end: &End) {
        let labels = [
            ("phase", end.phase.map_or("None", Text::as_str)),
            ("outcome", end.outcome.as_str()),
            ("trigger", end.trigger.as_str()),
            ("reason", end.reason.map_or("None", Text::as_str)),
        ];
        self.runs.finished.get_or_create(&labels).inc();
        self.runs.outcomes.get_or_create(&outcome_labels(end.phase, end.outcome)).inc();
        if let Some(duration) = end.duration {
            let outcome = [("outcome", end.outcome.as_str())];
            self.runs.duration.get_or_create(&outcome).observe(duration.as_secs_f64());
        }
        if let Some(state) = end.rollbacks {
            self.runs.rollbacks.get_or_create(&[("state", state.into())]).inc();
        }
    }

    /// Counts runs that were due and did not start.
    pub fn runs_skipped(&self, reason: Option<Reason>, runs: u64) {
        let reason = reason.map_or("None", Text::as_str);
        self.runs.skipped.get_or_create(&[("reason", reason)]).inc_by(runs);
    }

    /// Counts a run that was stopped since a stop condition was met.
    pub fn stop_condition_met(&self) {
        self.runs.conditions_met.inc();
    }
}
