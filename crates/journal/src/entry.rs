//! The result of an activity.

use serde::Deserialize;
use serde::de::SeqAccess;

use crate::field::{Field, FromJson, objects};

/// The result of an activity, without its name: few results differ.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    /// Absent if the activity was interrupted.
    pub(crate) status: Field<EntryStatus>,
    pub(crate) exception: Field<Exception>,
    pub(crate) tolerance_met: Field<bool>,
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

objects!(Entry);
