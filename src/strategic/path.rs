//! The place of a value in a patch.

use std::fmt;

/// A path of keys and indices, from the value up to the root.
#[derive(Clone, Copy, Debug, Default)]
pub struct Path<'a> {
    parent: Option<&'a Self>,
    segment: Option<Segment<'a>>,
    depth: usize,
}

#[derive(Clone, Copy, Debug)]
enum Segment<'a> {
    Key(&'a str),
    Index(usize),
}

impl<'a> Path<'a> {
    /// Returns the path of the value at a key.
    #[must_use]
    pub const fn key(&'a self, key: &'a str) -> Self {
        self.child(Segment::Key(key))
    }

    /// Returns the path of an item of a list.
    #[must_use]
    pub const fn index(&'a self, index: usize) -> Self {
        self.child(Segment::Index(index))
    }

    const fn child(&'a self, segment: Segment<'a>) -> Self {
        Self { parent: Some(self), segment: Some(segment), depth: self.depth + 1 }
    }

    /// Returns how many keys and indices the path has.
    #[must_use]
    pub const fn depth(&self) -> usize {
        self.depth
    }
}

/// Writes the path as in `spec.containers[0].env`. A key that is not plain is quoted.
impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_first = self.parent.is_none_or(|parent| parent.segment.is_none());
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        let is_plain =
            |key: &str| key.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_$/".contains(letter));
        match self.segment {
            None => Ok(()),
            Some(Segment::Index(index)) => write!(f, "[{index}]"),
            Some(Segment::Key(key)) if !is_plain(key) => write!(f, "[{key:?}]"),
            Some(Segment::Key(key)) if is_first => f.write_str(key),
            Some(Segment::Key(key)) => write!(f, ".{key}"),
        }
    }
}
