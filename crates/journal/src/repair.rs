//! Replaces values that Python writes and JSON does not allow.
//!
//! The toolkit writes the results of activities with Python's own `json`. It writes `NaN` and infinities, which
//! monitoring systems return, and lone surrogates, which file names can contain. No value that matters contains either
//! of them, so they are replaced. The replacements have the same length, so that the positions in errors stay correct.

use std::borrow::Cow;

/// The words that Python writes for `NaN` and infinities.
const WORDS: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];

/// Replaces everything in a journal that JSON does not allow. Returns `None` if there is nothing to replace.
pub(crate) fn repair(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(bytes);
    let mut changed = matches!(text, Cow::Owned(_));
    let mut bytes = text.into_owned().into_bytes();
    let (mut at, mut quoted) = (0, false);
    while let Some(&byte) = bytes.get(at) {
        at += match (quoted, byte) {
            (_, b'"') => {
                quoted = !quoted;
                1
            }
            (true, b'\\') => replace_surrogate(&mut bytes, at, &mut changed),
            (false, b'-' | b'I' | b'N') => blank_number(&mut bytes, at, &mut changed),
            _ => 1,
        };
    }
    changed.then_some(bytes)
}

/// Replaces `NaN` or an infinity at `at` by an empty string. Returns the number of bytes to skip.
fn blank_number(bytes: &mut [u8], at: usize, changed: &mut bool) -> usize {
    let Some(found) = WORDS.iter().find(|word| bytes.get(at..).is_some_and(|rest| rest.starts_with(word)))
    else {
        return 1;
    };
    if let Some(place) = bytes.get_mut(at..at + found.len()) {
        place.fill(b' ');
        place[..2].fill(b'"');
        *changed = true;
    }
    found.len()
}

/// Replaces a lone surrogate at `at` by the replacement character. Returns the number of bytes to skip.
fn replace_surrogate(bytes: &mut [u8], at: usize, changed: &mut bool) -> usize {
    match code_unit(bytes, at) {
        Some(0xD800..=0xDBFF) if matches!(code_unit(bytes, at + 6), Some(0xDC00..=0xDFFF)) => 12,
        Some(0xD800..=0xDFFF) => {
            if let Some(place) = bytes.get_mut(at + 2..at + 6) {
                place.copy_from_slice(b"fffd");
                *changed = true;
            }
            6
        }
        Some(_) => 6,
        None => 2,
    }
}

/// Reads an escape such as `\u00e4`.
fn code_unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(r#"{"a":NaN}"#, r#"{"a":"" }"#)]
    #[case("[Infinity,-Infinity,-1]", r#"[""      ,""       ,-1]"#)]
    #[case(r#"["\ud800 \udc00","\ud83d\ude00"]"#, r#"["\ufffd \ufffd","\ud83d\ude00"]"#)]
    #[case(r#"["\\ud800\"NaN",NaN]"#, r#"["\\ud800\"NaN","" ]"#)]
    fn replaces_what_json_does_not_allow(#[case] from: &str, #[case] to: &str) {
        assert_eq!(repair(from.as_bytes()), Some(to.as_bytes().to_vec()));
    }

    #[rstest]
    #[case(r#"{"a":"NaN and \\ud800 and -Infinity"}"#)]
    #[case(r#"{"a":"\u"#)]
    #[case("N")]
    #[case("\"\\")]
    #[case("")]
    fn changes_nothing(#[case] text: &str) {
        assert_eq!(repair(text.as_bytes()), None);
    }

    #[test]
    fn invalid_utf8_becomes_replacement_characters() {
        assert_eq!(repair(b"\"\xff\""), Some("\"\u{fffd}\"".as_bytes().to_vec()));
    }
}
