//! The subcommands of the program, one file for each.

pub mod cleanup;
pub mod crd;
pub mod journal;
pub mod render;
pub mod run;

use std::io::Write;

use anyhow::Context;

/// Prints to standard output.
fn print(text: &str) -> anyhow::Result<()> {
    std::io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")
}
