//! The objects of a run.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::cluster::manifest::{Kind, Manifest};
use crate::experiment::build::{objects, targets};
use crate::experiment::decide::plan::pod::toolkit_container;
use chaostoolkit_api::{ResourceRef, Targets, names};

/// The objects of a run, in the order of their creation. They are deleted in reverse.
#[derive(Clone, Debug, PartialEq)]
pub struct Resources {
    /// The namespace. It is shared, so it is never deleted and never labeled.
    pub namespace: Manifest,
    /// The run's own service account, roles, bindings and `ConfigMap`s.
    pub owned: Vec<Manifest>,
    /// The pod of the run, or the `CronJob` that creates pods.
    pub workload: Manifest,
    /// The role and the binding that the run gets in each namespace that is found for it. They are in none yet.
    pub in_targets: Vec<Manifest>,
    /// The namespaces that were found for the run. What it gets there is among `owned`.
    pub targets: Option<Targets>,
    /// The namespaces among them in which the run has no rights otherwise.
    pub reached: BTreeSet<String>,
}

impl Resources {
    /// The objects of a run that acts on no namespaces that are found for it.
    #[must_use]
    pub const fn new(namespace: Manifest, owned: Vec<Manifest>, workload: Manifest) -> Self {
        Self { namespace, owned, workload, in_targets: Vec::new(), targets: None, reached: BTreeSet::new() }
    }

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

    /// Adds what the run gets in the namespaces that were found for it. A pod gets their names. The pods of a schedule get them
    /// when their Jobs go.
    #[must_use]
    pub fn reaching(mut self, targets: Targets) -> Self {
        let is_new = |namespace: &&String| {
            !self.owned.iter().any(|own| is_right(own) && own.namespace() == *namespace)
        };
        self.reached = targets.namespaces.iter().filter(is_new).cloned().collect();
        for namespace in &self.reached {
            let rights = self.in_targets.iter().cloned();
            self.owned.extend(rights.map(|right| objects::placed(right, namespace)));
        }
        if self.workload.kind == Kind::Pod {
            self.workload.map(&["metadata", "annotations"]).extend(targets::annotations(&targets));
        }
        self.targets = Some(targets);
        self
    }

    /// What the run gets only since a namespace was found for it.
    pub fn of_targets(&self) -> impl Iterator<Item = &Manifest> {
        self.owned.iter().filter(|own| self.is_of_target(own))
    }

    fn is_of_target(&self, own: &Manifest) -> bool {
        is_right(own) && self.reached.contains(own.namespace())
    }

    /// The objects that the status records for the teardown, in order. The status has another place for the pod.
    #[must_use]
    pub fn references(&self) -> Vec<ResourceRef> {
        let scheduled = self.is_scheduled().then_some(&self.workload);
        let recorded = |own: &Manifest| ResourceRef { target: self.is_of_target(own), ..own.reference() };
        self.owned.iter().chain(scheduled).map(recorded).collect()
    }
}

fn is_right(own: &Manifest) -> bool {
    matches!(own.kind, Kind::Role | Kind::RoleBinding)
}
