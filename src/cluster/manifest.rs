//! Objects as they go to the API server.

use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::core::{ApiResource, DynamicObject};
use serde_json::{Map, Value};

use chaostoolkit_api::ResourceRef;

/// The kinds that an experiment can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, strum::EnumString, strum::IntoStaticStr)]
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
            kind: self.kind.to_string(),
            namespace: self.namespace().to_owned(),
            name: self.name().to_owned(),
            adopted: false,
        }
    }

    /// How it is called in a message.
    #[must_use]
    pub fn title(&self) -> String {
        title(self.kind, self.namespace(), self.name())
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

/// How an object is called in a message: its kind, namespace and name.
#[must_use]
pub fn title(kind: Kind, namespace: &str, name: &str) -> String {
    if namespace.is_empty() { format!("{kind} {name}") } else { format!("{kind} {namespace}/{name}") }
}
