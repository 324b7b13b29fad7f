//! The activities of the method, and the first of their names.

use serde::Deserialize;
use serde::de::SeqAccess;

use crate::entry::{Entry, EntryStatus, Exception};
use crate::field::{Field, FromJson, ShortText, objects, shorten};
use crate::folded::Folded;
use crate::step::{Step, StepStatus};

/// The maximum length of the name of an activity, in characters.
const MAX_NAME_CHARS: usize = 64;

/// The maximum number of steps that succeeded, and of those that did not. A step takes 29 bytes at least, so a summary
/// never has room for more.
const MAX_STEPS: usize = 150;

/// The activities of the method that were started.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Method {
    /// Their results.
    pub(crate) entries: Folded<Entry>,
    /// The first of them, in their order.
    pub(crate) steps: Vec<Step>,
}

/// The result of an activity, with its name.
#[derive(Default, Deserialize)]
#[serde(default)]
struct NamedEntry {
    activity: Field<Activity>,
    status: Field<EntryStatus>,
    exception: Field<Exception>,
    tolerance_met: Field<bool>,
}

/// An activity as the experiment declares it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Activity {
    name: Field<ShortText>,
}

objects!(NamedEntry, Activity);

impl FromJson for Method {
    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let mut method = Self::default();
        let (mut succeeded, mut others) = (0, 0);
        while let Some(item) = list.next_element::<Field<NamedEntry>>()? {
            let item = match item {
                Field::Missing => Field::Missing,
                Field::Null => Field::Null,
                Field::Wrong => Field::Wrong,
                Field::Set(NamedEntry { activity, status, exception, tolerance_met }) => {
                    let count = if status == Field::Set(EntryStatus::Succeeded) {
                        &mut succeeded
                    } else {
                        &mut others
                    };
                    *count += 1;
                    if *count <= MAX_STEPS {
                        method.steps.push(step(&activity, status));
                    }
                    Field::Set(Entry { status, exception, tolerance_met })
                }
            };
            method.entries.push(item);
        }
        Ok(Some(method))
    }
}

fn step(activity: &Field<Activity>, status: Field<EntryStatus>) -> Step {
    let name = activity.get().and_then(|activity| activity.name.get());
    Step {
        name: name.map(|name| shorten(&name.0, MAX_NAME_CHARS)).unwrap_or_default(),
        status: match status.get() {
            Some(EntryStatus::Succeeded) => StepStatus::Succeeded,
            Some(EntryStatus::Failed) => StepStatus::Failed,
            None => StepStatus::Unfinished,
        },
    }
}
