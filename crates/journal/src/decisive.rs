//! Finds the activity that decided a run.
//!
//! This reads a journal a second time, because [`parse`](crate::parse()) skips outputs. Only the beginning of an output
//! is kept, and only 200 bytes of the whole end up in a summary. A journal in which this finds nothing is still valid.

use std::io::{BufReader, Read};

use serde::Deserialize;
use serde::de::SeqAccess;

use crate::classify::Verdict;
use crate::declared::Declared;
use crate::detail::{Detail, Place};
use crate::entry::EntryStatus;
use crate::field::{Field, FromJson, ShortText, cut, objects};
use crate::outcome::{Outcome, Warning};
use crate::refusal::without_urls;
use crate::shown::{LastLine, Shown};

/// The maximum lengths, in bytes. With the keys of the JSON, they make 200 bytes at most.
const MAX_NAME: usize = 48;
const MAX_RETURNED: usize = 48;
const MAX_EXPECTED: usize = 32;
const MAX_ERROR: usize = 100;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Journal {
    experiment: Field<Declared>,
    steady_states: Field<States>,
    run: Field<Candidates>,
    rollbacks: Field<Candidates>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct States {
    before: Field<State>,
    during: Field<During>,
    after: Field<State>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct State {
    probes: Field<Candidates>,
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

objects!(Journal, States, State, Entry, Activity);

/// The entries of a list that may have decided the run. The others are dropped while the list is read.
#[derive(Debug, Default)]
struct Candidates {
    /// The first entry that failed.
    failed: Option<Box<Entry>>,
    /// The first entry out of its tolerance, if none failed before it.
    off: Option<Box<Entry>>,
}

impl Candidates {
    fn merge(&mut self, later: Self) {
        if self.failed.is_none() {
            self.off = self.off.take().or(later.off);
            self.failed = later.failed;
        }
    }

    /// Returns the first entry that failed, or that was out of its tolerance if that counts too.
    fn first(&self, counts_off: bool) -> Option<&Entry> {
        self.off.as_deref().filter(|_| counts_off).or(self.failed.as_deref())
    }
}

impl FromJson for Candidates {
    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let mut found = Self::default();
        while let Some(item) = list.next_element::<Field<Entry>>()? {
            let Field::Set(entry) = item else { continue };
            if entry.has_failed() {
                found.merge(Self { failed: Some(Box::new(entry)), off: None });
            } else if entry.tolerance_met == Field::Set(false) {
                found.merge(Self { failed: None, off: Some(Box::new(entry)) });
            }
        }
        Ok(Some(found))
    }
}

/// The candidates of all evaluations during the method.
#[derive(Debug, Default)]
struct During(Candidates);

impl FromJson for During {
    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let mut found = Self::default();
        while let Some(state) = list.next_element::<Field<State>>()? {
            if let Field::Set(State { probes: Field::Set(probes) }) = state {
                found.0.merge(probes);
            }
        }
        Ok(Some(found))
    }
}

/// Returns whether an activity can have decided a run with this verdict.
pub(crate) fn is_expected(verdict: &Verdict) -> bool {
    let has_failures =
        verdict.warnings.iter().any(|open| matches!(open, Warning::ActivityFailed | Warning::RollbackFailed));
    is_judged(verdict) || has_failures
}

fn is_judged(verdict: &Verdict) -> bool {
    matches!(verdict.outcome, Outcome::Deviated | Outcome::BaselineNotMet | Outcome::ProbeError)
}

/// Finds the activity that decided a run with this verdict. Returns `None` if none did, or if it cannot be read.
pub(crate) fn find(text: impl Read, verdict: &Verdict) -> Option<Detail> {
    let Field::Set(journal) = serde_json::from_reader::<_, Field<Journal>>(BufReader::new(text)).ok()? else {
        return None;
    };
    let counts_off = verdict.outcome != Outcome::ProbeError;
    let probe = |place: Place| {
        let states = journal.steady_states.get().filter(|_| is_judged(verdict))?;
        let candidates = match place {
            Place::Before => states.before.get()?.probes.get()?,
            Place::During => &states.during.get()?.0,
            _ => states.after.get()?.probes.get()?,
        };
        candidates.first(counts_off).map(|entry| (place, entry))
    };
    let (place, entry) = probe(Place::Before)
        .or_else(|| probe(Place::During))
        .or_else(|| probe(Place::After))
        .or_else(|| Some((Place::Method, journal.run.get()?.first(false)?)))
        .or_else(|| Some((Place::Rollbacks, journal.rollbacks.get()?.first(false)?)))?;
    Some(entry.describe(place, journal.experiment.get()))
}

impl Entry {
    fn has_failed(&self) -> bool {
        self.status == Field::Set(EntryStatus::Failed)
    }

    fn describe(&self, phase: Place, experiment: Option<&Declared>) -> Detail {
        let activity = self.activity.get();
        let shown = |text: String, max| {
            let text = without_urls(&text);
            if Declared::may_be_in(experiment, &text) { None } else { Some(cut(&text, max)) }
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
