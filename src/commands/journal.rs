//! `journal`: prints the outcomes of runs from their journals.

use std::fs::File;
use std::io::Seek;
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
    match summary(file) {
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

/// The longest journal that is read, in bytes. The runner reads no longer ones either.
const LONGEST: u64 = 64 << 20;

fn summary(file: &Path) -> anyhow::Result<Summary> {
    let file = File::open(file)?;
    let open = || {
        (&file).rewind()?;
        Ok(&file)
    };
    Ok(Summary::of(&chaostoolkit_journal::read(open, LONGEST)?))
}
