//! The error of a calendar that cannot be used.

/// A mistake in a definition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct Invalid {
    /// The path of the field in the definition, such as `windows[1].from`.
    pub field: String,
    /// The problem with it, and what to write instead.
    pub problem: String,
}

impl Invalid {
    pub(crate) fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }
}

/// The maximum number of characters of a text that a message quotes.
const MAX_QUOTED: usize = 60;

/// Returns a text as a message quotes it: on one line, and not too long.
pub(crate) fn quoted(text: &str) -> String {
    let short: String = text.chars().take(MAX_QUOTED).collect();
    let dots = if short.len() < text.len() { "..." } else { "" };
    format!("{short:?}{dots}")
}
