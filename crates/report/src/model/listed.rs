//! Lists with a limit.

use serde::Serialize;

/// The first items of a list. A list of an untrusted file can have any length.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Listed<T> {
    /// The items.
    pub items: Vec<T>,
    /// The number of items that were left out.
    #[serde(skip_serializing_if = "is_zero")]
    pub omitted: usize,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { items: Vec::new(), omitted: 0 }
    }
}

impl<T> Listed<T> {
    /// Returns the number of all items, also of those that were left out.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.items.len() + self.omitted
    }

    /// Returns whether there are no items.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it")]
pub(crate) const fn is_zero(number: &usize) -> bool {
    *number == 0
}
