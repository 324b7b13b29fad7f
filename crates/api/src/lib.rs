//! The API: [`ChaosToolkitExperiment`] as users write it and as the API server checks it, and [`Experiment`], the
//! same object as the operator reads it.
//!
//! The two differ on purpose. The derived type is the contract: its schema becomes `manifests/crd.yaml`. The type that
//! is watched keeps `spec` as it came, so that one object with a field of the wrong type can neither break the watch
//! nor be lost: [`Spec::parse`](spec::ChaosToolkitExperimentSpec::parse) says which field is wrong, and the object
//! gets to know.

pub mod condition;
mod crd;
pub mod depth;
pub mod lenient;
pub mod names;
mod pod_address;
pub mod reason;
pub mod spec;
pub mod status;
mod text;
mod words;

pub use crd::crd;
pub use pod_address::PodAddress;
pub use spec::{ChaosToolkitExperiment, ChaosToolkitExperimentSpec as Spec};
pub use status::{
    About, Activities, Counters, ExperimentStatus as Status, JournalRef, Outcome, PastRun, Phase, Rescue,
    ResourceRef, Rollbacks, Run, ScheduleStatus, Trigger, Warning,
};
pub use text::Text;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An experiment as the operator reads it: metadata and status typed, the spec untouched and perhaps absent.
#[derive(Resource, Clone, Debug, Default, Serialize, Deserialize)]
#[resource(inherit = "ChaosToolkitExperiment")]
pub struct Experiment {
    /// Standard metadata.
    pub metadata: ObjectMeta,
    /// What the author wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<Value>,
    /// What the operator recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
}

impl Experiment {
    /// Its name; empty on an object that no API server has seen.
    #[must_use]
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// Its namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.metadata.namespace.as_deref().unwrap_or_default()
    }

    /// Its uid: what all names of children derive from.
    #[must_use]
    pub fn uid(&self) -> &str {
        self.metadata.uid.as_deref().unwrap_or_default()
    }

    /// Whether somebody has deleted it.
    #[must_use]
    pub const fn is_deleting(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }

    /// Whether it carries this finalizer.
    #[must_use]
    pub fn has_finalizer(&self, finalizer: &str) -> bool {
        self.metadata.finalizers.iter().flatten().any(|found| found == finalizer)
    }

    /// `namespace/name`, for annotations and people.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}", self.namespace(), self.name())
    }
}
