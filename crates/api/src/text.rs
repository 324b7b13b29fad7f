//! The text of enums. strum derives it from the names of the variants.

/// An enum that has a text for each variant, as in JSON.
pub trait Text: Copy + Into<&'static str> {
    /// Returns the text of this variant.
    #[must_use]
    fn as_str(self) -> &'static str {
        self.into()
    }
}

impl<T: Copy + Into<&'static str>> Text for T {}
