//! What the toolkit says when it ends without a journal.

use serde::{Deserialize, Serialize};

/// Why the toolkit did not run an experiment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// The kind of the problem.
    pub kind: RefusalKind,
    /// The last error that the toolkit printed, without its time and level. At most [`MAX_LINE_BYTES`] bytes.
    pub line: String,
}

/// The kinds of problems for which the toolkit does not run an experiment.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantArray,
)]
pub enum RefusalKind {
    /// A Python module or a function of it is not installed in the image.
    ExtensionMissing,
    /// A variable of the environment, or a file, is missing that the configuration or a secret refers to.
    ConfigurationMissing,
    /// The experiment is not valid.
    ExperimentInvalid,
    /// The experiment could not be fetched from its URL.
    ExperimentUnreachable,
    /// The toolkit does not know an argument.
    ArgumentsInvalid,
}

/// The maximum length of [`Refusal::line`], in bytes.
pub const MAX_LINE_BYTES: usize = 200;

impl Refusal {
    /// Finds the refusal in the end of a log of the toolkit.
    #[must_use]
    pub fn find(log: &str) -> Option<Self> {
        let line = log.lines().rev().find_map(|line| line.split_once(" ERROR] ").map(|(_, text)| text))?;
        let mut end = line.len().min(MAX_LINE_BYTES);
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        Some(Self { kind: RefusalKind::ExperimentInvalid, line: line[..end].to_owned() })
    }
}
