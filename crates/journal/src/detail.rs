//! Why a run has its outcome: the activity that decided it, what it returned and what was expected.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The activity that decided a run. As JSON, it has at most 200 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// The name of the activity, shortened.
    pub activity: String,
    /// The part of the run.
    pub phase: Place,
    /// The beginning of what the activity returned. Absent if it failed, or if that may be a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<String>,
    /// The beginning of its tolerance. Absent if it failed, or if that may be a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The beginning of the exception, if the activity failed. Absent if that may be a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// The hypothesis before the method.
    Before,
    /// The hypothesis during the method.
    During,
    /// The hypothesis after the method.
    After,
    /// The method.
    Method,
    /// The rollbacks.
    Rollbacks,
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, when) = match self.phase {
            Place::Before => ("probe", " before the method"),
            Place::During => ("probe", " during the method"),
            Place::After => ("probe", " after the method"),
            Place::Method => ("activity", ""),
            Place::Rollbacks => ("rollback", ""),
        };
        write!(f, "the {what} \"{}\"", self.activity)?;
        match (&self.returned, &self.expected, &self.error) {
            (Some(returned), Some(expected), _) => {
                write!(f, " returned {returned}{when}, expected {expected}")
            }
            (Some(returned), None, _) => write!(f, " returned {returned}{when}"),
            (None, Some(expected), _) => write!(f, " did not return {expected}{when}"),
            (None, None, Some(error)) => write!(f, " failed{when}: {error}"),
            (None, None, None) => write!(f, " failed{when}"),
        }
    }
}
