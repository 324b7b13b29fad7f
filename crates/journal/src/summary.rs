//! What of a journal fits into a termination message, and may be in one.

use serde::{Deserialize, Serialize};

use crate::classify::{Outcome, Verdict, Warning, classify};
use crate::field::{Field, ShortText, shorten};
use crate::model::{Entry, EntryStatus, Journal, State, Status};

/// A run in a few lines. See [`to_json`](Summary::to_json).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Summary {
    /// What the run found.
    pub outcome: Outcome,
    /// What that leaves open.
    pub warnings: Vec<Warning>,
    /// Whether it answers the question that the experiment asks.
    pub conclusive: bool,
    /// Why the outcome is unknown, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
    /// How the toolkit says that the run ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Whether the toolkit says that the system deviated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deviated: Option<bool>,
    /// Whether the steady state held.
    pub steady_state: SteadyStates,
    /// Counts of the method.
    pub activities: Activities,
    /// Counts of the rollbacks.
    pub rollbacks: Rollbacks,
    /// What ran it.
    pub toolkit: Toolkit,
    /// What was run.
    pub experiment: Experiment,
    /// When the run started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    /// How long it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<f64>,
    /// The activities of the method that were started.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// How many of them did not fit.
    #[serde(skip_serializing_if = "is_zero")]
    pub steps_omitted: usize,
}

/// Whether the steady state held, by phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SteadyStates {
    /// Before the method.
    pub before: SteadyState,
    /// During the method: if it did not hold once, it did not hold.
    pub during: SteadyState,
    /// After the method.
    pub after: SteadyState,
}

/// Whether the steady state held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SteadyState {
    /// It held.
    Met,
    /// It did not.
    NotMet,
    /// A probe could not be executed.
    ProbeError,
    /// It was not looked at.
    NotEvaluated,
    /// The journal does not say.
    #[default]
    Unknown,
}

impl SteadyState {
    /// All there are.
    pub const ALL: [Self; 5] = [Self::Met, Self::NotMet, Self::ProbeError, Self::NotEvaluated, Self::Unknown];
}

/// Counts of the method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Activities {
    /// How many there are to run.
    pub total: usize,
    /// How many were started.
    pub played: usize,
    /// How many succeeded.
    pub succeeded: usize,
    /// How many failed.
    pub failed: usize,
}

/// Counts of the rollbacks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rollbacks {
    /// The strategy that the experiment asks for. One on the command line goes before it, and is in no journal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<String>,
    /// How they went.
    pub state: RollbackState,
    /// How many there are to play.
    pub total: usize,
    /// How many were started.
    pub played: usize,
    /// How many failed.
    pub failed: usize,
}

/// How the rollbacks went. The first that applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RollbackState {
    /// There are none.
    NoneDeclared,
    /// None was started.
    NotPlayed,
    /// At least one failed.
    Failed,
    /// At least one was started and has no end: it was interrupted.
    Unfinished,
    /// Some were not started.
    Partial,
    /// All succeeded.
    Played,
    /// The journal does not say.
    #[default]
    Unknown,
}

impl RollbackState {
    /// All there are.
    pub const ALL: [Self; 7] = [
        Self::NoneDeclared,
        Self::NotPlayed,
        Self::Failed,
        Self::Unfinished,
        Self::Partial,
        Self::Played,
        Self::Unknown,
    ];
}

/// What ran the experiment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Toolkit {
    /// The version of its library.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lib: Option<String>,
}

/// What was run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Experiment {
    /// Its title, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// An activity of the method.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its name, shortened.
    pub name: String,
    /// How it ended.
    pub status: StepStatus,
}

/// How an activity ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepStatus {
    /// As it should. A process that exits with an error has succeeded, for the toolkit.
    Succeeded,
    /// With an error.
    Failed,
    /// Not at all: it was interrupted.
    Unfinished,
}

