//! The objects of a run.

use serde_json::Value;

use crate::cluster::manifest::{Kind, Manifest};
use chaostoolkit_api::{ResourceRef, names};

/// The objects of a run, in the order in which they are created. Torn down in reverse.
#[derive(Clone, Debug, PartialEq)]
pub struct Resources {
    /// Shared, so never deleted and never labelled.
    pub namespace: Manifest,
    /// Service account, roles, bindings, `ConfigMap`s: the run's own.
    pub owned: Vec<Manifest>,
    /// The run itself: a pod, or a `CronJob` that makes pods.
    pub workload: Manifest,
}

impl Resources {
    /// The pod, or the template that pods are made from.
    #[must_use]
    pub fn pod(&self) -> &Value {
        match self.workload.kind {
            Kind::CronJob => &self.workload.value["spec"]["jobTemplate"]["spec"]["template"],
            _ => &self.workload.value,
        }
    }

    /// Whether the runner starts the toolkit in the pod.
    #[must_use]
    pub fn has_runner(&self) -> bool {
        let containers = self.pod()["spec"]["containers"].as_array();
        let mut containers = containers.into_iter().flatten();
        let toolkit = containers.find(|container| container["name"] == names::CONTAINER);
        toolkit.is_some_and(|container| container["command"][0] == names::RUNNER)
    }

    /// Whether runs come again and again.
    #[must_use]
    pub fn is_scheduled(&self) -> bool {
        self.workload.kind == Kind::CronJob
    }

    /// What the status records for the teardown, in order. A pod has its own place there.
    #[must_use]
    pub fn references(&self) -> Vec<ResourceRef> {
        let scheduled = self.is_scheduled().then_some(&self.workload);
        self.owned.iter().chain(scheduled).map(Manifest::reference).collect()
    }
}
