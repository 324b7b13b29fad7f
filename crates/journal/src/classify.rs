//! From a [`Journal`] to a [`Verdict`].

use serde::{Deserialize, Serialize};

use crate::field::{Field, Truth};
use crate::model::{Entry, EntryStatus, Exception, Journal, State, Status};
use crate::proof::{Doubt, find_doubt};

/// What a run found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// The steady state held whenever it was evaluated.
    Passed,
    /// It held before the method, and did not during or after it.
    Deviated,
    /// It did not hold before the method, which then did not run.
    BaselineNotMet,
    /// A probe of it could not be executed, so nobody knows whether it held.
    ProbeError,
    /// The run met an error that nobody had foreseen.
    Aborted,
    /// A signal or a control ended the run.
    Interrupted,
    /// The toolkit refused the experiment. Comes from elsewhere: there is no journal then.
    Invalid,
    /// The platform ended the run. Comes from elsewhere.
    Error,
    /// What there is does not show it.
    #[default]
    Unknown,
}

impl Outcome {
    /// All there are.
    pub const ALL: [Self; 9] = [
        Self::Passed,
        Self::Deviated,
        Self::BaselineNotMet,
        Self::ProbeError,
        Self::Aborted,
        Self::Interrupted,
        Self::Invalid,
        Self::Error,
        Self::Unknown,
    ];

    /// Its name, as in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "Passed",
            Self::Deviated => "Deviated",
            Self::BaselineNotMet => "BaselineNotMet",
            Self::ProbeError => "ProbeError",
            Self::Aborted => "Aborted",
            Self::Interrupted => "Interrupted",
            Self::Invalid => "Invalid",
            Self::Error => "Error",
            Self::Unknown => "Unknown",
        }
    }
}

/// What an outcome leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Warning {
    /// An activity of the method failed: the fault may not have been injected.
    ActivityFailed,
    /// A rollback failed: the fault may still be there.
    RollbackFailed,
    /// Not all rollbacks were played: the fault may still be there.
    RollbacksNotPlayed,
    /// Nothing was there to judge the system by.
    NoHypothesis,
    /// Activities were not executed.
    DryRun,
}

impl Warning {
    /// All there are.
    pub const ALL: [Self; 5] = [
        Self::ActivityFailed,
        Self::RollbackFailed,
        Self::RollbacksNotPlayed,
        Self::NoHypothesis,
        Self::DryRun,
    ];
}

/// What a journal says about a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What the run found.
    pub outcome: Outcome,
    /// What that leaves open, sorted.
    pub warnings: Vec<Warning>,
    /// Whether it answers the question that the experiment asks.
    pub conclusive: bool,
    /// Why the outcome is [`Unknown`](Outcome::Unknown), if it is.
    pub doubt: Option<Doubt>,
}

/// Judges a run by its journal. The rules are in the documentation of this crate.
#[must_use]
pub fn classify(journal: &Journal) -> Verdict {
    let (outcome, doubt) = match determine_outcome(journal) {
        Ok(outcome) => (outcome, None),
        Err(doubt) => (Outcome::Unknown, Some(doubt)),
    };
    let warnings = warnings(journal);
    let conclusive = matches!(outcome, Outcome::Passed | Outcome::Deviated)
        && warnings
            .iter()
            .all(|warning| matches!(warning, Warning::RollbackFailed | Warning::RollbacksNotPlayed));
    Verdict { outcome, warnings, conclusive, doubt }
}

fn determine_outcome(journal: &Journal) -> Result<Outcome, Doubt> {
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
    let succeeded = |probe: &Entry| probe.status == Field::Set(EntryStatus::Succeeded);
    if !journal.evaluated_states().flat_map(State::probes).all(succeeded) {
        return Ok(Outcome::ProbeError);
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

/// Whether an interruption passed for the failure of an activity.
fn has_interrupted_activity(journal: &Journal) -> bool {
    let probes = journal.evaluated_states().flat_map(State::probes);
    let mut entries = journal.method_entries().chain(journal.rollback_entries()).chain(probes);
    entries.any(|entry| matches!(entry.exception, Field::Set(Exception { interruption: true })))
}

fn warnings(journal: &Journal) -> Vec<Warning> {
    let failed = |entry: &Entry| entry.status == Field::Set(EntryStatus::Failed);
    let played = journal.rollbacks.get().map_or(0, Vec::len);
    let dry = journal.experiment.get().map_or(&Field::Missing, |experiment| &experiment.dry);
    // Without a hypothesis that can be read, nothing shows that there was one.
    let judged = journal.declared_probes().is_some_and(|probes| probes > 0);
    let skipped = journal.skips_hypothesis() && journal.evaluated_states().next().is_none();
    [
        (Warning::ActivityFailed, journal.method_entries().any(failed)),
        (Warning::RollbackFailed, journal.rollback_entries().any(failed)),
        (Warning::RollbacksNotPlayed, journal.declared_rollbacks().is_some_and(|declared| played < declared)),
        (Warning::NoHypothesis, !judged || skipped),
        (Warning::DryRun, *dry == Field::Set(Truth(true))),
    ]
    .into_iter()
    .filter_map(|(warning, applies)| applies.then_some(warning))
    .collect()
}
