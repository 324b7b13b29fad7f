//! Metrics of each experiment by its name, for administrators who ask for them: as many series as there are experiments.

use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::core::DeserializeGuard;
use kube::runtime::reflector::Store;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;

use crate::experiment::census::counts::{are_rollbacks_missing, is_running};
use crate::experiment::census::shown::Shown;
use crate::process::metrics::family::Gauge;
use chaostoolkit_api::{Experiment, Run, Status, Text, condition};

const PHASE: Gauge = Gauge::count("chaostoolkit_experiment_phase", "The phase of an experiment.");
const OUTCOME: Gauge =
    Gauge::count("chaostoolkit_experiment_last_outcome", "The outcome of the last run of an experiment.");
const RUNNING: Gauge =
    Gauge::count("chaostoolkit_experiment_running", "Whether a run of an experiment goes on, 1 or 0.");
const START: Gauge = Gauge::seconds(
    "chaostoolkit_experiment_last_start_timestamp",
    "Time when the last run of an experiment has started.",
);
const END: Gauge = Gauge::seconds(
    "chaostoolkit_experiment_last_end_timestamp",
    "Time when the last run of an experiment has ended.",
);
const NEXT: Gauge = Gauge::seconds(
    "chaostoolkit_experiment_next_run_timestamp",
    "Time when the next run of an experiment is due.",
);
const MISSING: Gauge = Gauge::count(
    "chaostoolkit_experiment_rollbacks_missing",
    "Whether the last run of an experiment has left rollbacks unplayed, 1 or 0.",
);

/// The longest text of a schedule in bytes.
const LONGEST: usize = 128;

/// Reads all experiments.
#[derive(Debug)]
pub struct Each(pub Shown);

/// The labels that all have.
type Names<'a> = [(&'static str, &'a str); 2];

impl Collector for Each {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        match self.0.experiments() {
            Some(experiments) => encode(encoder, experiments),
            None => Ok(()),
        }
    }
}

fn encode(
    mut encoder: DescriptorEncoder<'_>,
    experiments: &Store<DeserializeGuard<Experiment>>,
) -> fmt::Result {
    let experiments = experiments.state();
    let readable: Vec<(Names<'_>, &Experiment)> = experiments
        .iter()
        .filter_map(|experiment| experiment.0.as_ref().ok())
        .map(|experiment| ([("namespace", experiment.namespace()), ("name", experiment.name())], experiment))
        .collect();
    if readable.is_empty() {
        return Ok(());
    }
    infos(&mut encoder, &readable)?;
    let statuses = || readable.iter().filter_map(|(names, seen)| Some((*names, seen.status.as_ref()?)));
    let phases =
        statuses().filter_map(|(names, status)| Some((with(names, "phase", status.phase?.as_str()), 1)));
    PHASE.all(&mut encoder, phases)?;
    let outcomes = statuses().filter(|(_, status)| has_ended(status));
    let outcomes = outcomes.filter_map(|(names, status)| Some((names, status.outcome?.as_str())));
    OUTCOME.all(&mut encoder, outcomes.map(|(names, outcome)| (with(names, "outcome", outcome), 1)))?;
    RUNNING.all(&mut encoder, statuses().map(|(names, status)| (names, is_running(status).into())))?;
    let of_run = |of: fn(&Run) -> Option<&Time>| {
        statuses().filter_map(move |(names, status)| Some((names, of(status.run.as_ref()?)?.0.as_second())))
    };
    START.all(&mut encoder, of_run(|run| run.started_at.as_ref()))?;
    END.all(&mut encoder, of_run(|run| run.finished_at.as_ref()))?;
    let next = |status: &Status| Some(status.schedule.as_ref()?.next_schedule_time.as_ref()?.0.as_second());
    NEXT.all(&mut encoder, statuses().filter_map(|(names, status)| Some((names, next(status)?))))?;
    MISSING.all(&mut encoder, statuses().map(|(names, status)| (names, are_rollbacks_missing(status).into())))
}

fn infos(encoder: &mut DescriptorEncoder<'_>, experiments: &[(Names<'_>, &Experiment)]) -> fmt::Result {
    let help = "An experiment and its schedule, which is empty if it has none.";
    let mut infos = encoder.encode_descriptor("chaostoolkit_experiment", help, None, MetricType::Info)?;
    for (names, experiment) in experiments {
        let schedule = experiment.status.as_ref().and_then(|status| status.schedule.as_ref());
        let cron = condition::short_to(schedule.map_or("", |schedule| &schedule.cron), LONGEST);
        infos.encode_info(&with(*names, "schedule", &cron))?;
    }
    Ok(())
}

fn with<'a>(
    [namespace, name]: Names<'a>,
    label: &'static str,
    value: &'a str,
) -> [(&'static str, &'a str); 3] {
    [namespace, name, (label, value)]
}

/// Whether the outcome is that of a run. Until the first run has ended, it is unknown.
fn has_ended(status: &Status) -> bool {
    status.is_finished() || status.run.as_ref().is_some_and(|run| run.finished_at.is_some())
}
