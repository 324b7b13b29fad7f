//! Lists that are counted instead of kept.
//!
//! A run decides how long its lists are. Of an activity, a verdict needs only how it ended, and few ends differ. So a list
//! takes as much memory as there are different items in it, and the verdict is the same as that of the whole list.

use serde::de::SeqAccess;

use crate::field::{Field, FromJson};

/// The maximum number of different items in a list. The results of an activity have 150 kinds at most. The results of a
/// hypothesis differ in how many probes ended in which way.
const MAX_KINDS: usize = 512;

/// The items of a list: each kind once, in the order in which they first occur, and how often it occurs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Folded<T> {
    kinds: Vec<(Field<T>, usize)>,
    length: usize,
    is_incomplete: bool,
}

impl<T> Default for Folded<T> {
    fn default() -> Self {
        Self { kinds: Vec::new(), length: 0, is_incomplete: false }
    }
}

impl<T> Folded<T> {
    /// Returns the number of items.
    pub(crate) const fn len(&self) -> usize {
        self.length
    }

    /// Returns whether there were more kinds of items than are kept.
    pub(crate) const fn is_incomplete(&self) -> bool {
        self.is_incomplete
    }

    /// Returns each kind of item once.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = &Field<T>> {
        self.kinds.iter().map(|(kind, _)| kind)
    }

    /// Returns each kind of item that can be read.
    pub(crate) fn readable(&self) -> impl Iterator<Item = &T> {
        self.kinds().filter_map(Field::get)
    }

    /// Counts the items that can be read.
    pub(crate) fn count_readable(&self) -> usize {
        self.count(|_| true)
    }

    /// Counts the items that can be read and fulfill a condition.
    pub(crate) fn count(&self, counts: impl Fn(&T) -> bool) -> usize {
        let counted = self.kinds.iter().filter(|(kind, _)| kind.get().is_some_and(&counts));
        counted.map(|(_, count)| count).sum()
    }
}

impl<T: PartialEq> Folded<T> {
    /// Adds an item.
    pub(crate) fn push(&mut self, item: Field<T>) {
        self.length += 1;
        if let Some(at) = self.kinds.iter().position(|(kind, _)| *kind == item) {
            self.kinds[at].1 += 1;
        } else if self.kinds.len() < MAX_KINDS {
            self.kinds.push((item, 1));
        } else {
            self.is_incomplete = true;
        }
    }
}

impl<T: FromJson + PartialEq> FromJson for Folded<T> {
    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let mut folded = Self::default();
        while let Some(item) = list.next_element()? {
            folded.push(item);
        }
        Ok(Some(folded))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::ShortText;

    #[test]
    fn a_list_is_as_large_as_its_kinds() {
        let text = format!("[true, {}null, 5, false]", "true, ".repeat(10_000));
        let folded: Field<Folded<bool>> = serde_json::from_str(&text).unwrap();
        let folded = folded.get().unwrap();
        let kinds = [Field::Set(true), Field::Null, Field::Wrong, Field::Set(false)];
        assert_eq!((folded.len(), folded.kinds.len(), folded.is_incomplete), (10_004, 4, false));
        assert!(folded.kinds().eq(&kinds), "in the order of the list");
        assert_eq!((folded.count(|kind| *kind), folded.count_readable()), (10_001, 10_002));
    }

    #[test]
    fn kinds_without_end_are_noticed() {
        let text =
            |count: usize| serde_json::to_string(&(0..count).map(|at| at.to_string()).collect::<Vec<_>>());
        for (count, expected) in [(MAX_KINDS, false), (MAX_KINDS + 1, true)] {
            let folded: Field<Folded<ShortText>> = serde_json::from_str(&text(count).unwrap()).unwrap();
            let folded = folded.get().unwrap();
            assert_eq!((folded.len(), folded.is_incomplete()), (count, expected));
        }
    }
}
