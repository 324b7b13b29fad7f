//! The text of enums, which strum makes from the names of their variants.

/// An enum with a text for each variant, as it stands in JSON.
pub trait Text: Copy + Into<&'static str> {
    /// The text of this variant.
    #[must_use]
    fn as_str(self) -> &'static str {
        self.into()
    }
}

impl<T: Copy + Into<&'static str>> Text for T {}
