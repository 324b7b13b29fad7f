//! The kinds of problems for which the toolkit does not run an experiment.

use serde::{Deserialize, Serialize};

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
