//! What an author says about how a run is to go, and what becomes of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When rollbacks are played.
/// <https://chaostoolkit.org/reference/usage/run/>
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum RollbackStrategy {
    /// As the version of the toolkit does it: which differs between versions.
    Default,
    /// Whatever happened.
    Always,
    /// Not at all.
    Never,
    /// If the system deviated.
    Deviated,
}

/// When the steady state is evaluated.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum HypothesisStrategy {
    /// Before and after the method.
    Default,
    /// Before it.
    BeforeMethodOnly,
    /// After it.
    AfterMethodOnly,
    /// During it.
    DuringMethodOnly,
    /// Before, during and after it.
    Continuously,
}

/// What a dry run leaves out.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum DryRun {
    /// Probes.
    Probes,
    /// Actions.
    Actions,
    /// Both.
    Activities,
    /// Pauses.
    Pause,
}

/// What becomes of what was created, once a run has ended. The status and the journals stay in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct CleanupSpec {
    /// After a run that succeeded: `keep` (the default) everything until the experiment is deleted, `keepPod` nothing but
    /// the pod, or `delete` all of it.
    pub on_success: Keep,
    /// After any other end.
    pub on_failure: Keep,
}

/// What is kept of a run that has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Keep {
    /// Everything.
    #[default]
    Keep,
    /// The pod, for its log.
    KeepPod,
    /// Nothing.
    Delete,
}
