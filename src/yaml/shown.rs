//! Words of the text in errors.

/// The maximum number of characters of a word in an error.
const MAX_SHOWN: usize = 40;

/// Returns a word of the text for an error. It is short, quoted and on one line, whatever the word contains.
pub(super) fn shown(text: &str) -> String {
    let short: String = text.chars().take(MAX_SHOWN).collect();
    let dots = if short.len() < text.len() { "…" } else { "" };
    format!("{short:?}{dots}")
}
