//! Finds what keeps an experiment from doing what its author means, before it injects anything. Pure.
//!
//! Only what is known counts: of an image that nobody has described, no module is missing. A finding names keys, variables and
//! rights, but never values, which may be secrets.

mod finding;
mod keys;
mod known;
mod modules;
mod rights;
mod variables;

use serde_json::Value;

pub use finding::{Finding, Findings, Kind, MOST};
pub use known::Known;
pub use rights::needed;
pub use variables::asked;

#[cfg(test)]
mod tests;

/// Returns what is wrong with an experiment.
#[must_use]
pub fn findings(experiment: &Value, known: &Known<'_>) -> Findings {
    let mut found = Findings::default();
    keys::misspelled(experiment, &mut found);
    modules::missing(experiment, known, &mut found);
    if let Some(variables) = &known.variables {
        variables::missing(experiment, variables, &mut found);
    }
    rights::lacking(experiment, known, &mut found);
    found
}
