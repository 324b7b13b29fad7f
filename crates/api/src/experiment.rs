//! The experiment as the operator reads it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bounded;
use crate::lenient;
use crate::spec::ChaosToolkitExperiment;
use crate::status::ExperimentStatus as Status;

/// An experiment as the operator reads it. Metadata and status are typed. The spec is not, and may be absent.
#[derive(Resource, Clone, Debug, Default, Serialize, Deserialize)]
#[resource(inherit = "ChaosToolkitExperiment")]
pub struct Experiment {
    /// Standard metadata.
    pub metadata: ObjectMeta,
    /// The spec as the author wrote it.
    #[serde(default, deserialize_with = "bounded::spec", skip_serializing_if = "Option::is_none")]
    pub spec: Option<Value>,
    /// The status that the operator wrote.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
}

impl Experiment {
    /// Returns the name. It is empty if the object was never stored.
    #[must_use]
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// Returns the namespace. It is empty if the object was never stored.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.metadata.namespace.as_deref().unwrap_or_default()
    }

    /// Returns the uid, from which the names of all children are derived.
    #[must_use]
    pub fn uid(&self) -> &str {
        self.metadata.uid.as_deref().unwrap_or_default()
    }

    /// Returns whether the experiment is being deleted.
    #[must_use]
    pub const fn is_deleting(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }

    /// Returns whether the experiment has this finalizer.
    #[must_use]
    pub fn has_finalizer(&self, finalizer: &str) -> bool {
        self.metadata.finalizers.iter().flatten().any(|found| found == finalizer)
    }

    /// Returns `namespace/name`, for annotations and messages.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}", self.namespace(), self.name())
    }
}
