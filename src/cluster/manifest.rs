//! The objects of a run, as they go to the API server.

use std::fmt;

use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::core::{ApiResource, DynamicObject};
use serde_json::{Map, Value};

use chaostoolkit_api::{ResourceRef, names};

/// The kinds that an experiment can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Namespace of the run.
    Namespace,
    /// Account of the pod.
    ServiceAccount,
    /// Rights of the account.
    Role,
    /// Role to account.
    RoleBinding,
    /// Environment variables.
    ConfigMap,
    /// The run itself.
    Pod,
    /// The run itself, again and again.
    CronJob,
    /// One run of a `CronJob`; made by Kubernetes.
    Job,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Namespace,
        Self::ServiceAccount,
        Self::Role,
        Self::RoleBinding,
        Self::ConfigMap,
        Self::Pod,
        Self::CronJob,
        Self::Job,
    ];

    /// Its name in `kind:`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Namespace => "Namespace",
            Self::ServiceAccount => "ServiceAccount",
            Self::Role => "Role",
            Self::RoleBinding => "RoleBinding",
            Self::ConfigMap => "ConfigMap",
            Self::Pod => "Pod",
            Self::CronJob => "CronJob",
            Self::Job => "Job",
        }
    }

    /// The kind of this name, if it is one of ours.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// How the API server calls it.
    #[must_use]
    pub fn api_resource(self) -> ApiResource {
        match self {
            Self::Namespace => ApiResource::erase::<Namespace>(&()),
            Self::ServiceAccount => ApiResource::erase::<ServiceAccount>(&()),
            Self::Role => ApiResource::erase::<Role>(&()),
            Self::RoleBinding => ApiResource::erase::<RoleBinding>(&()),
            Self::ConfigMap => ApiResource::erase::<ConfigMap>(&()),
            Self::Pod => ApiResource::erase::<Pod>(&()),
            Self::CronJob => ApiResource::erase::<CronJob>(&()),
            Self::Job => ApiResource::erase::<Job>(&()),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An object that is to be created, untyped but for the few fields that are ours to set.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// Its kind.
    pub kind: Kind,
    /// All of it.
    pub value: Value,
}

impl Manifest {
    /// Takes an object of this kind; one that is no mapping becomes an empty one.
    #[must_use]
    pub fn new(kind: Kind, value: Value) -> Self {
        let value = if value.is_object() { value } else { Value::Object(Map::new()) };
        Self { kind, value }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default()
    }

    /// Its namespace; empty for a Namespace itself.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.value.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default()
    }

    /// One of its annotations.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.value["metadata"]["annotations"][key].as_str()
    }

    /// The mapping at a path of keys. What is in the way and is no mapping is replaced by one.
    pub fn map(&mut self, path: &[&str]) -> &mut Map<String, Value> {
        path.iter().fold(as_map(&mut self.value), |map, key| {
            as_map(map.entry((*key).to_owned()).or_insert_with(|| Value::Object(Map::new())))
        })
    }

    /// Its reference, for the record.
    #[must_use]
    pub fn reference(&self) -> ResourceRef {
        ResourceRef {
            kind: self.kind.as_str().to_owned(),
            namespace: self.namespace().to_owned(),
            name: self.name().to_owned(),
            adopted: false,
        }
    }

    /// The form in which the client sends it.
    pub fn to_dynamic(&self) -> Result<DynamicObject, serde_json::Error> {
        serde_json::from_value(self.value.clone())
    }
}

fn as_map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("made an object in the line above"),
    }
}

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
    pub fn is_reported(&self) -> bool {
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
