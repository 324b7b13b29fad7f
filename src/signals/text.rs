//! Texts of others in messages.

/// The maximum number of characters of a value in a message.
pub const VALUE: usize = 160;

/// The maximum number of characters of the words of a source in a message.
pub const WORDS: usize = 300;

/// Returns the beginning of a text on one line.
#[must_use]
pub fn shown(text: &str, max: usize) -> String {
    let mut letters = text.chars();
    let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
    let mut shown: String = letters.by_ref().take(max).map(plain).collect();
    if letters.next().is_some() {
        shown.push('…');
    }
    shown
}

/// Checks the length of what an author wrote, in bytes, and returns it without the spaces around it.
pub fn within(text: &str, most: usize) -> Result<&str, String> {
    if text.len() > most {
        return Err(format!("has {} bytes; at most {most} are possible", text.len()));
    }
    Ok(text.trim())
}

/// Returns the beginning of a text on one line and in quotes, for a message about what an author wrote.
#[must_use]
pub fn quoted(text: &str) -> String {
    const MAX: usize = 80;
    let short: String = text.chars().take(MAX).collect();
    let dots = if short.len() < text.len() { "…" } else { "" };
    format!("{short:?}{dots}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("a\nb\u{1b}[31m", 20, "a b [31m")]
    #[case("äöü", 2, "äö…")]
    #[case("äö", 2, "äö")]
    fn a_text_is_short_and_on_one_line(#[case] text: &str, #[case] max: usize, #[case] expected: &str) {
        assert_eq!(shown(text, max), expected);
    }
}
