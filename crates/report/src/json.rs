//! The model as JSON.

use serde::Serialize;

use crate::error::Error;
use crate::report::Report;

/// The version of the JSON report. It changes if a field is renamed or removed, or changes its meaning. New fields do not
/// change it.
pub const VERSION: u32 = 1;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Versioned<'a> {
    /// What this is, for programs.
    kind: &'static str,
    version: u32,
    #[serde(flatten)]
    report: &'a Report,
}

/// Writes the report as JSON: `kind` is `ChaosToolkitReport`, `version` is [`VERSION`], and `runs` and `comparison` are those
/// of [`Report`].
pub fn write(report: &Report) -> Result<String, Error> {
    let versioned = Versioned { kind: "ChaosToolkitReport", version: VERSION, report };
    let mut text = serde_json::to_string_pretty(&versioned)
        .map_err(|error| Error::Write { cause: error.to_string() })?;
    text.push('\n');
    Ok(text)
}
