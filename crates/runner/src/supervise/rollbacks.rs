//! Detects in the output of the toolkit that the rollbacks begin.
//!
//! All versions from 1.0 to 1.21 print one such line to stderr, before the first rollback:
//!
//! ```text
//! [2026-11-21 07:51:32 INFO] Let's rollback...
//! \x1b[32m[2026-11-21 07:51:32 INFO] [run:1072]\x1b[0m Let's rollback...
//! {"process": 7, "levelname": "INFO", …, "message": "Let's rollback..."}
//! ```
//!
//! An activity can have the same name, and a program can print any text. So the whole line has to match.
//!
//! A program can print the whole line too, and then a request to stop does not reach the toolkit. What that costs is bounded.
//! The kubelet kills the pod at the end of its grace period. And the line counts for an hour only, so a long run that had it
//! early can be stopped later. More is not possible: such a program could also make the toolkit ignore the signal.

use std::time::Duration;

const MESSAGE: &[u8] = b"Let's rollback...";

/// The maximum length of a line. Longer lines do not match.
const MAX_LINE_BYTES: usize = 4096;

/// For how long the line counts. Few grace periods are longer, and beyond them the pod is killed anyway.
const COUNTS_FOR: Duration = Duration::from_secs(3600);

/// Returns whether rollbacks that were announced this long ago may still go on.
pub fn still_counts(age: Duration) -> bool {
    age < COUNTS_FOR
}

/// Searches output that arrives in chunks of any length.
#[derive(Default)]
pub struct RollbackDetector {
    line: Vec<u8>,
    too_long: bool,
}

impl RollbackDetector {
    /// Returns whether a line that ends in this chunk announces the rollbacks.
    pub fn push(&mut self, chunk: &[u8]) -> bool {
        let mut found = false;
        for part in chunk.split_inclusive(|byte| *byte == b'\n') {
            let whole = part.last() == Some(&b'\n');
            if self.line.len() + part.len() > MAX_LINE_BYTES {
                self.too_long = true;
                self.line.clear();
            }
            if !self.too_long {
                self.line.extend_from_slice(part);
            }
            if whole {
                found |= !self.too_long && announces_rollbacks(&self.line);
                self.line.clear();
                self.too_long = false;
            }
        }
        found
    }
}

fn announces_rollbacks(line: &[u8]) -> bool {
    // Exclude most lines quickly.
    if !line.windows(MESSAGE.len()).any(|window| window == MESSAGE) {
        return false;
    }
    let line = without_escape_sequences(line);
    let line = line.trim_ascii();
    if line.first() == Some(&b'{') {
        let Ok(record) = serde_json::from_slice::<serde_json::Value>(line) else { return false };
        return record.get("levelname").is_some()
            && record.get("message").and_then(serde_json::Value::as_str).map(str::as_bytes) == Some(MESSAGE);
    }
    let head = line.strip_suffix(MESSAGE).map(<[u8]>::trim_ascii_end);
    head.is_some_and(|head| {
        let level = head.windows(5).position(|window| window == b"INFO]");
        let (Some(level), b'[') = (level, head.first().copied().unwrap_or_default()) else { return false };
        match head.get(level + 5..).map(<[u8]>::trim_ascii) {
            Some([]) => !head[..level].contains(&b']'),
            // `[run:1072]`, which the toolkit adds if it is verbose.
            Some([b'[', place @ .., b']']) => !place.iter().any(|byte| matches!(byte, b'[' | b']' | b' ')),
            _ => false,
        }
    })
}

fn without_escape_sequences(line: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some((&byte, tail)) = rest.split_first() {
        let end = match rest {
            // Some terminals select a character set along with the color.
            [0x1b, b'(', _, ..] => Some(3),
            [0x1b, b'[', sequence @ ..] => {
                sequence.iter().position(|byte| (0x40..=0x7e).contains(byte)).map(|end| end + 3)
            }
            _ => None,
        };
        if let Some(end) = end {
            rest = &rest[end..];
        } else {
            kept.push(byte);
            rest = tail;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn is_detected(text: &[u8], step: usize) -> bool {
        let mut detector = RollbackDetector::default();
        text.chunks(step).fold(false, |found, chunk| detector.push(chunk) | found)
    }

    #[rstest]
    #[case("[2026-11-21 07:51:32 INFO] Let's rollback...\n")]
    #[case("\x1b[32m[2026-11-21 07:51:32 INFO] Let's rollback...\n")]
    #[case("\x1b[32m[2026-11-21 07:51:32 INFO]\x1b[0m Let's rollback...\x1b[0m\r\n")]
    #[case("\x1b[32m[2026-11-21 07:51:32 INFO] [run:1072]\x1b(B\x1b[m Let's rollback...\n")]
    #[case("\x1b[32m[2026-11-21 07:51:32 INFO] [run:1072]\x1b[39m Let's rollback...\n")]
    #[case(
        "{\"process\": 7, \"levelname\": \"INFO\", \"message\": \"Let's rollback...\", \"context_id\": \"x\"}\n"
    )]
    fn detects_the_message(#[case] line: &str) {
        for step in [1, 2, 7, 1000] {
            assert!(is_detected(line.as_bytes(), step), "{step}");
            let text = format!("{}\nhello\n{line}more", "x".repeat(MAX_LINE_BYTES + 1));
            assert!(is_detected(text.as_bytes(), step), "{step}");
        }
    }

    #[test]
    fn the_line_withholds_a_signal_for_an_hour_and_no_longer() {
        assert!(still_counts(Duration::ZERO) && still_counts(Duration::from_secs(3599)));
        assert!(!still_counts(Duration::from_secs(3600)) && !still_counts(Duration::MAX));
    }

    #[rstest]
    #[case("Let's rollback...\n")]
    #[case("[2026-11-21 07:51:32 INFO] Action: Let's rollback...\n")]
    #[case("[2026-11-21 07:51:32 INFO] Action: [x] Let's rollback...\n")]
    #[case("[2026-11-21 07:51:32 INFO] [a b] Let's rollback...\n")]
    #[case("[2026-11-21 07:51:32 DEBUG] Let's rollback...\n")]
    #[case("[2026-11-21 07:51:32 INFO] Let's rollback... now\n")]
    #[case("x [2026-11-21 07:51:32 INFO] Let's rollback...\n")]
    #[case("[2026-11-21 07:51:32 INFO] Let's rollback...")]
    #[case("{\"message\": \"Let's rollback...\"}\n")]
    #[case("{\"levelname\": \"INFO\", \"message\": \"Action: Let's rollback...\"}\n")]
    #[case("{\"levelname\": \"INFO\", \"message\": \"x\", \"y\": \"Let's rollback...\"}\n")]
    #[case("[] Let's rollback...\n")]
    #[case("INFO] Let's rollback...\n")]
    fn ignores_other_lines(#[case] line: &str) {
        for step in [1, 7, 1000] {
            assert!(!is_detected(line.as_bytes(), step), "{step}");
        }
    }
}
