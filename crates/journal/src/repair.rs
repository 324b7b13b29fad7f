//! Replaces values that Python writes and JSON does not allow, while a journal is read.
//!
//! The toolkit writes the results of activities with Python's own `json`. It writes `NaN` and infinities, which
//! monitoring systems return, and lone surrogates, which file names can contain. No value that matters contains either
//! of them, so they are replaced. Bytes that are not UTF-8 become question marks. The replacements have the same length,
//! so that the positions in errors stay correct.

use std::io::{self, Read};

/// The words that Python writes for `NaN` and infinities.
const WORDS: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];

/// The number of bytes that are read at a time.
const CHUNK: usize = 16 * 1024;

/// The number of bytes that have to follow a position before it is known what is there: two escapes of a surrogate pair.
const LOOKAHEAD: usize = 12;

/// Reads a journal without what JSON does not allow.
pub(crate) struct Repaired<R> {
    source: R,
    /// What was read. The part between `start` and `at` is repaired and was not given out yet.
    bytes: Vec<u8>,
    start: usize,
    at: usize,
    is_quoted: bool,
    has_ended: bool,
    is_blank: bool,
}

impl<R: Read> Repaired<R> {
    pub(crate) const fn new(source: R) -> Self {
        Self {
            source,
            bytes: Vec::new(),
            start: 0,
            at: 0,
            is_quoted: false,
            has_ended: false,
            is_blank: true,
        }
    }

    /// Returns whether there was nothing but white space so far.
    pub(crate) const fn is_blank(&self) -> bool {
        self.is_blank
    }

    /// Reads and repairs the next chunk.
    fn fill(&mut self) -> io::Result<()> {
        while self.start == self.at && !(self.has_ended && self.at == self.bytes.len()) {
            self.bytes.drain(..self.start);
            (self.start, self.at) = (0, 0);
            let mut chunk = [0; CHUNK];
            let length = self.source.read(&mut chunk)?;
            self.has_ended = length == 0;
            self.is_blank &= chunk[..length].trim_ascii().is_empty();
            self.bytes.extend_from_slice(&chunk[..length]);
            self.at = self.repair();
        }
        Ok(())
    }

    /// Repairs what was read, and returns up to where. The rest depends on what follows.
    fn repair(&mut self) -> usize {
        let mut at = 0;
        while let Some(&byte) = self.bytes.get(at) {
            if !self.has_ended && at + LOOKAHEAD > self.bytes.len() {
                break;
            }
            at += match (self.is_quoted, byte) {
                (_, b'"') => {
                    self.is_quoted = !self.is_quoted;
                    1
                }
                (true, b'\\') => replace_surrogate(&mut self.bytes, at),
                (false, b'-' | b'I' | b'N') => blank_number(&mut self.bytes, at),
                (_, ..0x80) => 1,
                _ => replace_invalid(&mut self.bytes, at),
            };
        }
        at.min(self.bytes.len())
    }
}

impl<R: Read> Read for Repaired<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.fill()?;
        let length = buffer.len().min(self.at - self.start);
        buffer[..length].copy_from_slice(&self.bytes[self.start..self.start + length]);
        self.start += length;
        Ok(length)
    }
}

/// Replaces a sequence at `at` that is not UTF-8. Returns the number of bytes to skip.
fn replace_invalid(bytes: &mut [u8], at: usize) -> usize {
    /// The length of the longest character in UTF-8.
    const LONGEST: usize = 4;
    let end = bytes.len().min(at + LONGEST);
    let Some(chunk) = bytes[at..end].utf8_chunks().next() else { return 1 };
    let valid = chunk.valid().chars().next().map_or(0, char::len_utf8);
    if valid > 0 {
        return valid;
    }
    let length = chunk.invalid().len().max(1);
    bytes[at..at + length].fill(b'?');
    length
}

/// Replaces `NaN` or an infinity at `at` by an empty string. Returns the number of bytes to skip.
fn blank_number(bytes: &mut [u8], at: usize) -> usize {
    let Some(found) = WORDS.iter().find(|word| bytes.get(at..).is_some_and(|rest| rest.starts_with(word)))
    else {
        return 1;
    };
    if let Some(place) = bytes.get_mut(at..at + found.len()) {
        place.fill(b' ');
        place[..2].fill(b'"');
    }
    found.len()
}

/// Replaces a lone surrogate at `at` by the replacement character. Returns the number of bytes to skip.
fn replace_surrogate(bytes: &mut [u8], at: usize) -> usize {
    match code_unit(bytes, at) {
        Some(0xD800..=0xDBFF) if matches!(code_unit(bytes, at + 6), Some(0xDC00..=0xDFFF)) => 12,
        Some(0xD800..=0xDFFF) => {
            if let Some(place) = bytes.get_mut(at + 2..at + 6) {
                place.copy_from_slice(b"fffd");
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
    use proptest::prelude::*;
    use rstest::rstest;

    /// Gives out at most `step` bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = buffer.len().min(self.1);
            self.0.read(&mut buffer[..length])
        }
    }

    fn repair(bytes: &[u8], step: usize) -> Vec<u8> {
        let mut repaired = Vec::new();
        Repaired::new(Slow(bytes, step)).read_to_end(&mut repaired).unwrap();
        repaired
    }

    #[rstest]
    #[case(r#"{"a":NaN}"#, r#"{"a":"" }"#)]
    #[case("[Infinity,-Infinity,-1]", r#"[""      ,""       ,-1]"#)]
    #[case(r#"["\ud800 \udc00","\ud83d\ude00"]"#, r#"["\ufffd \ufffd","\ud83d\ude00"]"#)]
    #[case(r#"["\\ud800\"NaN",NaN]"#, r#"["\\ud800\"NaN","" ]"#)]
    #[case::nothing(r#"{"a":"NaN and \\ud800 and -Infinity"}"#, r#"{"a":"NaN and \\ud800 and -Infinity"}"#)]
    #[case::nothing(r#"{"ä":"€𝄞\u"#, r#"{"ä":"€𝄞\u"#)]
    #[case::nothing("N", "N")]
    #[case::nothing("\"\\", "\"\\")]
    #[case::nothing("", "")]
    fn replaces_what_json_does_not_allow(#[case] from: &str, #[case] to: &str) {
        for step in [1, 2, 5, 100] {
            assert_eq!(String::from_utf8(repair(from.as_bytes(), step)).unwrap(), to, "{step}");
        }
    }

    proptest! {
        #[test]
        fn what_is_not_utf8_becomes_question_marks(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'\xe2'), Just(b'\x82'), Just(b'\xac')], 0..60),
            step in 1_usize..20,
        ) {
            // What Python writes besides is covered above.
            let bytes: Vec<u8> = bytes.into_iter().filter(|byte| !b"\"\\-IN".contains(byte)).collect();
            let chunks = bytes.utf8_chunks();
            let expected: String =
                chunks.flat_map(|chunk| [chunk.valid().to_owned(), "?".repeat(chunk.invalid().len())]).collect();
            prop_assert_eq!(repair(&bytes, step), expected.as_bytes());
        }
    }
}
