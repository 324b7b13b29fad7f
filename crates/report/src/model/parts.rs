//! What is known of a run besides its activities: where it is from, what ran it, and its rollbacks as a whole.

use chaostoolkit_journal::RollbackState;
use jiff::Timestamp;
use serde::Serialize;

/// Where the parts of a run are from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// The file or the `ConfigMap` with the journal. Absent if the run is known from its status alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal: Option<String>,
    /// The name of the `ConfigMap` that has the journal, as the status says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_map: Option<String>,
    /// Why there is no journal, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Whether the journal lacks the outputs, since they did not fit into the `ConfigMap`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// Whether the status of the experiment was read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub status: bool,
}

/// The toolkit that ran the experiment, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Toolkit {
    /// The version of the Chaos Toolkit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The version of `chaostoolkit-lib`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lib: Option<String>,
    /// The platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// The name of the host. In a cluster, it is the pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The node of the pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

/// The rollbacks as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RollbackSummary {
    /// The strategy: default, always, never or deviated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<String>,
    /// The state.
    pub state: RollbackState,
    /// The number of rollbacks that the experiment declares.
    pub total: usize,
    /// The number of rollbacks that failed.
    pub failed: usize,
}

/// A pod that played the rollbacks in place of the pod of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rescue {
    /// When the pod was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<Timestamp>,
    /// When the pod ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// The rollbacks that the pod played.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollbacks: Option<RollbackSummary>,
    /// Why the rollbacks were not played.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}
