//! What the author declares in the experiment.

use serde::Serialize;

/// What the author declares in the experiment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Declared {
    /// The title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What the experiment contributes to, such as availability.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contributions: Vec<Contribution>,
    /// The title of the hypothesis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hypothesis: Option<String>,
    /// The names of the probes of the hypothesis.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub probes: Vec<String>,
    /// The names of the activities of the method.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub method: Vec<String>,
    /// The names of the rollbacks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rollbacks: Vec<String>,
    /// The strategy of the hypothesis that the experiment asks for. An option of the command overrides it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hypothesis_strategy: Option<String>,
    /// The names and values of the configuration. Only with [`Options::outputs`](crate::Options).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub configuration: Vec<(String, String)>,
    /// The names of the secrets. Their values are never kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// The source of the experiment on the status: `configmap/NAME/KEY`, `url` or `inline`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The SHA-256 hash of the experiment on the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// A hash of the parts of the spec that describe the run, on the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec_hash: Option<String>,
}

/// What an experiment contributes to, and how much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Contribution {
    /// The quality of the system, such as `availability`.
    pub name: String,
    /// How much the experiment contributes to it.
    pub level: Level,
}

/// How much an experiment contributes to a quality of the system. See
/// [Contributions](https://chaostoolkit.org/reference/api/experiment/#contributions).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, strum::IntoStaticStr, strum::VariantArray,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Level {
    /// Much.
    High,
    /// Some.
    Medium,
    /// Little.
    Low,
    /// Nothing.
    None,
}
