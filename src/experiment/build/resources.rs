//! The objects of a run.

use serde_json::Value;

use crate::cluster::manifest::{Kind, Manifest};
use crate::experiment::decide::plan::pod::toolkit_container;
use chaostoolkit_api::{ResourceRef, names};

/// The objects of a run, in the order of their creation. They are deleted in reverse.
#[derive(Clone, Debug, PartialEq)]
pub struct Resources {
    /// The namespace. It is shared, so it is never deleted and never labeled.
    pub namespace: Manifest,
    /// The run's own service account, roles, bindings and `ConfigMap`s.
    pub owned: Vec<Manifest>,
    /// The pod of the run, or the `CronJob` that creates pods.
    pub workload: Manifest,
}

impl Resources {
    /// The pod, or the pod template of the `CronJob`.
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
        self.toolkit().is_some_and(|container| container["command"][0] == names::RUNNER)
    }

    /// The container that runs the toolkit.
    #[must_use]
    pub fn toolkit(&self) -> Option<&Value> {
        let containers = self.pod()["spec"]["containers"].as_array()?;
        containers.get(toolkit_container(containers)?)
    }

    /// Whether the runs follow a schedule.
    #[must_use]
    pub fn is_scheduled(&self) -> bool {
        self.workload.kind == Kind::CronJob
    }

    /// The objects that the status records for the teardown, in order. The status has another place for the pod.
    #[must_use]
    pub fn references(&self) -> Vec<ResourceRef> {
        let scheduled = self.is_scheduled().then_some(&self.workload);
        self.owned.iter().chain(scheduled).map(Manifest::reference).collect()
    }
}
