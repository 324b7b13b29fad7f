//! What other servers are told of runs, by the difference between two statuses: pure.
//!
//! It follows what is recorded, so nobody is told of anything that a restart would forget.

use crate::experiment::intent::Intent;
use crate::experiment::status::new_runs::is_new;
use crate::experiment::status::{rescue_due, rollbacks_missing};
use crate::outbound::facts::{EndFacts, RunFacts, Told, What};
use chaostoolkit_api::condition::{self, Type};
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Experiment, Outcome, PastRun, Phase, Run, Status, Text};

/// What happened from one status to the next, in its order.
#[must_use]
pub fn told(experiment: &Experiment, (old, new): (&Status, &Status), intent: &Intent) -> Vec<Told> {
    let mut told = Vec::new();
    if let Some(run) = new.run.as_ref().filter(|run| run.finished_at.is_none() && has_started(run, old)) {
        told.push(Told { what: What::Started, run: facts(experiment, new, run, None) });
    }
    let ended = ended(old, new);
    for (run, end) in ended {
        let outcome = end.outcome;
        let facts = facts(experiment, new, run, Some(end));
        if has_started(run, old) {
            told.push(Told {
                what: What::Started,
                run: RunFacts { finished_at: None, end: None, ..facts.clone() },
            });
        }
        told.push(Told { what: What::Finished, run: facts.clone() });
        if new.schedule.is_some() && rollbacks_missing::are_missing(outcome, run) {
            told.push(Told { what: What::RollbacksMissing, run: facts });
        }
    }
    told.extend(missing(old, new, intent).map(|(run, end)| {
        let run = facts(experiment, new, run, Some(end));
        Told { what: What::RollbacksMissing, run }
    }));
    told
}

/// The runs that have ended and whose journal is kept, or will not be, since this status.
#[must_use]
pub fn settled(experiment: &Experiment, old: &Status, new: &Status) -> Vec<RunFacts> {
    let is_settled = |run: &Run| run.finished_at.is_some() && !run.is_journal_due();
    if new.schedule.is_none() {
        let was = old.run.as_ref().filter(|was| old.is_finished() && is_settled(was));
        let run = new.run.as_ref().filter(|run| new.is_finished() && is_settled(run));
        let run = run.filter(|run| is_run(new) && was.is_none_or(|was| id(was) != id(run)));
        return run.map(|run| facts(experiment, new, run, Some(present(new)))).into_iter().collect();
    }
    let was_settled =
        |past: &PastRun| old.history.iter().any(|was| id(&was.run) == id(&past.run) && is_settled(&was.run));
    let settled = new
        .history
        .iter()
        .rev()
        .filter(|past| past.phase != Phase::Skipped && is_settled(&past.run) && !was_settled(past));
    let settled = settled.filter(|_| old.schedule.is_some());
    settled.map(|past| facts(experiment, new, &past.run, Some(of_past(past)))).collect()
}

/// Whether a run has started that had not started before.
fn has_started(run: &Run, old: &Status) -> bool {
    let was_known = |was: &Run| was.pod_uid == run.pod_uid && was.started_at.is_some();
    run.started_at.is_some() && run.pod_uid.is_some() && !old.run.as_ref().is_some_and(was_known)
}

/// The runs that have ended since the old status.
fn ended<'a>(old: &Status, new: &'a Status) -> Vec<(&'a Run, EndFacts)> {
    let run = new.run.as_ref().filter(|_| new.is_finished() && !old.is_finished() && is_run(new));
    let present = run.map(|run| (run, present(new)));
    let past = new.history.iter().rev().filter(|past| past.phase != Phase::Skipped && is_new(past, old));
    present.into_iter().chain(past.map(|past| (&past.run, of_past(past)))).collect()
}

/// Whether what has ended was a run of this operator, and none that was skipped.
fn is_run(status: &Status) -> bool {
    let finished = condition::find(&status.conditions, Type::Finished);
    status.phase != Some(Phase::Skipped)
        && finished.is_none_or(|finished| finished.reason != Reason::Adopted.as_str())
}

/// The run without a schedule whose rollbacks are missing for good since the old status. An edit that forbids the rescue of a
/// run before it begins has the same effect as a rescue that fails.
fn missing<'a>(old: &Status, new: &'a Status, intent: &Intent) -> Option<(&'a Run, EndFacts)> {
    let is_missing = |status: &Status| {
        let outcome = status.outcome.unwrap_or_default();
        status.is_finished()
            && status.run.as_ref().is_some_and(|run| rollbacks_missing::are_missing(outcome, run))
            && !rescue_due::is_open(status, intent)
    };
    // Only an edit tells that the rescue was not always forbidden. Who is told twice gets the same id twice.
    let is_forbidden = |run: &Run| {
        old.observed_generation != new.observed_generation
            && run.rescue.is_none()
            && rescue_due::is_needed(new.outcome.unwrap_or_default(), run)
    };
    let is_new = |run: &Run| is_missing(new) && is_run(new) && (!is_missing(old) || is_forbidden(run));
    new.run.as_ref().filter(|run| is_new(run)).map(|run| (run, present(new)))
}

/// What tells a run from the others of its experiment.
fn id(run: &Run) -> String {
    let named = run.pod_uid.clone().or_else(|| run.job_name.clone());
    named.unwrap_or_else(|| run.number.to_string())
}

fn facts(experiment: &Experiment, status: &Status, run: &Run, end: Option<EndFacts>) -> RunFacts {
    RunFacts {
        experiment: experiment.name().to_owned(),
        namespace: experiment.namespace().to_owned(),
        uid: experiment.uid().to_owned(),
        id: id(run),
        run: run.number,
        trigger: run.trigger,
        title: run.experiment.title.clone(),
        run_namespace: status.run_namespace.clone(),
        job_name: run.job_name.clone(),
        pod_name: Some(run.pod_name.clone()).filter(|name| !name.is_empty()),
        pod_uid: run.pod_uid.clone(),
        node_name: run.node_name.clone(),
        started_at: run.started_at.clone(),
        finished_at: run.finished_at.clone(),
        end,
    }
}

/// How the run of the status ended.
fn present(status: &Status) -> EndFacts {
    // While the experiment is deleted, its phase and reason are those of that.
    let finished = condition::find(&status.conditions, Type::Finished);
    let reason = finished.map(|finished| finished.reason.clone()).or_else(|| status.reason.clone());
    let message = finished.map(|finished| finished.message.clone()).or_else(|| status.message.clone());
    EndFacts {
        phase: status.phase,
        outcome: status.outcome.unwrap_or(Outcome::Unknown),
        result: status.result,
        reason: reason.unwrap_or_default(),
        message: condition::short(&message.unwrap_or_default()),
        warnings: status.warnings.clone(),
        rollbacks: status
            .run
            .as_ref()
            .and_then(|run| run.rollbacks.as_ref())
            .map(|rollbacks| rollbacks.state),
    }
}

/// How a run of a schedule ended.
fn of_past(past: &PastRun) -> EndFacts {
    EndFacts {
        phase: Some(past.phase),
        outcome: past.outcome,
        result: past.result,
        reason: past.reason.clone(),
        message: condition::short(past.message.as_deref().unwrap_or_default()),
        warnings: past.warnings.clone(),
        rollbacks: past.run.rollbacks.as_ref().map(|rollbacks| rollbacks.state),
    }
}

#[cfg(test)]
#[path = "told_tests.rs"]
mod tests;
