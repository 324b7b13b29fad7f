//! The parts of a journal that a verdict or a summary needs. Nothing else is read.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::detail::Detail;
use crate::entry::Entry;
use crate::field::{Count, Field, FromJson, ShortText, Truth, objects};
use crate::folded::Folded;
use crate::forbidden::Forbidden;
use crate::method::Method;
use crate::time;

/// A journal that was read. Only [`parse`](crate::parse()) and [`read`](crate::read()) create it, within a budget.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Journal {
    pub(crate) parts: Parts,
    /// The activity that decided the run. It is read apart from the rest.
    pub(crate) detail: Option<Detail>,
    /// The rights that activities lacked. They are read apart from the rest, too.
    pub(crate) forbidden: Vec<Forbidden>,
}

/// The relevant parts of a journal. Its size does not depend on the length of the lists in the journal.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Parts {
    #[serde(rename = "chaoslib-version")]
    pub(crate) version: Field<ShortText>,
    pub(crate) experiment: Field<Experiment>,
    pub(crate) start: Field<Timestamp>,
    pub(crate) end: Field<Timestamp>,
    pub(crate) duration: Field<f64>,
    pub(crate) status: Field<Status>,
    pub(crate) deviated: Field<bool>,
    pub(crate) steady_states: Field<SteadyStates>,
    pub(crate) run: Field<Method>,
    pub(crate) rollbacks: Field<Folded<Entry>>,
    /// The cause of an interruption. Only its presence matters.
    pub(crate) interruption: Field<Truth>,
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
    pub(crate) during: Field<Folded<State>>,
    pub(crate) after: Field<State>,
}

/// The result of one evaluation of the hypothesis.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct State {
    #[serde(rename = "steady_state_met")]
    pub(crate) met: Field<bool>,
    pub(crate) probes: Field<Folded<Entry>>,
}

impl FromJson for Timestamp {
    fn from_text(value: &str) -> Option<Self> {
        time::parse(value)
    }
}

objects!(Parts, Experiment, Hypothesis, Runtime, Strategy, SteadyStates, State);

impl SteadyStates {
    /// Returns the results of all evaluations, in order, each kind once.
    pub(crate) fn evaluated(&self) -> impl Iterator<Item = &State> {
        let during = self.during.get().into_iter().flat_map(Folded::kinds);
        std::iter::once(&self.before).chain(during).chain(std::iter::once(&self.after)).filter_map(Field::get)
    }
}

impl State {
    /// Returns the results of the probes that can be read, each kind once.
    pub(crate) fn probes(&self) -> impl Iterator<Item = &Entry> {
        self.probes.get().into_iter().flat_map(Folded::readable)
    }
}

impl Parts {
    /// Returns the results of all evaluations of the hypothesis, in order, each kind once.
    pub(crate) fn evaluated_states(&self) -> impl Iterator<Item = &State> {
        self.steady_states.get().into_iter().flat_map(SteadyStates::evaluated)
    }

    /// Returns the results of the activities of the method that can be read, each kind once.
    pub(crate) fn method_entries(&self) -> impl Iterator<Item = &Entry> {
        self.run.get().into_iter().flat_map(|method| method.entries.readable())
    }

    /// Returns the results of the rollbacks that can be read, each kind once.
    pub(crate) fn rollback_entries(&self) -> impl Iterator<Item = &Entry> {
        self.rollbacks.get().into_iter().flat_map(Folded::readable)
    }

    /// Returns whether a list holds more kinds of results than are kept, so that no verdict can be true to it.
    pub(crate) fn is_incomplete(&self) -> bool {
        let states = self.steady_states.get();
        let is_state_incomplete = |state: &State| state.probes.get().is_some_and(Folded::is_incomplete);
        states.and_then(|states| states.during.get()).is_some_and(Folded::is_incomplete)
            || self.evaluated_states().any(is_state_incomplete)
            || self.run.get().is_some_and(|method| method.entries.is_incomplete())
            || self.rollbacks.get().is_some_and(Folded::is_incomplete)
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
