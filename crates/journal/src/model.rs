//! What is read of a journal: nothing that is not needed for a verdict or a summary.

use jiff::Timestamp;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, SeqAccess};
use serde::{Deserialize, Serialize};

use crate::field::{Count, Field, FromJson, ShortText, Truth};
use crate::time;

/// A journal, as far as it matters. Made by [`parse`](crate::parse()).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Journal {
    #[serde(rename = "chaoslib-version")]
    pub(crate) version: Field<ShortText>,
    pub(crate) experiment: Field<Experiment>,
    pub(crate) start: Field<Timestamp>,
    pub(crate) end: Field<Timestamp>,
    pub(crate) duration: Field<f64>,
    pub(crate) status: Field<Status>,
    pub(crate) deviated: Field<bool>,
    pub(crate) steady_states: Field<SteadyStates>,
    pub(crate) run: Field<Vec<Field<Entry>>>,
    pub(crate) rollbacks: Field<Vec<Field<Entry>>>,
    /// Only its presence counts: what interrupted the run.
    pub(crate) interruption: Field<Truth>,
}

/// How the toolkit says that a run ended. Never whether it deviated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// To its end.
    Completed,
    /// Older versions: the steady state was not met. Newer ones: a probe of it could not be executed, or the run was
    /// to fail fast.
    Failed,
    /// By an error that nobody had foreseen.
    Aborted,
    /// By a signal or a control.
    Interrupted,
}

impl FromJson for Status {
    fn from_text(value: &str) -> Option<Self> {
        match value {
            "completed" => Some(Self::Completed),
            "failed" => Some(Self::Failed),
            "aborted" => Some(Self::Aborted),
            "interrupted" => Some(Self::Interrupted),
            _ => None,
        }
    }
}

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Experiment {
    pub(crate) title: Field<ShortText>,
    pub(crate) dry: Field<Truth>,
    #[serde(rename = "steady-state-hypothesis")]
    pub(crate) hypothesis: Field<Hypothesis>,
    pub(crate) method: Field<Count>,
    pub(crate) rollbacks: Field<Count>,
    pub(crate) runtime: Field<Runtime>,
}

/// What the system is judged by.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Hypothesis {
    pub(crate) probes: Field<Count>,
}

/// Strategies that the experiment itself asks for. Those of the command line go before them, and are in no journal.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Runtime {
    pub(crate) hypothesis: Field<Strategy>,
    pub(crate) rollbacks: Field<Strategy>,
}

/// One of them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Strategy {
    pub(crate) strategy: Field<ShortText>,
}

/// What the hypothesis came to. A phase that was not evaluated is `null`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct SteadyStates {
    pub(crate) before: Field<State>,
    pub(crate) during: Field<Vec<Field<State>>>,
    pub(crate) after: Field<State>,
}

/// What the hypothesis came to, once.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct State {
    #[serde(rename = "steady_state_met")]
    pub(crate) met: Field<bool>,
    pub(crate) probes: Field<Vec<Field<Entry>>>,
}

/// What came of an activity.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    pub(crate) activity: Field<Activity>,
    /// Absent if the activity was interrupted.
    pub(crate) status: Field<EntryStatus>,
    pub(crate) exception: Field<Exception>,
    pub(crate) tolerance_met: Field<bool>,
}

/// The activity itself.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Activity {
    pub(crate) name: Field<ShortText>,
}

/// How an activity ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryStatus {
    Succeeded,
    Failed,
}

impl FromJson for EntryStatus {
    fn from_text(value: &str) -> Option<Self> {
        match value {
            "succeeded" => Some(Self::Succeeded),
            "failed" => Some(Self::Failed),
            _ => None,
        }
    }
}

/// Why an activity failed, without the text: that can hold anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exception {
    /// Whether it was interrupted. Versions of the toolkit's library before 1.45.1 took an interruption within a
    /// Python function for a failure of the function, and went on with the next activity.
    pub(crate) interruption: bool,
}

impl Exception {
    const INTERRUPTION: &str = "chaoslib.exceptions.ActivityFailed: chaoslib.exceptions.InterruptExecution";

    /// From the lines of a Python traceback; `None` if there is nothing in them.
    fn from_lines<'a>(lines: impl Iterator<Item = &'a str>) -> Option<Self> {
        lines.map(str::trim).filter(|line| !line.is_empty()).fold(None, |found, line| {
            let before = found.is_some_and(|found: Self| found.interruption);
            Some(Self { interruption: before || line.starts_with(Self::INTERRUPTION) })
        })
    }
}

