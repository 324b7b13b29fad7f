//! Reads runs from the status of an experiment.

use chaostoolkit_api::{Experiment, JournalRef, PastRun, Phase, Status};
use chaostoolkit_journal::{Outcome, RunResult, Warning, redact};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::model::{Declared, Rescue, RollbackSummary, Run, Source, Toolkit};
use crate::redact::{MAX_NAME, MAX_TEXT};
use crate::text;

/// What the status says about a run besides the run itself.
struct Judgment<'a> {
    phase: Option<Phase>,
    outcome: Option<Outcome>,
    result: Option<RunResult>,
    conclusive: bool,
    warnings: &'a [Warning],
    reason: Option<&'a str>,
    message: Option<&'a str>,
}

impl Run {
    /// Reads all runs that the status of an experiment has: the current or last one, and those of the history. The oldest
    /// is first. Returns none if there is no status.
    ///
    /// The runs have no activities. [`join`](crate::join()) adds them from the journals.
    #[must_use]
    pub fn from_status(experiment: &Experiment) -> Vec<Self> {
        let Some(status) = &experiment.status else { return Vec::new() };
        let past = status.history.iter().rev().map(|past| from_past(experiment, past));
        let mut runs: Vec<Self> = past.collect();
        if let Some(current) = current(experiment, status) {
            // The last run of a schedule may be in both.
            runs.retain(|run| current.number != run.number || current.number == Some(0));
            runs.push(current);
        }
        runs
    }
}

fn current(experiment: &Experiment, status: &Status) -> Option<Run> {
    let judgment = Judgment {
        phase: status.phase,
        outcome: status.outcome,
        result: status.result,
        conclusive: status.conclusive.unwrap_or_default(),
        warnings: &status.warnings,
        reason: status.reason.as_deref(),
        message: status.message.as_deref(),
    };
    match &status.run {
        Some(run) => Some(from_run(experiment, run, &judgment)),
        // A schedule has its runs in the history alone.
        None if status.schedule.is_some() => None,
        None => Some(from_run(experiment, &chaostoolkit_api::Run::default(), &judgment)),
    }
}

fn from_past(experiment: &Experiment, past: &PastRun) -> Run {
    let judgment = Judgment {
        phase: Some(past.phase),
        outcome: (past.phase != Phase::Skipped).then_some(past.outcome),
        result: past.result,
        conclusive: past.conclusive,
        warnings: &past.warnings,
        reason: Some(&past.reason),
        message: past.message.as_deref(),
    };
    from_run(experiment, &past.run, &judgment)
}

fn from_run(experiment: &Experiment, run: &chaostoolkit_api::Run, judgment: &Judgment) -> Run {
    let rollbacks = run.rollbacks.as_ref().map(rollbacks);
    Run {
        name: Some(line(experiment.name())),
        namespace: Some(line(experiment.namespace())).filter(|namespace| !namespace.is_empty()),
        id: run.pod_uid.as_deref().map(line),
        number: Some(run.number),
        source: Source { status: true, ..source(run.journal.as_ref()) },
        trigger: Some(run.trigger),
        requested_by: run.requested_by.as_deref().map(line),
        requested_at: time(run.requested_at.as_ref()),
        started_at: time(run.started_at.as_ref()),
        finished_at: time(run.finished_at.as_ref()),
        #[allow(clippy::cast_precision_loss, reason = "seconds")]
        duration_seconds: run
            .duration_seconds
            .map(|seconds| seconds as f64)
            .filter(|seconds| *seconds >= 0.0),
        phase: judgment.phase,
        outcome: judgment.outcome,
        result: judgment.result,
        conclusive: judgment.conclusive,
        warnings: judgment.warnings.to_vec(),
        reason: judgment.reason.map(line).filter(|reason| !reason.is_empty()),
        message: judgment.message.map(sentence).filter(|message| !message.is_empty()),
        experiment: Declared {
            title: run.experiment.title.as_deref().map(line),
            source: run.experiment.source.as_deref().map(line),
            sha256: run.experiment.sha256.as_deref().map(line),
            ..Declared::default()
        },
        toolkit: Toolkit {
            version: run.toolkit.version.as_deref().map(line),
            lib: run.toolkit.lib.as_deref().map(line),
            host: Some(line(&run.pod_name)).filter(|pod| !pod.is_empty()),
            node: run.node_name.as_deref().map(line),
            ..Toolkit::default()
        },
        steady_state: run.steady_state,
        rollback_summary: rollbacks,
        rescue: run.rescue.as_ref().map(|rescue| Rescue {
            requested_at: time(rescue.requested_at.as_ref()),
            finished_at: time(rescue.finished_at.as_ref()),
            rollbacks: rescue.rollbacks.as_ref().map(self::rollbacks),
            problem: rescue.problem.as_deref().map(sentence),
        }),
        ..Run::default()
    }
}

fn source(journal: Option<&JournalRef>) -> Source {
    let Some(journal) = journal else { return Source::default() };
    Source {
        problem: journal.problem.as_deref().map(sentence),
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

fn time(time: Option<&Time>) -> Option<Timestamp> {
    time.map(|time| time.0)
}

fn line(found: &str) -> String {
    text::cut(&text::one_line(found), MAX_NAME)
}

/// A sentence of the operator may quote an answer with a secret.
fn sentence(found: &str) -> String {
    text::cut(&redact(&text::one_line(found)), MAX_TEXT)
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
