//! The environment variables that tests are run with. An empty variable counts as one that is not set.

#![allow(dead_code, reason = "each test program uses a part of this")]

use std::env::VarError;
use std::fmt::Display;
use std::str::FromStr;

/// Returns the text of a variable, or `None` if the variable is not set.
pub fn text(variable: &str) -> Option<String> {
    match std::env::var(variable) {
        Ok(text) => Some(text).filter(|text| !text.is_empty()),
        Err(VarError::NotPresent) => None,
        Err(VarError::NotUnicode(_)) => panic!("{variable} is not valid UTF-8"),
    }
}

/// Returns the text of a variable without which the test cannot run. `purpose` says what the variable names.
pub fn required(variable: &str, purpose: &str) -> String {
    text(variable).unwrap_or_else(|| panic!("{variable} is not set: it names {purpose}; see CONTRIBUTING.md"))
}

/// Returns the number in a variable, or the default if the variable is not set.
pub fn number<T>(variable: &str, default: T) -> T
where
    T: FromStr<Err: Display>,
{
    let Some(text) = text(variable) else { return default };
    text.parse().unwrap_or_else(|error| panic!("{variable} is not a number that fits: {text:?}: {error}"))
}
