//! The summary of a journal: the parts that fit into a termination message and hold no secrets.

use serde::{Deserialize, Serialize};

use crate::classify::{Verdict, classify};
use crate::detail::Detail;
use crate::entry::{Entry, EntryStatus};
use crate::field::{Field, ShortText, shorten};
use crate::folded::Folded;
use crate::forbidden::Forbidden;
use crate::model::{Journal, Parts, State, Status};
use crate::outcome::{Outcome, Warning};
use crate::step::Step;

/// The summary of a run. See [`to_json`](Summary::to_json).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Summary {
    /// The outcome of the run.
    pub outcome: Outcome,
    /// The warnings that qualify the outcome.
    pub warnings: Vec<Warning>,
    /// Whether the run answers the question that the experiment asks.
    pub conclusive: bool,
    /// Why the outcome is unknown, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
    /// The status of the run as the toolkit reports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Whether the toolkit reports that the system deviated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deviated: Option<bool>,
    /// Whether the steady state was met, by phase.
    pub steady_state: SteadyStates,
    /// The counts of the activities of the method.
    pub activities: Activities,
    /// The counts of the rollbacks.
    pub rollbacks: Rollbacks,
    /// The toolkit that ran the experiment.
    pub toolkit: Toolkit,
    /// The experiment.
    pub experiment: Experiment,
    /// The time when the run started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// The time when the run ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    /// The duration of the run in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<f64>,
    /// The activity that decided the run, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<Detail>,
    /// The rights that activities lacked, each once. At most 8.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub forbidden: Vec<Forbidden>,
    /// The activities of the method that were started.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// The number of activities that were started but left out, since they did not fit.
    #[serde(skip_serializing_if = "crate::zero::is_zero")]
    pub steps_omitted: usize,
}

/// Whether the steady state was met, by phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SteadyStates {
    /// Before the method.
    pub before: SteadyState,
    /// During the method. The worst result counts if there are several evaluations.
    pub during: SteadyState,
    /// After the method.
    pub after: SteadyState,
}

/// Whether the steady state was met.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
pub enum SteadyState {
    /// The steady state was met.
    Met,
    /// The steady state was not met.
    NotMet,
    /// A probe could not be executed.
    ProbeError,
    /// The steady state was not evaluated.
    NotEvaluated,
    /// The journal does not show it.
    #[default]
    Unknown,
}

/// The counts of the activities of the method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Activities {
    /// The number of activities in the method.
    pub total: usize,
    /// The number of activities that were started.
    pub played: usize,
    /// The number of activities that succeeded.
    pub succeeded: usize,
    /// The number of activities that failed.
    pub failed: usize,
}

/// The state and the counts of the rollbacks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rollbacks {
    /// The strategy that the experiment asks for. One on the command line overrides it, and is in no journal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<String>,
    /// The state of the rollbacks as a whole.
    pub state: RollbackState,
    /// The number of rollbacks in the experiment.
    pub total: usize,
    /// The number of rollbacks that were started.
    pub played: usize,
    /// The number of rollbacks that failed.
    pub failed: usize,
}

/// The state of the rollbacks as a whole. The first one that applies is used.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
pub enum RollbackState {
    /// The experiment declares no rollbacks.
    NoneDeclared,
    /// No rollback was started.
    NotPlayed,
    /// At least one rollback failed.
    Failed,
    /// At least one rollback was started and did not end, since it was interrupted.
    Unfinished,
    /// Some rollbacks were not started.
    Partial,
    /// All rollbacks succeeded.
    Played,
    /// The journal does not show it.
    #[default]
    Unknown,
}

/// The toolkit that ran the experiment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Toolkit {
    /// The version of `chaostoolkit-lib`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lib: Option<String>,
}

/// The experiment that was run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Experiment {
    /// The title, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// The maximum length of other words, such as a version or a strategy, in characters.
const MAX_WORD_CHARS: usize = 32;

impl Summary {
    /// Summarizes a journal.
    #[must_use]
    pub fn of(journal: &Journal) -> Self {
        let Verdict { outcome, mut warnings, conclusive, doubt } = classify(journal);
        let Journal { parts: journal, detail, forbidden } = journal;
        if !forbidden.is_empty() {
            warnings.push(Warning::ActivityForbidden);
        }
        let steps = journal.run.get().map(|method| method.steps.clone()).unwrap_or_default();
        let readable = journal.run.get().map_or(0, |method| method.entries.count_readable());
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
            detail: detail.clone(),
            forbidden: forbidden.clone(),
            steps_omitted: readable.saturating_sub(steps.len()),
            steps,
        }
    }
}

fn short_word(text: &ShortText) -> String {
    shorten(&text.0, MAX_WORD_CHARS)
}

fn steady_states(journal: &Parts) -> SteadyStates {
    let Some(states) = journal.steady_states.get() else { return SteadyStates::default() };
    let during = match &states.during {
        // Versions that cannot evaluate the hypothesis during the method write no such key.
        Field::Missing | Field::Null => SteadyState::NotEvaluated,
        Field::Wrong => SteadyState::Unknown,
        Field::Set(states) => states.kinds().map(steady_state).fold(SteadyState::NotEvaluated, worse),
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

fn activities(journal: &Parts) -> Activities {
    let entries = journal.run.get().map(|method| &method.entries);
    let played = entries.map_or(0, Folded::len);
    Activities {
        total: journal.declared_activities().unwrap_or_default().max(played),
        played,
        succeeded: count(entries, EntryStatus::Succeeded),
        failed: count(entries, EntryStatus::Failed),
    }
}

fn rollbacks(journal: &Parts) -> Rollbacks {
    let runtime = journal.experiment.get().and_then(|experiment| experiment.runtime.get());
    let strategy = runtime.and_then(|runtime| runtime.rollbacks.get()?.strategy.get());
    let entries = journal.rollbacks.get();
    let played = entries.map_or(0, Folded::len);
    let total = journal.declared_rollbacks().unwrap_or_default().max(played);
    let failed = count(entries, EntryStatus::Failed);
    let succeeded = count(entries, EntryStatus::Succeeded);
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

fn count(entries: Option<&Folded<Entry>>, status: EntryStatus) -> usize {
    entries.map_or(0, |entries| entries.count(|entry| entry.status == Field::Set(status)))
}
