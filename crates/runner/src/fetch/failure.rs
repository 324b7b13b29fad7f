//! Why there is no experiment.

use chaostoolkit_journal::{Refusal, RefusalKind};

use crate::command::StartError;

/// Why there is no experiment.
#[derive(Debug)]
pub enum Failure {
    /// It cannot be had, or it is not the right one.
    Refused(Refusal),
    /// A stop was requested meanwhile.
    Stopped,
    /// There is no Python, or no room for the file.
    Broken(StartError),
}

/// Returns the failure of an experiment that cannot be had, or that is not the right one.
pub fn refused(kind: RefusalKind, line: &str) -> Failure {
    Failure::Refused(Refusal::new(kind, line))
}
