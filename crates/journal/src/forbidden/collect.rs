//! Finds the refusals in a journal: in the exceptions of activities that failed, and in the outputs of programs and of HTTP
//! calls that failed.
//!
//! This reads the journal once more, and only if it has a refusal somewhere.

use std::io::{BufReader, Read};

use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess};

use crate::entry::EntryStatus;
use crate::field::{Field, FromJson, objects};
use crate::forbidden::list::List;
use crate::forbidden::types::Forbidden;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Journal {
    steady_states: Field<States>,
    run: Field<Refused>,
    rollbacks: Field<Refused>,
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
    probes: Field<Refused>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    status: Field<EntryStatus>,
    tolerance_met: Field<bool>,
    output: Field<Output>,
    exception: Field<Text>,
}

objects!(Journal, States, State, Entry);

/// The refusals of the entries of a list.
#[derive(Debug, Default)]
struct Refused(List);

impl FromJson for Refused {
    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let mut found = List::default();
        while let Some(item) = list.next_element::<Field<Entry>>()? {
            if let Field::Set(entry) = item {
                found.merge(entry.refused());
            }
        }
        Ok(Some(Self(found)))
    }
}

/// The refusals of all evaluations during the method.
#[derive(Debug, Default)]
struct During(List);

impl FromJson for During {
    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let mut found = List::default();
        while let Some(state) = list.next_element::<Field<State>>()? {
            if let Field::Set(state) = state {
                found.merge(state.refused());
            }
        }
        Ok(Some(Self(found)))
    }
}

impl State {
    fn refused(self) -> List {
        list(self.probes)
    }
}

impl Entry {
    /// What a probe is expected to return is no problem, even if it is a refusal.
    fn refused(self) -> List {
        let is_expected = self.tolerance_met == Field::Set(true);
        match (self.status, self.exception, self.output) {
            (Field::Set(EntryStatus::Failed), Field::Set(Text(found)), _) => found,
            (_, _, Field::Set(Output { found, has_failed: true })) if !is_expected => found,
            _ => List::default(),
        }
    }
}

/// The output of an activity.
#[derive(Debug)]
struct Output {
    found: List,
    /// Whether it is that of a program with an exit code other than 0, or of an HTTP call with a code other than 2xx.
    has_failed: bool,
}

impl FromJson for Output {
    fn from_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Option<Self>, A::Error> {
        let (mut found, mut has_failed) = (List::default(), false);
        while let Some(key) = object.next_key::<String>()? {
            match object.next_value::<Field<Value>>()? {
                Field::Set(Value::Number(status)) if key == "status" => {
                    has_failed = status != 0.0 && !(200.0..300.0).contains(&status);
                }
                Field::Set(Value::Text(text)) => found.merge(text),
                _ => {}
            }
        }
        Ok(Some(Self { found, has_failed }))
    }
}

/// A value of an output: a text, an answer of the API server, or a number.
#[derive(Debug)]
enum Value {
    Text(List),
    Number(f64),
}

impl FromJson for Value {
    fn from_number(value: f64) -> Option<Self> {
        Some(Self::Number(value))
    }

    fn from_text(value: &str) -> Option<Self> {
        Text::from_text(value).map(|Text(found)| Self::Text(found))
    }

    fn from_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Option<Self>, A::Error> {
        let mut found = List::default();
        while let Some((_, value)) = object.next_entry::<String, Field<Text>>()? {
            if let Field::Set(Text(more)) = value {
                found.merge(more);
            }
        }
        Ok(Some(Self::Text(found)))
    }
}

/// The refusals of a text, or of a list of texts.
#[derive(Debug)]
struct Text(List);

impl FromJson for Text {
    fn from_text(value: &str) -> Option<Self> {
        let mut found = List::default();
        found.read(value);
        Some(Self(found))
    }

    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let mut found = List::default();
        while let Some(item) = list.next_element::<Field<Line>>()? {
            if let Field::Set(Line(more)) = item {
                found.merge(more);
            }
        }
        Ok(Some(Self(found)))
    }
}

/// An item of a traceback.
#[derive(Debug)]
struct Line(List);

impl FromJson for Line {
    fn from_text(value: &str) -> Option<Self> {
        Text::from_text(value).map(|Text(found)| Self(found))
    }
}

fn list(field: Field<Refused>) -> List {
    match field {
        Field::Set(Refused(found)) => found,
        _ => List::default(),
    }
}

/// Finds the rights that the activities of a journal lacked. A journal that cannot be read has none.
pub(crate) fn collect(text: impl Read) -> Vec<Forbidden> {
    let Ok(Field::Set(journal)) = serde_json::from_reader::<_, Field<Journal>>(BufReader::new(text)) else {
        return Vec::new();
    };
    let mut found = List::default();
    if let Field::Set(States { before, during, after }) = journal.steady_states {
        let state =
            |field| if let Field::Set(state) = field { State::refused(state) } else { List::default() };
        found.merge(state(before));
        if let Field::Set(During(during)) = during {
            found.merge(during);
        }
        found.merge(state(after));
    }
    found.merge(list(journal.run));
    found.merge(list(journal.rollbacks));
    found.0
}
