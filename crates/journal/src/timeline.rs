//! When the activities of a run were played, for traces.
//!
//! This reads a journal once more. Outputs and arguments are skipped, and lists are bounded: at most [`MAX_ACTIVITIES`] activities
//! of each list are kept.

use std::io::{BufReader, Read};

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::SeqAccess;

use crate::declared::Declared;
use crate::entry::EntryStatus;
use crate::field::{Field, FromJson, ShortText, cut, objects};
use crate::parse::{Error, as_json};
use crate::redact::redact;
use crate::refusal::without_urls;
use crate::shown::LastLine;
use crate::step::StepStatus;

/// The maximum number of activities that are kept of the method, of the rollbacks, and of the hypothesis before, during and after
/// the method.
pub const MAX_ACTIVITIES: usize = 300;

/// The maximum length of an error, in bytes.
const MAX_ERROR: usize = 256;

/// The parts of a run with their times.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// When the toolkit began.
    pub start: Option<Timestamp>,
    /// When the toolkit ended.
    pub end: Option<Timestamp>,
    /// The hypothesis before the method, if it was evaluated.
    pub before: Option<Evaluated>,
    /// The hypothesis during the method, as often as it was evaluated.
    pub during: Vec<Evaluated>,
    /// The hypothesis after the method, if it was evaluated.
    pub after: Option<Evaluated>,
    /// The activities of the method.
    pub method: Vec<Played>,
    /// The rollbacks.
    pub rollbacks: Vec<Played>,
    /// How many activities are left out, since there are too many.
    pub omitted: usize,
}

/// An evaluation of the hypothesis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluated {
    /// Whether the steady state was met, if the toolkit says so.
    pub met: Option<bool>,
    /// The probes.
    pub probes: Vec<Played>,
}

