//! The end of a log, as a status takes it: pure.

use chaostoolkit_journal::redact;

/// The longest end of a log that a status takes, in bytes.
const LONGEST_TAIL: usize = 2048;

/// How much of a log is searched for secrets, in bytes. It is more than what stays, so that no cut goes through one.
const SEARCHED: usize = 8 * LONGEST_TAIL;

/// Returns the end of a log as plain text, without colors and secrets. If the log is cut, the first line is whole.
#[must_use]
pub fn plain_tail(log: &str) -> String {
    let plain = without_escapes(log);
    let plain = redact(last(&plain, SEARCHED));
    let plain = plain.trim();
    let tail = last(plain, LONGEST_TAIL);
    let is_cut = tail.len() < plain.len();
    let whole = if is_cut { tail.split_once('\n').map_or(tail, |(_, whole)| whole) } else { tail };
    whole.to_owned()
}

/// Returns the end of a text: at most so many bytes, and only whole characters.
fn last(text: &str, bytes: usize) -> &str {
    let start = text.len().saturating_sub(bytes);
    let start = (start..=text.len()).find(|start| text.is_char_boundary(*start)).unwrap_or(text.len());
    &text[start..]
}

/// Removes escape sequences of terminals (ECMA-48) and other control characters.
fn without_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' if characters.next_if_eq(&'[').is_some() => {
                // The parameters of the sequence, up to the letter that ends it.
                while characters.next().is_some_and(|parameter| !('@'..='~').contains(&parameter)) {}
            }
            '\n' | '\t' => plain.push(character),
            _ if character.is_control() => {}
            _ => plain.push(character),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("\u{1b}[32m[2026 INFO] \u{1b}[0mhello\r\n", "[2026 INFO] hello")]
    #[case("a\n\u{1b}[1;31mb", "a\nb")]
    #[case("\u{1b}", "")]
    #[case("\u{1b}[", "")]
    fn colours_go(#[case] log: &str, #[case] expected: &str) {
        assert_eq!(plain_tail(log), expected);
    }

    #[test]
    fn the_last_whole_lines_stay() {
        let log = (0..1000).map(|line| format!("line {line}")).collect::<Vec<_>>().join("\n");
        let tail = plain_tail(&log);
        assert!(tail.starts_with("line ") && tail.ends_with("\nline 999"), "{tail}");
    }

    proptest! {
        #[test]
        fn it_is_short_and_plain(log in "(\\PC|\u{1b}|\n){0,4000}") {
            let tail = plain_tail(&log);
            prop_assert!(tail.len() <= LONGEST_TAIL);
            prop_assert!(tail.chars().all(|c| c == '\n' || c == '\t' || !c.is_control()));
        }
    }
}
