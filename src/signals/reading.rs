//! What was read of a signal.

use crate::signals::text::{VALUE, WORDS, shown};
use chaostoolkit_api::reason::Reason;

/// What was read of a signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Whether what was expected holds.
    pub holds: bool,
    /// What was read, for messages. It is short and on one line.
    pub value: String,
}

impl Reading {
    /// Creates a reading. The value may come from anywhere.
    #[must_use]
    pub fn new(holds: bool, value: &str) -> Self {
        Self { holds, value: shown(value, VALUE) }
    }

    /// Adds the warnings of the source to the value.
    #[must_use]
    pub fn with_warnings(mut self, warnings: &[&str]) -> Self {
        if let [first, others @ ..] = warnings {
            let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
            self.value = format!("{} (warning: {}{more})", self.value, shown(first, VALUE));
        }
        self
    }
}

/// Why a signal could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SignalError {
    /// The reason for conditions, events and metrics.
    pub reason: Reason,
    /// A sentence for people. It is short and on one line.
    pub message: String,
}

impl SignalError {
    /// Creates an error. The message may quote what a source answered.
    #[must_use]
    pub fn new(reason: Reason, message: &str) -> Self {
        Self { reason, message: shown(message, 2 * WORDS) }
    }
}
