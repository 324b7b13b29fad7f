//! Judges a run: turns a [`Journal`] into a [`Verdict`].

use crate::entry::{Entry, EntryStatus, Exception};
use crate::field::{Field, Truth};
use crate::folded::Folded;
use crate::model::{Journal, Parts, State, Status};
use crate::outcome::{Outcome, Warning};
use crate::proof::{Doubt, find_doubt, is_baseline_met};
use crate::result::rate;

/// The judgment of a run by its journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The outcome of the run.
    pub outcome: Outcome,
    /// The warnings that qualify the outcome, sorted.
    pub warnings: Vec<Warning>,
    /// Whether the run answers the question that the experiment asks.
    pub conclusive: bool,
    /// Why the outcome is [`Unknown`](Outcome::Unknown), if it is.
    pub doubt: Option<Doubt>,
}

/// Judges a run by its journal. The documentation of this crate lists the rules.
#[must_use]
pub fn classify(journal: &Journal) -> Verdict {
    let journal = &journal.parts;
    let (outcome, doubt) = match determine_outcome(journal) {
        Ok(outcome) => (outcome, None),
        Err(doubt) => (Outcome::Unknown, Some(doubt)),
    };
    let warnings = warnings(journal, outcome);
    let conclusive = rate(outcome, &warnings).conclusive;
    Verdict { outcome, warnings, conclusive, doubt }
}

fn determine_outcome(journal: &Parts) -> Result<Outcome, Doubt> {
    let status = journal.status.get();
    if status == Some(&Status::Interrupted) || has_interrupted_activity(journal) {
        return Ok(Outcome::Interrupted);
    }
    if status == Some(&Status::Aborted) {
        return Ok(Outcome::Aborted);
    }
    if status.is_none() {
        return Err(Doubt::Status);
    }
    if has_failed_probe(journal) {
        let is_deviation = journal.deviated == Field::Set(true) && is_baseline_met(journal);
        return Ok(if is_deviation { Outcome::Deviated } else { Outcome::ProbeError });
    }
    let not_met = |state: &State| state.met == Field::Set(false);
    if journal.steady_states.get().and_then(|states| states.before.get()).is_some_and(not_met) {
        return Ok(Outcome::BaselineNotMet);
    }
    if journal.evaluated_states().any(not_met) || journal.deviated == Field::Set(true) {
        return Ok(Outcome::Deviated);
    }
    find_doubt(journal).map_or(Ok(Outcome::Passed), Err)
}

/// Returns whether the journal reports an interruption as the failure of an activity.
fn has_interrupted_activity(journal: &Parts) -> bool {
    let probes = journal.evaluated_states().flat_map(State::probes);
    let mut entries = journal.method_entries().chain(journal.rollback_entries()).chain(probes);
    entries.any(|entry| matches!(entry.exception, Field::Set(Exception { interruption: true })))
}

/// Returns whether a probe of the hypothesis did not succeed, in any phase.
fn has_failed_probe(journal: &Parts) -> bool {
    let mut probes = journal.evaluated_states().flat_map(State::probes);
    probes.any(|probe| probe.status != Field::Set(EntryStatus::Succeeded))
}

fn warnings(journal: &Parts, outcome: Outcome) -> Vec<Warning> {
    let failed = |entry: &Entry| entry.status == Field::Set(EntryStatus::Failed);
    let played = journal.rollbacks.get().map_or(0, Folded::len);
    let dry = journal.experiment.get().map_or(&Field::Missing, |experiment| &experiment.dry);
    // A hypothesis that cannot be read counts as none.
    let judged = journal.declared_probes().is_some_and(|probes| probes > 0);
    let skipped = journal.skips_hypothesis() && journal.evaluated_states().next().is_none();
    [
        (Warning::ActivityFailed, journal.method_entries().any(failed)),
        (Warning::RollbackFailed, journal.rollback_entries().any(failed)),
        (Warning::RollbacksNotPlayed, journal.declared_rollbacks().is_some_and(|declared| played < declared)),
        (Warning::NoHypothesis, !judged || skipped),
        (Warning::DryRun, *dry == Field::Set(Truth(true))),
        (Warning::ProbeFailed, outcome == Outcome::Deviated && has_failed_probe(journal)),
    ]
    .into_iter()
    .filter_map(|(warning, applies)| applies.then_some(warning))
    .collect()
}
