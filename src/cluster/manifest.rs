//! Objects in the form in which they are sent to the API server.

use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, Role, RoleBinding};
use kube::core::{ApiResource, DynamicObject};
use serde_json::{Map, Value};

use crate::cluster::objects::Check;
use chaostoolkit_api::{ResourceRef, Text, names};

/// The kinds of the objects of an experiment.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    strum::Display,
    strum::EnumIter,
    strum::EnumString,
    strum::IntoStaticStr,
)]
pub enum Kind {
    /// The namespace of the run.
    Namespace,
    /// The service account of the pod.
    ServiceAccount,
    /// The permissions of the service account.
    Role,
    /// Binds the role to the service account.
    RoleBinding,
    /// Binds a `ClusterRole` to the service account in the whole cluster.
    ClusterRoleBinding,
    /// Holds environment variables, an experiment or a journal.
    ConfigMap,
    /// The pod of a run.
    Pod,
    /// Starts the runs of a schedule.
    CronJob,
    /// One run of a `CronJob`. Kubernetes creates it, except for a rerun.
    Job,
}

impl Kind {
    /// Whether a recorded object is of this kind.
    #[must_use]
    pub fn is_of(self, recorded: &ResourceRef) -> bool {
        recorded.kind == self.as_str()
    }

    /// Whether objects of this kind are in namespaces.
    #[must_use]
    pub const fn is_namespaced(self) -> bool {
        !matches!(self, Self::Namespace | Self::ClusterRoleBinding)
    }

    /// Returns the check of the names of this kind. Each name that passes is one segment of a URL.
    #[must_use]
    pub fn name_check(self) -> Check {
        match self {
            Self::Namespace => names::check_dns_label,
            // These names may have colons and capital letters.
            Self::Role | Self::RoleBinding | Self::ClusterRoleBinding => names::check_path_segment,
            Self::ServiceAccount | Self::ConfigMap | Self::Pod | Self::CronJob | Self::Job => {
                names::check_dns_subdomain
            }
        }
    }

    /// Returns the resource of the API server for this kind.
    #[must_use]
    pub fn api_resource(self) -> ApiResource {
        match self {
            Self::Namespace => ApiResource::erase::<Namespace>(&()),
            Self::ServiceAccount => ApiResource::erase::<ServiceAccount>(&()),
            Self::Role => ApiResource::erase::<Role>(&()),
            Self::RoleBinding => ApiResource::erase::<RoleBinding>(&()),
            Self::ClusterRoleBinding => ApiResource::erase::<ClusterRoleBinding>(&()),
            Self::ConfigMap => ApiResource::erase::<ConfigMap>(&()),
            Self::Pod => ApiResource::erase::<Pod>(&()),
            Self::CronJob => ApiResource::erase::<CronJob>(&()),
            Self::Job => ApiResource::erase::<Job>(&()),
        }
    }
}

/// An object to create. It is untyped, since the operator sets only a few fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The kind of the object.
    pub kind: Kind,
    /// The whole object.
    pub value: Value,
}

impl Manifest {
    /// Creates a manifest. A value that is not a mapping becomes an empty mapping.
    #[must_use]
    pub fn new(kind: Kind, value: Value) -> Self {
        let value = if value.is_object() { value } else { Value::Object(Map::new()) };
        Self { kind, value }
    }

    /// Returns the name. It is empty if there is none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns the namespace. It is empty for an object that is in none.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.value.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns the value of an annotation, if there is one.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.value["metadata"]["annotations"][key].as_str()
    }

    /// Returns the mapping at a path of keys. Creates missing mappings, and replaces other values on the path.
    pub fn map(&mut self, path: &[&str]) -> &mut Map<String, Value> {
        path.iter().fold(as_map(&mut self.value), |map, key| {
            as_map(map.entry((*key).to_owned()).or_insert_with(|| Value::Object(Map::new())))
        })
    }

    /// Returns the reference that is recorded on the status.
    #[must_use]
    pub fn reference(&self) -> ResourceRef {
        ResourceRef {
            kind: self.kind.to_string(),
            namespace: self.namespace().to_owned(),
            name: self.name().to_owned(),
            adopted: false,
            target: false,
            uid: None,
        }
    }

    /// Returns the title of the object for messages.
    #[must_use]
    pub fn title(&self) -> String {
        title(self.kind, self.namespace(), self.name())
    }

    /// Converts the object into the form that the client sends.
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

/// Returns the title of an object for messages: its kind, namespace and name.
#[must_use]
pub fn title(kind: Kind, namespace: &str, name: &str) -> String {
    if namespace.is_empty() { format!("{kind} {name}") } else { format!("{kind} {namespace}/{name}") }
}
