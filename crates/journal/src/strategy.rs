//! The strategies that the toolkit accepts for rollbacks and for the hypothesis.

use serde::{Deserialize, Serialize};

/// When the toolkit plays the rollbacks of an experiment.
/// See [the options of `chaos run`](https://chaostoolkit.org/reference/usage/run/).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum RollbackStrategy {
    /// As the version of the toolkit decides. Versions differ.
    Default,
    /// After each run.
    Always,
    /// After no run.
    Never,
    /// After a run in which the system deviated.
    Deviated,
}

/// When the toolkit evaluates the steady-state hypothesis.
///
/// The toolkit also knows `skip`. No spec can ask for it, so it is not listed here.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum HypothesisStrategy {
    /// Before and after the method.
    Default,
    /// Before the method.
    BeforeMethodOnly,
    /// After the method.
    AfterMethodOnly,
    /// During the method.
    DuringMethodOnly,
    /// Before, during and after the method.
    Continuously,
}
