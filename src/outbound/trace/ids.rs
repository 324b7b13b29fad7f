//! The ids of traces and spans. A run has the same ids each time, so a trace that is sent again is no second one.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// Returns the id of the trace of a run.
#[must_use]
pub fn trace_id(uid: &str, run: &str) -> Vec<u8> {
    hash(&[uid, run], 16)
}

/// Returns the id of a span by its place in the trace.
pub fn span_id(trace: &[u8], place: &str) -> Vec<u8> {
    hash(&[&hex(trace), place], 8)
}

/// Returns bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn hash(parts: &[&str], length: usize) -> Vec<u8> {
    let mut hasher = Sha256::new();
    for part in parts {
        // The length tells ("a", "bc") from ("ab", "c").
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize()[..length].to_vec()
}
