//! Notices whether a journal may have a refusal, while it is read for something else.

use std::cell::Cell;
use std::io::{self, Read};

/// Bytes of each refusal that are the same however often the text is escaped.
const HINT: &[u8] = b"is forbidden: User ";

/// Sets a flag once the source has given out [`HINT`].
pub(crate) struct Hinted<'flag, R> {
    source: R,
    /// The end of what was read. The hint may begin there.
    end: Vec<u8>,
    is_seen: &'flag Cell<bool>,
}

impl<'flag, R> Hinted<'flag, R> {
    pub(crate) const fn new(source: R, is_seen: &'flag Cell<bool>) -> Self {
        Self { source, end: Vec::new(), is_seen }
    }
}

impl<R: Read> Read for Hinted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(buffer)?;
        let read = &buffer[..length];
        if !self.is_seen.get() {
            self.end.extend_from_slice(&read[..length.min(HINT.len() - 1)]);
            self.is_seen.set(contains(&self.end) || contains(read));
            let kept = &read[length.saturating_sub(HINT.len() - 1)..];
            if kept.len() == HINT.len() - 1 {
                self.end.clear();
                self.end.extend_from_slice(kept);
            } else {
                self.end.drain(..self.end.len().saturating_sub(HINT.len() - 1));
            }
        }
        Ok(length)
    }
}

fn contains(bytes: &[u8]) -> bool {
    bytes.windows(HINT.len()).any(|window| window == HINT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives out a few bytes at a time.
    struct Slow<'a>(&'a [u8], Vec<usize>);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let step = self.1.pop().unwrap_or(usize::MAX).min(buffer.len()).min(self.0.len());
            buffer[..step].copy_from_slice(&self.0[..step]);
            self.0 = &self.0[step..];
            Ok(step)
        }
    }

    proptest! {
        #[test]
        fn the_hint_is_seen_wherever_a_read_ends(
            before in "[a-z: ]{0,40}",
            middle in prop::sample::select(vec!["is forbidden: User ", "is forbidden: User", "is forbidden"]),
            after in "[a-z: ]{0,40}",
            steps in prop::collection::vec(1_usize..30, 0..60),
        ) {
            let text = format!("{before}{middle}{after}");
            let is_seen = Cell::new(false);
            let mut out = Vec::new();
            Hinted::new(Slow(text.as_bytes(), steps), &is_seen).read_to_end(&mut out)?;
            prop_assert_eq!(out, text.as_bytes());
            prop_assert_eq!(is_seen.get(), text.contains("is forbidden: User "));
        }
    }
}
