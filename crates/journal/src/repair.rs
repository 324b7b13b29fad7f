//! What Python writes and JSON does not allow.
//!
//! The toolkit writes whatever an activity returned with Python's own `json`, which knows numbers that JSON has no
//! words for, as monitoring systems return them, and halves of characters, as file names can hold them. Neither is in
//! a place that matters, so they are painted over: every byte keeps its place, and with it the positions in errors.

use std::borrow::Cow;

/// The words of Python for numbers that are none. The longest comes first.
const WORDS: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];

/// The journal with everything painted over that is Python's and not JSON's, or `None` if there is nothing of it.
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

/// Makes an empty text of a number that is none. Returns how far that reaches.
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

/// Makes a replacement character of a half one. Returns how far the escape reaches.
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

/// The number of an escape like `\u00e4`.
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
