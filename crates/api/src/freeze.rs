//! Freezes: times in which no run may start.
#![allow(clippy::doc_markdown, reason = "`kubectl explain` prints these texts as they are")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::lenient;

/// The fields of the spec, which the operator keeps in memory.
pub const FIELDS: [&str; 4] = ["active", "until", "reason", "abortRunning"];

/// The longest reason in characters.
pub const LONGEST_REASON: u32 = 256;

/// When no run may start. A freeze in the namespace of the operator holds all runs. Any other one holds the runs of the
/// experiments in its namespace, and those that take place or have a Role there.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "chaostoolkit.org",
    version = "v1",
    kind = "ChaosToolkitFreeze",
    plural = "chaosfreezes",
    singular = "chaosfreeze",
    shortname = "ctf",
    shortname = "ctfs",
    namespaced,
    status = "FreezeStatus",
    doc = "ChaosToolkitFreeze keeps runs of experiments from starting, and can stop those that go on.",
    printcolumn(
        name = "State",
        type_ = "string",
        json_path = ".status.state",
        description = "Whether the freeze holds runs: Active, Inactive or Expired"
    ),
    printcolumn(
        name = "Until",
        type_ = "string",
        json_path = ".spec.until",
        description = "When the freeze ends by itself"
    ),
    printcolumn(
        name = "Held",
        type_ = "integer",
        json_path = ".status.held",
        description = "Number of experiments that wait for the end of the freeze"
    ),
    printcolumn(
        name = "Stopped",
        type_ = "integer",
        json_path = ".status.stopped",
        description = "Number of runs that the freeze has stopped"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".spec.reason",
        description = "Reason for the freeze"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct ChaosToolkitFreezeSpec {
    /// Whether the freeze holds runs. Defaults to true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// Time when the freeze ends by itself, such as `2026-12-24T08:00:00Z`. Without it, the freeze lasts until it is deleted
    /// or `active` is false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// Reason for the freeze, for people. The status and the events of the experiments that it holds have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = LONGEST_REASON))]
    pub reason: Option<String>,
    /// Whether to stop the runs that go on, too. The Chaos Toolkit plays their rollbacks. Defaults to false: they go on to
    /// their end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abort_running: Option<bool>,
}

/// The status of a freeze.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FreezeStatus {
    /// The generation of the spec that this status describes. It is -1 until the operator has seen the freeze.
    #[serde(default, deserialize_with = "lenient::generation", skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Whether the freeze holds runs: Active, Inactive or Expired.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Number of experiments that wait for the end of the freeze.
    #[serde(default, deserialize_with = "lenient::field")]
    pub held: i32,
    /// Number of runs that the freeze has stopped, as far as the statuses of the experiments still say so.
    #[serde(default, deserialize_with = "lenient::field")]
    pub stopped: i32,
}
