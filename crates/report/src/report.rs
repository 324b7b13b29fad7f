//! A report of one or more runs.

use serde::Serialize;

use crate::comparison::Comparison;
use crate::model::Run;

/// A report of one or more runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The runs, in the order in which they are shown.
    pub runs: Vec<Run>,
    /// The comparison of the runs, if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
}

impl Report {
    /// Makes a report of runs. If there are several, it begins with their comparison.
    #[must_use]
    pub fn new(runs: Vec<Run>) -> Self {
        let comparison = (runs.len() > 1).then(|| Comparison::of(&runs));
        Self { runs, comparison }
    }

    /// The title of the report: that of the experiment, or else `Chaos Toolkit report`.
    #[must_use]
    pub fn title(&self) -> String {
        match &self.runs[..] {
            [run] => run.title(),
            _ => "Chaos Toolkit report".to_owned(),
        }
    }
}
