//! Reads runs from the status of an experiment.

use chaostoolkit_api::{Experiment, JournalRef, PastRun, Phase, Status};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::model::{Declared, Rescue, RollbackSummary, Run, Source, Toolkit};
use crate::redact::{line, sentence};

impl Run {
    /// Reads all runs that the status of an experiment has: the current or last one, and those of the history. The oldest
    /// is first. An experiment without a schedule that waits for its first run has one without a number.
    ///
    /// The runs have no activities. [`join`](crate::join()) adds them from the journals.
    #[must_use]
    pub fn from_status(experiment: &Experiment) -> Vec<Self> {
        let Some(status) = &experiment.status else { return Vec::new() };
        let runs = status.runs();
        if runs.is_empty() && status.schedule.is_none() {
            return vec![waiting(experiment, status)];
        }
        runs.iter().rev().map(|past| from_past(experiment, status, past)).collect()
    }
}

/// What stands for a run that was not decided on yet.
fn waiting(experiment: &Experiment, status: &Status) -> Run {
    let past = PastRun {
        run: chaostoolkit_api::Run::default(),
        phase: status.phase.unwrap_or(Phase::Pending),
        result: status.result,
        outcome: status.outcome.unwrap_or_default(),
        warnings: status.warnings.clone(),
        conclusive: status.conclusive.unwrap_or_default(),
        reason: status.reason.clone().unwrap_or_default(),
        message: status.message.clone(),
    };
    from_past(experiment, status, &past)
}

fn from_past(experiment: &Experiment, status: &Status, past: &PastRun) -> Run {
    let run = &past.run;
    let has_ended = (run.finished_at.is_some() || past.result.is_some()) && past.phase != Phase::Skipped;
    let pod = Some(line(&run.pod_name)).filter(|pod| !pod.is_empty());
    Run {
        name: Some(line(experiment.name())),
        namespace: Some(line(experiment.namespace())).filter(|namespace| !namespace.is_empty()),
        id: run.pod_uid.as_deref().map(line),
        number: Some(run.number),
        source: Source { status: true, ..source(run.journal.as_ref()) },
        trigger: Some(run.trigger).filter(|_| run.number > 0 || past.phase == Phase::Skipped),
        requested_by: run.requested_by.as_deref().map(line),
        requested_at: time(run.requested_at.as_ref()),
        started_at: time(run.started_at.as_ref()),
        finished_at: time(run.finished_at.as_ref()),
        #[allow(clippy::cast_precision_loss, reason = "seconds")]
        duration_seconds: run
            .duration_seconds
            .map(|seconds| seconds as f64)
            .filter(|seconds| *seconds >= 0.0),
        phase: Some(past.phase),
        outcome: Some(past.outcome).filter(|_| has_ended),
        result: past.result,
        conclusive: past.conclusive,
        warnings: past.warnings.clone(),
        reason: Some(line(&past.reason)).filter(|reason| !reason.is_empty()),
        message: past.message.as_deref().map(sentence).filter(|message| !message.is_empty()),
        exit_code: run.exit_code,
        pod: pod.as_ref().map(|pod| match &status.run_namespace {
            Some(namespace) => format!("{}/{pod}", line(namespace)),
            None => pod.clone(),
        }),
        experiment: Declared {
            title: run.experiment.title.as_deref().map(line),
            source: run.experiment.source.as_deref().map(line),
            sha256: run.experiment.sha256.as_deref().map(line),
            spec_hash: run.spec_hash.as_deref().map(line),
            ..Declared::default()
        },
        toolkit: Toolkit {
            version: run.toolkit.version.as_deref().map(line),
            lib: run.toolkit.lib.as_deref().map(line),
            host: pod,
            node: run.node_name.as_deref().map(line),
            ..Toolkit::default()
        },
        steady_state: run.steady_state,
        activities: run.activities,
        rollback_summary: run.rollbacks.as_ref().map(rollbacks),
        rescue: run.rescue.as_ref().map(|rescue| Rescue {
            requested_at: time(rescue.requested_at.as_ref()),
            finished_at: time(rescue.finished_at.as_ref()),
            rollbacks: rescue.rollbacks.as_ref().map(rollbacks),
            problem: rescue.problem.as_deref().map(sentence),
        }),
        ..Run::default()
    }
}

fn source(journal: Option<&JournalRef>) -> Source {
    let Some(journal) = journal else { return Source::default() };
    Source {
        problem: journal.problem.as_deref().map(sentence),
        config_map: journal.config_map.as_deref().map(line),
        truncated: journal.truncated,
        ..Source::default()
    }
}

fn rollbacks(found: &chaostoolkit_api::Rollbacks) -> RollbackSummary {
    RollbackSummary {
        strategy: found.strategy.as_deref().map(line),
        state: found.state,
        total: usize::try_from(found.total).unwrap_or_default(),
        failed: usize::try_from(found.failed).unwrap_or_default(),
    }
}

pub(crate) fn time(time: Option<&Time>) -> Option<Timestamp> {
    time.map(|time| time.0)
}

/// The word of a trigger.
pub(crate) const fn trigger(trigger: chaostoolkit_api::Trigger) -> &'static str {
    use chaostoolkit_api::Trigger;
    match trigger {
        Trigger::Created => "Created",
        Trigger::Rerun => "Rerun",
        Trigger::Schedule => "Schedule",
        Trigger::Manual => "Manual",
    }
}