/// An activity that was played.
#[derive(Clone, Debug, PartialEq)]
pub struct Played {
    /// The name. At most 120 characters.
    pub name: String,
    /// Whether it is a probe. Otherwise it is an action.
    pub is_probe: bool,
    /// The type of its provider, such as `python`.
    pub provider: Option<String>,
    /// Whether the toolkit went on before the activity had ended.
    pub background: bool,
    /// The pause before the activity, in seconds.
    pub pause_before: Option<f64>,
    /// The pause after the activity, in seconds.
    pub pause_after: Option<f64>,
    /// When it began.
    pub start: Option<Timestamp>,
    /// When it ended.
    pub end: Option<Timestamp>,
    /// How it ended.
    pub status: StepStatus,
    /// Whether its output was within its tolerance.
    pub tolerance_met: Option<bool>,
    /// The last line of the exception. Absent if it may hold a secret. At most 256 bytes.
    pub error: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Journal {
    experiment: Field<Declared>,
    start: Field<Timestamp>,
    end: Field<Timestamp>,
    steady_states: Field<States>,
    run: Field<Entries>,
    rollbacks: Field<Entries>,
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
    steady_state_met: Field<bool>,
    probes: Field<Entries>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    activity: Field<Activity>,
    status: Field<EntryStatus>,
    tolerance_met: Field<bool>,
    start: Field<Timestamp>,
    end: Field<Timestamp>,
    exception: Field<LastLine>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Activity {
    name: Field<ShortText>,
    #[serde(rename = "ref")]
    reference: Field<ShortText>,
    #[serde(rename = "type")]
    kind: Field<ShortText>,
    background: Field<bool>,
    pauses: Field<Pauses>,
    provider: Field<Provider>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Pauses {
    before: Field<f64>,
    after: Field<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Provider {
    #[serde(rename = "type")]
    kind: Field<ShortText>,
}

objects!(Journal, States, State, Entry, Activity, Pauses, Provider);

/// The first entries of a list.
#[derive(Debug, Default)]
struct Entries {
    kept: Vec<Entry>,
    omitted: usize,
}

impl FromJson for Entries {
    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let mut found = Self::default();
        while let Some(item) = list.next_element::<Field<Entry>>()? {
            match item {
                Field::Set(entry) if found.kept.len() < MAX_ACTIVITIES => found.kept.push(entry),
                Field::Set(_) => found.omitted += 1,
                Field::Missing | Field::Null | Field::Wrong => {}
            }
        }
        Ok(Some(found))
    }
}

/// The first evaluations during the method.
#[derive(Debug, Default)]
struct During {
    kept: Vec<State>,
    omitted: usize,
}

impl FromJson for During {
    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let mut found = Self::default();
        let mut room = MAX_ACTIVITIES;
        while let Some(item) = list.next_element::<Field<State>>()? {
            let Field::Set(state) = item else { continue };
            let (probes, omitted) = match &state.probes {
                Field::Set(entries) => (entries.kept.len(), entries.omitted),
                _ => (0, 0),
            };
            // An evaluation without probes takes room, too.
            match room.checked_sub(probes.max(1)) {
                Some(rest) => {
                    room = rest;
                    found.kept.push(state);
                }
                None => found.omitted = found.omitted.saturating_add(probes).saturating_add(omitted),
            }
        }
        Ok(Some(found))
    }
}

impl Timeline {
    /// Reads a journal that has at most `limit` bytes.
    pub fn read(source: impl Read, limit: u64) -> Result<Self, Error> {
        let text = BufReader::new(as_json(source, limit));
        match serde_json::from_reader::<_, Field<Journal>>(text)? {
            Field::Set(journal) => Ok(Self::of(journal)),
            Field::Missing | Field::Null | Field::Wrong => Err(Error::NotAnObject),
        }
    }

    /// Reads a compressed journal, as a [`Carried`](crate::frame::Carried) has it.
    pub fn unpack(gzip: &[u8], limit: u64) -> Result<Self, Error> {
        Self::read(crate::frame::unpack(gzip), limit)
    }

    fn of(journal: Journal) -> Self {
        let mut timeline = Self { start: set(journal.start), end: set(journal.end), ..Self::default() };
        let declared = journal.experiment.get();
        if let Field::Set(states) = journal.steady_states {
            let mut evaluated = |state| timeline.evaluated(state, declared);
            let before = set(states.before).map(&mut evaluated);
            let after = set(states.after).map(&mut evaluated);
            let during = set(states.during).unwrap_or_default();
            let kept: Vec<Evaluated> = during.kept.into_iter().map(&mut evaluated).collect();
            (timeline.before, timeline.during, timeline.after) = (before, kept, after);
            timeline.omitted = timeline.omitted.saturating_add(during.omitted);
        }
        timeline.method = timeline.played(journal.run, declared);
        timeline.rollbacks = timeline.played(journal.rollbacks, declared);
        timeline
    }

    fn evaluated(&mut self, state: State, declared: Option<&Declared>) -> Evaluated {
        Evaluated { met: set(state.steady_state_met), probes: self.played(state.probes, declared) }
    }

    fn played(&mut self, entries: Field<Entries>, declared: Option<&Declared>) -> Vec<Played> {
        let entries = set(entries).unwrap_or_default();
        self.omitted = self.omitted.saturating_add(entries.omitted);
        entries.kept.into_iter().map(|entry| entry.played(declared)).collect()
    }
}

impl Entry {
    fn played(self, declared: Option<&Declared>) -> Played {
        let activity = set(self.activity).unwrap_or_default();
        let pauses = set(activity.pauses).unwrap_or_default();
        let text = |text: Field<ShortText>| set(text).map(|text| crate::shown::plain(&text.0));
        let pause = |pause: Field<f64>| set(pause).filter(|seconds| *seconds > 0.0);
        let error =
            set(self.exception).map(|line| line.text()).filter(|line| !Declared::may_be_in(declared, line));
        // A path or a query can hold a token, too.
        let error = error.map(|line| redact(&without_urls(&line)));
        let error = error.filter(|error| !error.is_empty() && !Declared::may_be_in(declared, error));
        Played {
            name: text(activity.name).or_else(|| text(activity.reference)).unwrap_or_default(),
            is_probe: matches!(&activity.kind, Field::Set(kind) if kind.0 == "probe"),
            provider: set(activity.provider).and_then(|provider| text(provider.kind)),
            background: set(activity.background).unwrap_or_default(),
            pause_before: pause(pauses.before),
            pause_after: pause(pauses.after),
            start: set(self.start),
            end: set(self.end),
            status: match self.status {
                Field::Set(EntryStatus::Succeeded) => StepStatus::Succeeded,
                Field::Set(EntryStatus::Failed) => StepStatus::Failed,
                Field::Missing | Field::Null | Field::Wrong => StepStatus::Unfinished,
            },
            tolerance_met: set(self.tolerance_met),
            error: error.map(|error| cut(&error, MAX_ERROR)),
        }
    }
}

fn set<T>(field: Field<T>) -> Option<T> {
    match field {
        Field::Set(value) => Some(value),
        Field::Missing | Field::Null | Field::Wrong => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(journal: &Value) -> Timeline {
        Timeline::read(journal.to_string().as_bytes(), 1 << 30).unwrap()
    }

    #[test]
    fn an_activity_has_its_times_and_its_pauses() {
        let entry = json!({
            "activity": {"name": "a\nb", "type": "action", "background": true,
                "pauses": {"before": 1, "after": 0}, "provider": {"type": "process", "arguments": "x"}},
            "status": "failed", "start": "2026-11-21T07:51:32.5", "end": "2026-11-21T07:51:33+00:00",
            "output": {"stdout": "x"}, "exception": ["Traceback\n", "ValueError: no\n"],
        });
        let timeline = read(&json!({"experiment": {}, "run": [entry, 7]}));
        let [played] = &timeline.method[..] else { panic!("{timeline:?}") };
        assert_eq!((played.name.as_str(), played.is_probe, played.background), ("a b", false, true));
        assert_eq!((played.pause_before, played.pause_after), (Some(1.0), None));
        assert_eq!(played.start, "2026-11-21T07:51:32.5Z".parse().ok());
        assert_eq!(played.error.as_deref(), Some("ValueError: no"));
    }

    #[test]
    fn an_error_that_may_hold_a_secret_is_left_out() {
        let run = json!([{"activity": {"name": "a"}, "status": "failed", "exception": ["E: hunter22\n"]}]);
        for (experiment, expected) in [
            (json!({}), Some("E: hunter22")),
            (json!({"secrets": {"a": {"b": {"type": "env", "key": "X"}}}}), None),
            (json!({"configuration": {"a": "hunter22"}}), None),
        ] {
            let timeline = read(&json!({"experiment": experiment, "run": run}));
            assert_eq!(timeline.method[0].error.as_deref(), expected, "{experiment}");
        }
    }

    #[test]
    fn lists_are_bounded_and_what_is_left_out_is_counted() {
        let entries = vec![json!({"activity": {"name": "a"}}); MAX_ACTIVITIES + 5];
        let during = vec![json!({"steady_state_met": true, "probes": [{}, {}]}); MAX_ACTIVITIES];
        let journal = json!({"run": entries, "rollbacks": [], "steady_states": {"during": during}});
        let timeline = read(&journal);
        assert_eq!(timeline.method.len(), MAX_ACTIVITIES);
        assert_eq!(timeline.during.len(), MAX_ACTIVITIES / 2);
        assert_eq!(timeline.omitted, 5 + MAX_ACTIVITIES);
        assert!(
            read(&json!({"run": 5, "rollbacks": null, "start": [], "steady_states": "x"})).method.is_empty()
        );
    }
}
