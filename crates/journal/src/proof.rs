//! Checks whether a journal proves that the run passed.
//!
//! A run that passed always leaves certain data in its journal. If they are missing, the outcome is unknown.

use std::fmt;

use crate::entry::{Entry, EntryStatus};
use crate::field::{Field, Truth};
use crate::model::{Parts, State, Status, SteadyStates};

/// A phase in which the steady state is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before the method.
    Before,
    /// During the method.
    During,
    /// After the method.
    After,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Before => "before",
            Self::During => "during",
            Self::After => "after",
        })
    }
}

/// Why a journal does not prove that the run passed, although it shows no other outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Doubt {
    /// `status` is absent, or a word that the toolkit does not use.
    Status,
    /// `status` is `failed`, and the journal does not say why.
    Failed,
    /// `interruption` is present, although `status` is not `interrupted`.
    Interruption,
    /// `deviated` is neither true nor false.
    Deviated,
    /// The experiment is missing or cannot be read.
    Experiment,
    /// The results of a phase cannot be read, or are missing although the toolkit always writes them.
    Unreadable(Phase),
    /// A phase is marked as met, although a probe is missing or out of its tolerance.
    Contradiction(Phase),
    /// There is a hypothesis, but it was never evaluated.
    NotEvaluated,
    /// The method did not run to its end.
    Method,
    /// An activity neither succeeded nor failed.
    Unfinished,
    /// An activity failed without a reason, so it may have been interrupted.
    Unexplained,
    /// The rollbacks cannot be read.
    Rollbacks,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status => f.write_str("`status` is not one of completed, failed, aborted, interrupted"),
            Self::Failed => f.write_str("`status` is failed, and the journal does not say why"),
            Self::Interruption => f.write_str("`interruption` is present, but `status` is not interrupted"),
            Self::Deviated => f.write_str("`deviated` is neither true nor false"),
            Self::Experiment => f.write_str("`experiment` is missing or cannot be read"),
            Self::Unreadable(phase) => write!(f, "`steady_states.{phase}` is missing or cannot be read"),
            Self::Contradiction(phase) => {
                write!(f, "`steady_states.{phase}` is marked as met, but not all of its probes are")
            }
            Self::NotEvaluated => f.write_str("the steady state was never evaluated"),
            Self::Method => f.write_str("the method did not run to its end"),
            Self::Unfinished => f.write_str("an activity neither succeeded nor failed"),
            Self::Unexplained => f.write_str("an activity failed without an `exception`"),
            Self::Rollbacks => f.write_str("`rollbacks` is missing or cannot be read"),
        }
    }
}

/// Returns why a journal does not prove that the run passed. Returns `None` if it does.
pub(crate) fn find_doubt(journal: &Parts) -> Option<Doubt> {
    check_passed(journal).err()
}

/// Returns whether a journal proves that the steady state was met before the method.
pub(crate) fn is_baseline_met(journal: &Parts) -> bool {
    let before = journal.steady_states.get().and_then(|states| states.before.get());
    let (Some(before), Some(probes)) = (before, journal.declared_probes()) else { return false };
    let succeeded = |probe: &Entry| probe.status == Field::Set(EntryStatus::Succeeded);
    before.probes().all(succeeded) && check_met(Phase::Before, before, probes).is_ok()
}

fn check_passed(journal: &Parts) -> Result<(), Doubt> {
    ensure(journal.status == Field::Set(Status::Completed), Doubt::Failed)?;
    ensure(!matches!(journal.interruption, Field::Set(Truth(true)) | Field::Wrong), Doubt::Interruption)?;
    ensure(journal.deviated != Field::Wrong, Doubt::Deviated)?;
    let probes = journal.declared_probes().ok_or(Doubt::Experiment)?;
    let activities = journal.declared_activities().ok_or(Doubt::Experiment)?;
    check_steady_states(journal, probes)?;
    check_method(journal, activities)?;
    check_rollbacks(journal)
}

fn check_steady_states(journal: &Parts, probes: usize) -> Result<(), Doubt> {
    let states = journal.steady_states.get().ok_or(Doubt::Unreadable(Phase::Before))?;
    for (phase, state) in [(Phase::Before, &states.before), (Phase::After, &states.after)] {
        match state {
            Field::Null => {}
            Field::Set(state) => check_met(phase, state, probes)?,
            Field::Missing | Field::Wrong => return Err(Doubt::Unreadable(phase)),
        }
    }
    check_during(journal, states, probes)?;
    let evaluated = states.evaluated().next().is_some();
    ensure(evaluated || probes == 0 || journal.skips_hypothesis(), Doubt::NotEvaluated)
}

fn check_during(journal: &Parts, states: &SteadyStates, probes: usize) -> Result<(), Doubt> {
    let unreadable = Doubt::Unreadable(Phase::During);
    if states.during == Field::Missing && predates_during(journal) {
        return Ok(());
    }
    for state in states.during.get().ok_or(unreadable)?.kinds() {
        check_met(Phase::During, state.get().ok_or(unreadable)?, probes)?;
    }
    Ok(())
}

/// Returns whether this version of the toolkit's library cannot evaluate the hypothesis during the method.
///
/// Journals of such versions have no `during`. If a journal of another version has none, it was damaged.
fn predates_during(journal: &Parts) -> bool {
    let number = |part: &str| part.parse::<u32>().ok();
    let version = journal.version.get().map(|version| version.0.split('.')).and_then(|mut parts| {
        let (major, minor) = (parts.next()?, parts.next()?);
        Some((number(major)?, number(minor)?))
    });
    version.is_some_and(|version| version < (1, 13))
}

/// The toolkit marks a state as met only if each declared probe succeeded within its tolerance.
fn check_met(phase: Phase, state: &State, declared: usize) -> Result<(), Doubt> {
    let probes = state.probes.get().ok_or(Doubt::Unreadable(phase))?;
    ensure(state.met == Field::Set(true), Doubt::Unreadable(phase))?;
    ensure(probes.len() >= declared, Doubt::Contradiction(phase))?;
    for probe in probes.kinds() {
        let probe = probe.get().ok_or(Doubt::Unreadable(phase))?;
        ensure(probe.tolerance_met != Field::Set(false), Doubt::Contradiction(phase))?;
    }
    Ok(())
}

fn check_method(journal: &Parts, declared: usize) -> Result<(), Doubt> {
    let run = &journal.run.get().ok_or(Doubt::Method)?.entries;
    ensure(run.len() >= declared, Doubt::Method)?;
    for entry in run.kinds() {
        let entry = entry.get().ok_or(Doubt::Unfinished)?;
        ensure(entry.status.get().is_some(), Doubt::Unfinished)?;
        check_explained(entry)?;
    }
    Ok(())
}

/// A rollback that did not end is no reason to doubt the outcome. The summary reports it.
fn check_rollbacks(journal: &Parts) -> Result<(), Doubt> {
    for entry in journal.rollbacks.get().ok_or(Doubt::Rollbacks)?.kinds() {
        check_explained(entry.get().ok_or(Doubt::Rollbacks)?)?;
    }
    Ok(())
}

/// Older versions record an interruption as a failure, so a failure without a reason may be an interruption.
fn check_explained(entry: &Entry) -> Result<(), Doubt> {
    let failed = entry.status == Field::Set(EntryStatus::Failed);
    ensure(entry.exception.get().is_some() || (!failed && entry.exception.is_absent()), Doubt::Unexplained)
}

fn ensure(holds: bool, doubt: Doubt) -> Result<(), Doubt> {
    if holds { Ok(()) } else { Err(doubt) }
}
