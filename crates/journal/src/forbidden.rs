//! Rights that an account lacked: what the API server refused to an activity.
//!
//! The API server says so in a fixed sentence. It names the account, the verb, the resource and the place. Admission answers
//! with the same code 403, but without that sentence: a quota, Pod Security, a policy or a webhook. No right gives what
//! they refuse, so they do not count.
//!
//! The texts come from the container of the run. Whoever wrote the experiment can write anything there, and misleads only
//! the readers of this experiment: nothing is granted because of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::field::cut;

mod collect;
mod hint;
mod sentence;

pub(crate) use collect::collect;
pub(crate) use hint::Hinted;

/// A right that an account lacked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forbidden {
    /// The account, such as `system:serviceaccount:NAMESPACE:NAME`. At most 253 bytes.
    pub user: String,
    /// The verb, such as `list`.
    pub verb: String,
    /// The API group. The core group is the empty text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// The resource, with its subresource: `pods` or `pods/log`.
    pub resource: String,
    /// The name of the object, if the request was for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where the request was.
    #[serde(default, rename = "in")]
    pub place: Scope,
}

/// Where a request was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// In this namespace.
    #[serde(rename = "namespace")]
    Namespace(String),
    /// In the whole cluster.
    #[serde(rename = "cluster")]
    Cluster,
    /// The text ends before it says so.
    #[default]
    #[serde(rename = "unknown")]
    Unknown,
}

/// The maximum number of rights.
pub(crate) const MOST: usize = 8;

/// The maximum length of all rights as JSON, in bytes. The rest of a summary needs room as well.
const MAX_BYTES: usize = 1400;

impl Forbidden {
    /// Returns the rights that a text says an account lacked: each once, and at most 8 of them.
    #[must_use]
    pub fn find(text: &str) -> Vec<Self> {
        let mut found = List::default();
        found.read(text);
        found.0
    }

    /// Returns whether both are the same right of the same account, for any object.
    fn is_same(&self, other: &Self) -> bool {
        (&self.user, &self.verb, &self.group, &self.resource, &self.place)
            == (&other.user, &other.verb, &other.group, &other.resource, &other.place)
    }

    fn bytes(&self) -> usize {
        serde_json::to_string(self).map_or(0, |text| text.len() + 1)
    }
}

impl fmt::Display for Forbidden {
    /// Writes what the account may not do: `patch deployments.apps "web" in namespace shop`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verb, group, resource, name, place, .. } = self;
        write!(f, "{verb} {resource}")?;
        if !group.is_empty() {
            write!(f, ".{group}")?;
        }
        if let Some(name) = name {
            write!(f, " \"{}\"", cut(name, 63))?;
        }
        match place {
            Scope::Namespace(namespace) => write!(f, " in namespace {namespace}"),
            Scope::Cluster => f.write_str(" in the whole cluster"),
            Scope::Unknown => Ok(()),
        }
    }
}

/// Rights that were found: each once, and few enough for a summary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct List(pub(crate) Vec<Forbidden>);

impl List {
    /// Adds the rights that a text names.
    fn read(&mut self, text: &str) {
        for found in sentence::all(text) {
            if self.0.len() >= MOST {
                return;
            }
            self.add(found);
        }
    }

    fn add(&mut self, found: Forbidden) {
        let bytes: usize = self.0.iter().map(Forbidden::bytes).sum();
        let fits = self.0.len() < MOST && bytes + found.bytes() <= MAX_BYTES;
        if fits && !self.0.iter().any(|known| known.is_same(&found)) {
            self.0.push(found);
        }
    }

    fn merge(&mut self, later: Self) {
        later.0.into_iter().for_each(|found| self.add(found));
    }
}

#[cfg(test)]
mod tests;