impl FromJson for Exception {
    /// No version writes a text, so it counts only if it says what matters.
    fn from_text(value: &str) -> Option<Self> {
        Self::from_lines(value.lines()).filter(|found| found.interruption)
    }

    /// Each item is a line, or several; only the start of an item counts, as for the toolkit. An item that is no text
    /// could have been the one that counts.
    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let (mut found, mut odd) = (None, false);
        while let Some(item) = list.next_element::<Field<TracebackItem>>()? {
            match item {
                Field::Set(TracebackItem(None)) => {}
                Field::Set(TracebackItem(Some(line))) => {
                    let before = found.is_some_and(|found: Self| found.interruption);
                    found = Some(Self { interruption: before || line.interruption });
                }
                Field::Missing | Field::Null | Field::Wrong => odd = true,
            }
        }
        Ok(found.filter(|found| found.interruption || !odd))
    }
}

/// An item of a traceback.
struct TracebackItem(Option<Exception>);

impl FromJson for TracebackItem {
    fn from_text(value: &str) -> Option<Self> {
        Some(Self(Exception::from_lines(std::iter::once(value))))
    }
}

impl FromJson for Timestamp {
    fn from_text(value: &str) -> Option<Self> {
        time::parse(value)
    }
}

/// Reads an object into a struct, key by key.
macro_rules! objects {
    ($($name:ty),*) => {$(
        impl FromJson for $name {
            fn from_object<'de, A: MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
                Self::deserialize(MapAccessDeserializer::new(object)).map(Some)
            }
        }
    )*};
}

objects!(Journal, Experiment, Hypothesis, Runtime, Strategy, SteadyStates, State, Entry, Activity);

impl SteadyStates {
    /// All that were evaluated, in order.
    pub(crate) fn evaluated(&self) -> impl Iterator<Item = &State> {
        let during = self.during.get().into_iter().flatten();
        std::iter::once(&self.before).chain(during).chain(std::iter::once(&self.after)).filter_map(Field::get)
    }
}

impl State {
    /// The probes that can be read.
    pub(crate) fn probes(&self) -> impl Iterator<Item = &Entry> {
        self.probes.get().into_iter().flatten().filter_map(Field::get)
    }
}

impl Journal {
    /// All states that were evaluated.
    pub(crate) fn evaluated_states(&self) -> impl Iterator<Item = &State> {
        self.steady_states.get().into_iter().flat_map(SteadyStates::evaluated)
    }

    /// Activities of the method that can be read.
    pub(crate) fn method_entries(&self) -> impl Iterator<Item = &Entry> {
        self.run.get().into_iter().flatten().filter_map(Field::get)
    }

    /// Rollbacks that can be read.
    pub(crate) fn rollback_entries(&self) -> impl Iterator<Item = &Entry> {
        self.rollbacks.get().into_iter().flatten().filter_map(Field::get)
    }

    /// How many probes the hypothesis declares, if that can be told.
    pub(crate) fn declared_probes(&self) -> Option<usize> {
        match &self.experiment.get()?.hypothesis {
            Field::Missing | Field::Null => Some(0),
            Field::Wrong => None,
            Field::Set(hypothesis) => length(&hypothesis.probes),
        }
    }

    /// How many activities the method declares, if that can be told.
    pub(crate) fn declared_activities(&self) -> Option<usize> {
        length(&self.experiment.get()?.method)
    }

    /// How many rollbacks are declared, if that can be told.
    pub(crate) fn declared_rollbacks(&self) -> Option<usize> {
        length(&self.experiment.get()?.rollbacks)
    }

    /// Whether the experiment itself asks for no steady state to be evaluated.
    pub(crate) fn skips_hypothesis(&self) -> bool {
        let runtime = self.experiment.get().and_then(|experiment| experiment.runtime.get());
        let strategy = runtime.and_then(|runtime| runtime.hypothesis.get()?.strategy.get());
        strategy.is_some_and(|strategy| strategy.0 == "skip")
    }
}

fn length(list: &Field<Count>) -> Option<usize> {
    match list {
        Field::Missing | Field::Null => Some(0),
        Field::Wrong => None,
        Field::Set(Count(count)) => Some(*count),
    }
}
