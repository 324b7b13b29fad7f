//! Finds the activity that decided a run.
//!
//! This reads a journal a second time, because [`parse`](crate::parse()) skips outputs. Only the beginning of an output
//! is kept, and only 200 bytes of the whole end up in a summary. A journal in which this finds nothing is still valid.

use serde::Deserialize;

use crate::classify::Verdict;
use crate::detail::{Detail, Place};
use crate::field::{Field, ShortText, Truth, cut};
use crate::model::{EntryStatus, objects};
use crate::outcome::{Outcome, Warning};
use crate::refusal::without_urls;
use crate::shown::{LastLine, Literals, Shown};

/// The maximum lengths, in bytes. With the keys of the JSON, they make 200 bytes at most.
const MAX_NAME: usize = 48;
const MAX_RETURNED: usize = 48;
const MAX_EXPECTED: usize = 32;
const MAX_ERROR: usize = 100;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Journal {
    experiment: Field<Experiment>,
    steady_states: Field<States>,
    run: Field<Vec<Field<Entry>>>,
    rollbacks: Field<Vec<Field<Entry>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Experiment {
    configuration: Field<Literals>,
    secrets: Field<Truth>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct States {
    before: Field<State>,
    during: Field<Vec<Field<State>>>,
    after: Field<State>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct State {
    probes: Field<Vec<Field<Entry>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    activity: Field<Activity>,
    status: Field<EntryStatus>,
    tolerance_met: Field<bool>,
    output: Field<Shown>,
    exception: Field<LastLine>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Activity {
    name: Field<ShortText>,
    tolerance: Field<Shown>,
}

objects!(Journal, Experiment, States, State, Entry, Activity);

/// Finds the activity that decided a run with this verdict. Returns `None` if none did, or if it cannot be read.
pub(crate) fn find(bytes: &[u8], verdict: &Verdict) -> Option<Detail> {
    let is_judged =
        matches!(verdict.outcome, Outcome::Deviated | Outcome::BaselineNotMet | Outcome::ProbeError);
    let has_failures =
        verdict.warnings.iter().any(|open| matches!(open, Warning::ActivityFailed | Warning::RollbackFailed));
    if !is_judged && !has_failures {
        return None;
    }
    let Field::Set(journal) = serde_json::from_slice::<Field<Journal>>(bytes).ok()? else { return None };
    let states = journal.steady_states.get();
    let during = states.and_then(|states| states.during.get()).into_iter().flatten();
    let evaluated = states
        .map(|states| (Place::Before, &states.before))
        .into_iter()
        .chain(during.map(|state| (Place::During, state)))
        .chain(states.map(|states| (Place::After, &states.after)));
    let probes = evaluated.flat_map(|(place, state)| {
        let probes = state.get().and_then(|state| state.probes.get()).into_iter().flatten();
        probes.filter_map(Field::get).map(move |probe| (place, probe))
    });
    let decisive = |(_, probe): &(Place, &Entry)| match verdict.outcome {
        Outcome::ProbeError => probe.has_failed(),
        _ => probe.has_failed() || probe.tolerance_met == Field::Set(false),
    };
    let probe = if is_judged { probes.into_iter().find(decisive) } else { None };
    let (place, entry) = probe
        .or_else(|| Some((Place::Method, first_failed(&journal.run)?)))
        .or_else(|| Some((Place::Rollbacks, first_failed(&journal.rollbacks)?)))?;
    Some(entry.describe(place, journal.experiment.get()))
}

fn first_failed(list: &Field<Vec<Field<Entry>>>) -> Option<&Entry> {
    list.get()?.iter().filter_map(Field::get).find(|entry| entry.has_failed())
}

impl Entry {
    fn has_failed(&self) -> bool {
        self.status == Field::Set(EntryStatus::Failed)
    }

    fn describe(&self, phase: Place, experiment: Option<&Experiment>) -> Detail {
        let activity = self.activity.get();
        let is_secret = |text: &str| {
            let Some(experiment) = experiment else { return true };
            experiment.secrets == Field::Set(Truth(true))
                || match &experiment.configuration {
                    Field::Missing | Field::Null => false,
                    Field::Wrong => true,
                    Field::Set(literals) => literals.is_in(text),
                }
        };
        let shown = |text: String, max| {
            let text = without_urls(&text);
            if is_secret(&text) { None } else { Some(cut(&text, max)) }
        };
        let tolerance = activity.map(|activity| &activity.tolerance);
        let (returned, expected, error) = if self.has_failed() {
            let error = self.exception.get().map(LastLine::text);
            (None, None, error.and_then(|error| shown(error, MAX_ERROR)))
        } else {
            let expected = tolerance.and_then(Shown::text);
            let is_status = tolerance.and_then(Field::get).is_some_and(Shown::is_numeric);
            let status = self.output.get().and_then(Shown::status).filter(|_| is_status);
            let returned = status.or_else(|| Shown::text(&self.output));
            (
                returned.and_then(|text| shown(text, MAX_RETURNED)),
                expected.and_then(|text| shown(text, MAX_EXPECTED)),
                None,
            )
        };
        let name = activity.and_then(|activity| activity.name.get());
        let name = name.map(|name| crate::shown::plain(&name.0)).unwrap_or_default();
        Detail { activity: cut(&name, MAX_NAME), phase, returned, expected, error }
    }
}
