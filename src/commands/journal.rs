//! `journal`: prints the outcomes of runs from their journals.

use std::path::Path;

use anyhow::ensure;
use serde_json::{Value, json};

use crate::cli::JournalArgs;
use crate::commands::output::print;
use chaostoolkit_journal::{Summary, rate};

/// Prints one line of JSON for each file. Fails after the last line if a file could not be read.
pub fn run(JournalArgs { files }: &JournalArgs) -> anyhow::Result<()> {
    let mut unread = 0;
    for file in files {
        let (line, is_read) = line(file);
        unread += usize::from(!is_read);
        print(&format!("{line}\n"))?;
    }
    ensure!(unread == 0, "{unread} of {} files could not be read", files.len());
    Ok(())
}

/// Returns the line about a file, and whether the file could be read.
#[must_use]
pub fn line(file: &Path) -> (Value, bool) {
    let name = file.to_string_lossy();
    let journal = std::fs::read(file).map_err(anyhow::Error::from);
    match journal.and_then(|bytes| Ok(Summary::of(&chaostoolkit_journal::parse(&bytes)?))) {
        Ok(Summary { outcome, warnings, conclusive, activities, rollbacks, .. }) => {
            let line = json!({
                "file": name, "result": rate(outcome, &warnings).result, "outcome": outcome, "warnings": warnings, "conclusive": conclusive,
                "activities": activities, "rollbacks": rollbacks,
            });
            (line, true)
        }
        Err(error) => (json!({"file": name, "error": format!("{error:#}")}), false),
    }
}
