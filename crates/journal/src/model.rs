//! The parts of a journal that a verdict or a summary needs. Nothing else is read.

use jiff::Timestamp;
use serde::de::SeqAccess;
use serde::{Deserialize, Serialize};

use crate::detail::Detail;
use crate::field::{Count, Field, FromJson, ShortText, Truth};
use crate::time;

/// The relevant parts of a journal. Created by [`parse`](crate::parse()).
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
    /// The cause of an interruption. Only its presence matters.
    pub(crate) interruption: Field<Truth>,
    /// The activity that decided the run. It is read apart from the rest.
    #[serde(skip)]
    pub(crate) detail: Option<Detail>,
}

/// The status of a run as the toolkit reports it. It does not say whether the system deviated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The run came to its end.
    Completed,
    /// In older versions, the steady state was not met. In newer versions, a probe of the hypothesis could not be
    /// executed, or the run failed fast.
    Failed,
    /// An unexpected error ended the run.
    Aborted,
    /// A signal or a control ended the run.
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

/// The experiment, as recorded in the journal.
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

/// The steady-state hypothesis.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Hypothesis {
    pub(crate) probes: Field<Count>,
}

/// The strategies that the experiment itself asks for. Those of the command line override them, and are in no journal.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Runtime {
    pub(crate) hypothesis: Field<Strategy>,
    pub(crate) rollbacks: Field<Strategy>,
}

/// A strategy that the experiment asks for.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Strategy {
    pub(crate) strategy: Field<ShortText>,
}

/// The results of the hypothesis, by phase. A phase that was not evaluated is `null`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct SteadyStates {
    pub(crate) before: Field<State>,
    pub(crate) during: Field<Vec<Field<State>>>,
    pub(crate) after: Field<State>,
}

/// The result of one evaluation of the hypothesis.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct State {
    #[serde(rename = "steady_state_met")]
    pub(crate) met: Field<bool>,
    pub(crate) probes: Field<Vec<Field<Entry>>>,
}

/// The result of an activity.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    pub(crate) activity: Field<Activity>,
    /// Absent if the activity was interrupted.
    pub(crate) status: Field<EntryStatus>,
    pub(crate) exception: Field<Exception>,
    pub(crate) tolerance_met: Field<bool>,
}

/// An activity as the experiment declares it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Activity {
    pub(crate) name: Field<ShortText>,
}

/// The status of an activity that ended.
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

/// Why an activity failed. The text of the exception is not kept, since it can hold secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exception {
    /// Whether the activity was interrupted. Versions of the toolkit's library before 1.45.1 recorded an interruption
    /// within a Python function as a failure of that function. They then went on with the next activity.
    pub(crate) interruption: bool,
}

impl Exception {
    const INTERRUPTION: &str = "chaoslib.exceptions.ActivityFailed: chaoslib.exceptions.InterruptExecution";

    /// Reads the lines of a Python traceback. Returns `None` if they are all empty.
    fn from_lines<'a>(lines: impl Iterator<Item = &'a str>) -> Option<Self> {
        lines.map(str::trim).filter(|line| !line.is_empty()).fold(None, |found, line| {
            let before = found.is_some_and(|found: Self| found.interruption);
            Some(Self { interruption: before || line.starts_with(Self::INTERRUPTION) })
        })
    }
}

impl FromJson for Exception {
    /// No version of the toolkit writes a string here, so a string counts only if it reports an interruption.
    fn from_text(value: &str) -> Option<Self> {
        Self::from_lines(value.lines()).filter(|found| found.interruption)
    }

    /// Each item holds one or more lines. As in the toolkit, only the start of an item counts. An item that is not a
    /// string may have reported an interruption, so the list counts only if another item reports one.
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

/// An item of a traceback. It holds `None` if the item is empty.
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

/// Implements [`FromJson`] for structs that are read from an object, key by key.
macro_rules! objects {
    ($($name:ty),*) => {$(
        impl $crate::field::FromJson for $name {
            fn from_object<'de, A: serde::de::MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
                let object = serde::de::value::MapAccessDeserializer::new(object);
                <Self as serde::Deserialize>::deserialize(object).map(Some)
            }
        }
    )*};
}

pub(crate) use objects;

objects!(Journal, Experiment, Hypothesis, Runtime, Strategy, SteadyStates, State, Entry, Activity);

impl SteadyStates {
    /// Returns the results of all evaluations, in order.
    pub(crate) fn evaluated(&self) -> impl Iterator<Item = &State> {
        let during = self.during.get().into_iter().flatten();
        std::iter::once(&self.before).chain(during).chain(std::iter::once(&self.after)).filter_map(Field::get)
    }
}

impl State {
    /// Returns the probes that can be read.
    pub(crate) fn probes(&self) -> impl Iterator<Item = &Entry> {
        self.probes.get().into_iter().flatten().filter_map(Field::get)
    }
}

impl Journal {
    /// Returns the results of all evaluations of the hypothesis, in order.
    pub(crate) fn evaluated_states(&self) -> impl Iterator<Item = &State> {
        self.steady_states.get().into_iter().flat_map(SteadyStates::evaluated)
    }

    /// Returns the activities of the method that can be read.
    pub(crate) fn method_entries(&self) -> impl Iterator<Item = &Entry> {
        self.run.get().into_iter().flatten().filter_map(Field::get)
    }

    /// Returns the rollbacks that can be read.
    pub(crate) fn rollback_entries(&self) -> impl Iterator<Item = &Entry> {
        self.rollbacks.get().into_iter().flatten().filter_map(Field::get)
    }

    /// Returns the number of probes that the hypothesis declares. Returns `None` if it cannot be read.
    pub(crate) fn declared_probes(&self) -> Option<usize> {
        match &self.experiment.get()?.hypothesis {
            Field::Missing | Field::Null => Some(0),
            Field::Wrong => None,
            Field::Set(hypothesis) => length(&hypothesis.probes),
        }
    }

    /// Returns the number of activities that the method declares. Returns `None` if it cannot be read.
    pub(crate) fn declared_activities(&self) -> Option<usize> {
        length(&self.experiment.get()?.method)
    }

    /// Returns the number of rollbacks that the experiment declares. Returns `None` if it cannot be read.
    pub(crate) fn declared_rollbacks(&self) -> Option<usize> {
        length(&self.experiment.get()?.rollbacks)
    }

    /// Returns whether the experiment itself asks to skip the hypothesis.
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
