//! The activities of the method, as a summary names them.

use serde::{Deserialize, Serialize};

/// An activity of the method that was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The name, shortened.
    pub name: String,
    /// The result of the activity.
    pub status: StepStatus,
}

/// How an activity ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepStatus {
    /// The activity succeeded. To the toolkit, a process that exits with an error has succeeded.
    Succeeded,
    /// The activity failed.
    Failed,
    /// The activity did not end, since it was interrupted.
    Unfinished,
}