/// How long the name of an activity is at most, in characters.
const MAX_NAME_CHARS: usize = 64;
/// How long a word is at most that has no reason to be long.
const MAX_WORD_CHARS: usize = 32;

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Summary {
    /// Sums a journal up.
    #[must_use]
    pub fn of(journal: &Journal) -> Self {
        let Verdict { outcome, warnings, conclusive, doubt } = classify(journal);
        let title = journal.experiment.get().and_then(|experiment| experiment.title.get());
        let (start, end) = (journal.start.get(), journal.end.get());
        let between = || Some(end?.duration_since(*start?).as_secs_f64());
        let duration = journal.duration.get().copied().or_else(between).filter(|seconds| *seconds >= 0.0);
        Self {
            outcome,
            warnings,
            conclusive,
            doubt: doubt.map(|doubt| doubt.to_string()),
            status: journal.status.get().copied(),
            deviated: journal.deviated.get().copied(),
            steady_state: steady_states(journal),
            activities: activities(journal),
            rollbacks: rollbacks(journal),
            toolkit: Toolkit { lib: journal.version.get().map(short_word) },
            experiment: Experiment { title: title.map(|title| title.0.clone()) },
            started_at: start.map(ToString::to_string),
            finished_at: end.map(ToString::to_string),
            duration_seconds: duration.map(|seconds| (seconds * 1e3).round() / 1e3),
            steps: journal.method_entries().map(step).collect(),
            steps_omitted: 0,
        }
    }
}

fn short_word(label: &ShortText) -> String {
    shorten(&label.0, MAX_WORD_CHARS)
}

fn steady_states(journal: &Journal) -> SteadyStates {
    let Some(states) = journal.steady_states.get() else { return SteadyStates::default() };
    let during = match &states.during {
        // Versions that could not evaluate it have no key for it.
        Field::Missing | Field::Null => SteadyState::NotEvaluated,
        Field::Wrong => SteadyState::Unknown,
        Field::Set(states) => states.iter().map(steady_state).fold(SteadyState::NotEvaluated, worse),
    };
    SteadyStates { before: steady_state(&states.before), during, after: steady_state(&states.after) }
}

fn steady_state(state: &Field<State>) -> SteadyState {
    match state {
        Field::Missing | Field::Wrong => SteadyState::Unknown,
        Field::Null => SteadyState::NotEvaluated,
        Field::Set(state) => match state.met {
            _ if state.probes().any(|probe| probe.status != Field::Set(EntryStatus::Succeeded)) => {
                SteadyState::ProbeError
            }
            Field::Set(true) => SteadyState::Met,
            Field::Set(false) => SteadyState::NotMet,
            Field::Missing | Field::Null | Field::Wrong => SteadyState::Unknown,
        },
    }
}

fn worse(one: SteadyState, other: SteadyState) -> SteadyState {
    let rank = |state| match state {
        SteadyState::NotEvaluated => 0,
        SteadyState::Met => 1,
        SteadyState::Unknown => 2,
        SteadyState::NotMet => 3,
        SteadyState::ProbeError => 4,
    };
    if rank(other) > rank(one) { other } else { one }
}

fn activities(journal: &Journal) -> Activities {
    let played = journal.run.get().map_or(0, Vec::len);
    Activities {
        total: journal.declared_activities().unwrap_or_default().max(played),
        played,
        succeeded: count(journal.method_entries(), EntryStatus::Succeeded),
        failed: count(journal.method_entries(), EntryStatus::Failed),
    }
}

fn rollbacks(journal: &Journal) -> Rollbacks {
    let runtime = journal.experiment.get().and_then(|experiment| experiment.runtime.get());
    let strategy = runtime.and_then(|runtime| runtime.rollbacks.get()?.strategy.get());
    let played = journal.rollbacks.get().map_or(0, Vec::len);
    let total = journal.declared_rollbacks().unwrap_or_default().max(played);
    let failed = count(journal.rollback_entries(), EntryStatus::Failed);
    let succeeded = count(journal.rollback_entries(), EntryStatus::Succeeded);
    let state = match () {
        () if journal.rollbacks.get().is_none() || journal.declared_rollbacks().is_none() => {
            RollbackState::Unknown
        }
        () if total == 0 => RollbackState::NoneDeclared,
        () if played == 0 => RollbackState::NotPlayed,
        () if failed > 0 => RollbackState::Failed,
        () if succeeded < played => RollbackState::Unfinished,
        () if played < total => RollbackState::Partial,
        () => RollbackState::Played,
    };
    Rollbacks { strategy: strategy.map(short_word), state, total, played, failed }
}

fn count<'a>(entries: impl Iterator<Item = &'a Entry>, status: EntryStatus) -> usize {
    entries.filter(|entry| entry.status == Field::Set(status)).count()
}

fn step(entry: &Entry) -> Step {
    let name = entry.activity.get().and_then(|activity| activity.name.get());
    Step {
        name: name.map(|name| shorten(&name.0, MAX_NAME_CHARS)).unwrap_or_default(),
        status: match entry.status.get() {
            Some(EntryStatus::Succeeded) => StepStatus::Succeeded,
            Some(EntryStatus::Failed) => StepStatus::Failed,
            None => StepStatus::Unfinished,
        },
    }
}
