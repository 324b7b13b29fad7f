//! What `chaostoolkit-operator journal` prints of a journal.

use std::path::Path;

use serde_json::{Value, json};

use chaostoolkit_journal::Summary;

/// The line about a file, and whether the file could be read.
#[must_use]
pub fn line(file: &Path) -> (Value, bool) {
    let name = file.to_string_lossy();
    let journal = std::fs::read(file).map_err(anyhow::Error::from);
    match journal.and_then(|bytes| Ok(Summary::of(&chaostoolkit_journal::parse(&bytes)?))) {
        Ok(Summary { outcome, warnings, conclusive, activities, rollbacks, .. }) => {
            let line = json!({
                "file": name, "outcome": outcome, "warnings": warnings, "conclusive": conclusive,
                "activities": activities, "rollbacks": rollbacks,
            });
            (line, true)
        }
        Err(error) => (json!({"file": name, "error": format!("{error:#}")}), false),
    }
}
