//! Joins what the status and the journal say about one run.

use crate::model::{Declared, Run, Source, Toolkit};

/// Joins runs of statuses with runs of journals. The result has the runs of the statuses in their order, each with its
/// journal if there is one, and then the journals that no status knows, such as those of deleted experiments.
///
/// A journal belongs to a status if both have the same pod, or, if one of them does not name it, the same experiment and
/// number. The outcome is that of the status, since the operator also sees what became of the pod.
#[must_use]
pub fn join(statuses: Vec<Run>, journals: Vec<Run>) -> Vec<Run> {
    let mut open: Vec<Option<Run>> = journals.into_iter().map(Some).collect();
    let mut runs: Vec<Run> = Vec::new();
    for status in statuses {
        // Of several starts of the toolkit, the first one that is listed decides.
        let found =
            open.iter_mut().find(|journal| journal.as_ref().is_some_and(|journal| is_same(&status, journal)));
        runs.push(match found.and_then(Option::take) {
            Some(journal) => both(status, journal),
            None => status,
        });
    }
    runs.extend(open.into_iter().flatten());
    runs
}

fn is_same(status: &Run, journal: &Run) -> bool {
    if journal.start_number.is_some() {
        return false;
    }
    if let (Some(one), Some(other)) = (&status.id, &journal.id) {
        return one == other;
    }
    let name = |run: &Run| Some((run.name.clone()?, run.namespace.clone(), run.number?));
    name(status).is_some() && name(status) == name(journal)
}

fn both(status: Run, journal: Run) -> Run {
    let is_judged = status.outcome.is_some();
    Run {
        source: Source {
            journal: journal.source.journal.clone(),
            truncated: journal.source.truncated,
            ..status.source
        },
        exit_code: status.exit_code,
        pod: status.pod,
        activities: status.activities,
        // The toolkit measures more exactly, and its offsets start there.
        started_at: journal.started_at.or(status.started_at),
        finished_at: journal.finished_at.or(status.finished_at),
        duration_seconds: journal.duration_seconds.or(status.duration_seconds),
        outcome: status.outcome.or(journal.outcome),
        result: if is_judged { status.result } else { journal.result },
        conclusive: if is_judged { status.conclusive } else { journal.conclusive },
        warnings: if is_judged { status.warnings } else { journal.warnings.clone() },
        experiment: Declared {
            source: status.experiment.source,
            sha256: status.experiment.sha256,
            spec_hash: status.experiment.spec_hash,
            ..journal.experiment.clone()
        },
        toolkit: Toolkit {
            version: status.toolkit.version,
            node: status.toolkit.node,
            ..journal.toolkit.clone()
        },
        // A strategy on the command line is on the status alone.
        rollback_summary: status.rollback_summary.or_else(|| journal.rollback_summary.clone()),
        steady_state: journal.steady_state.or(status.steady_state),
        name: status.name,
        namespace: status.namespace,
        id: status.id,
        number: status.number,
        trigger: status.trigger,
        requested_by: status.requested_by,
        requested_at: status.requested_at,
        phase: status.phase,
        reason: status.reason,
        message: status.message,
        rescue: status.rescue,
        ..journal
    }
}
