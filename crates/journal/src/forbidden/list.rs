//! The rights of a text or of a journal: each once, and few enough for a summary.

use crate::forbidden::sentence;
use crate::forbidden::types::Forbidden;

/// The maximum number of rights.
pub(super) const MOST: usize = 8;

/// The maximum length of all rights as JSON, in bytes. The rest of a summary needs room as well.
pub(super) const MAX_BYTES: usize = 1400;

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

    pub(super) fn bytes(&self) -> usize {
        serde_json::to_string(self).map_or(0, |text| text.len() + 1)
    }
}

/// Rights that were found: each once, and few enough for a summary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct List(pub(super) Vec<Forbidden>);

impl List {
    /// Adds the rights that a text names.
    pub(super) fn read(&mut self, text: &str) {
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

    pub(super) fn merge(&mut self, later: Self) {
        later.0.into_iter().for_each(|found| self.add(found));
    }
}
