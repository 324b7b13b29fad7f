//! Standard output.

use std::io::Write;

use anyhow::Context;

/// Prints a text to standard output.
pub fn print(text: &str) -> anyhow::Result<()> {
    std::io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")
}
