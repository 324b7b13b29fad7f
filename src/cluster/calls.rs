//! Calls to the API server. Each call has a time limit, and its error names its purpose.

use std::future::Future;
use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Event, Namespace, Pod, ServiceAccount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use kube::{Client, Resource};
use serde_json::json;

use crate::cluster::conditioned::Conditioned;
use crate::cluster::error::Error;
use crate::cluster::manifest::{Kind, Manifest};
use crate::cluster::objects::Objects;
use chaostoolkit_api::{Experiment, Freeze, names};

/// A client whose calls have a time limit, and errors that name the object.
#[derive(Clone)]
pub struct Cluster {
    pub(super) client: Client,
    limit: Duration,
}

impl Cluster {
    /// Wraps a client. The client must not retry by itself. A repeated `POST` would conflict with the object that it created,
    /// and 15 retries take longer than any limit.
    #[must_use]
    pub const fn new(client: Client, limit: Duration) -> Self {
        Self { client, limit }
    }

    /// Returns the time limit of a call.
    #[must_use]
    pub const fn limit(&self) -> Duration {
        self.limit
    }

    /// Returns the experiments in a namespace.
    pub fn experiments(&self, namespace: &str) -> Result<Objects<Experiment>, Error> {
        Objects::within(&self.client, namespace)
    }

    /// Returns the freezes in a namespace.
    pub fn freezes(&self, namespace: &str) -> Result<Objects<Freeze>, Error> {
        Objects::within(&self.client, namespace)
    }

    /// Returns the pods in a namespace.
    pub fn pods(&self, namespace: &str) -> Result<Objects<Pod>, Error> {
        Objects::within(&self.client, namespace)
    }

    /// Returns the Jobs in a namespace.
    pub fn jobs(&self, namespace: &str) -> Result<Objects<Job>, Error> {
        Objects::within(&self.client, namespace)
    }

    /// Returns the events in a namespace. Only the core API selects them by their object.
    pub fn events(&self, namespace: &str) -> Result<Objects<Event>, Error> {
        Objects::within(&self.client, namespace)
    }

    /// Returns the `ConfigMap`s in a namespace.
    pub fn config_maps(&self, namespace: &str) -> Result<Objects<ConfigMap>, Error> {
        Objects::within(&self.client, namespace)
    }

    /// Returns the lists of runs in a namespace.
    pub fn runs(&self, namespace: &str) -> Result<Objects<DynamicObject>, Error> {
        Objects::untyped(&self.client, &runs_resource(), Some(namespace), names::check_dns_subdomain)
    }

    /// Returns the service accounts in a namespace.
    pub fn service_accounts(&self, namespace: &str) -> Result<Objects<ServiceAccount>, Error> {
        Objects::within(&self.client, namespace)
    }

    /// Returns the namespaces.
    #[must_use]
    pub fn namespaces(&self) -> Objects<Namespace> {
        Objects::everywhere(&self.client, names::check_dns_label)
    }

    /// Returns the objects of a kind in a namespace. For a kind whose objects are in none, it has to be empty.
    pub fn objects(&self, kind: Kind, namespace: &str) -> Result<Objects<DynamicObject>, Error> {
        if !kind.is_namespaced() && !namespace.is_empty() {
            let field = format!("metadata.namespace of a {kind}");
            return Err(Error::BadName { field, problem: format!("{namespace:?} must be empty") });
        }
        let namespace = kind.is_namespaced().then_some(namespace);
        Objects::untyped(&self.client, &kind.api_resource(), namespace, kind.name_check())
    }

    /// Returns the conditions of objects in a namespace, of a kind that others have chosen.
    pub fn conditioned(
        &self,
        resource: &ApiResource,
        namespace: &str,
    ) -> Result<Objects<Conditioned>, Error> {
        let ApiResource { group, version, plural, .. } = resource;
        let group_is_valid = if group.is_empty() { Ok(()) } else { names::check_dns_subdomain(group) };
        let checks = [group_is_valid, names::check_dns_label(version), names::check_dns_label(plural)];
        for (part, check) in ["API group", "API version", "resource"].into_iter().zip(checks) {
            check.map_err(|problem| Error::BadName { field: format!("{part} of a kind"), problem })?;
        }
        // The kind decides on what a name may be. This is the widest rule whose names are one segment of a URL.
        Objects::untyped(&self.client, resource, Some(namespace), names::check_path_segment)
    }

    /// Returns the experiments as they are stored, in a namespace or in all of them. They include those that cannot be read.
    pub fn stored_experiments(&self, namespace: Option<&str>) -> Result<Objects<DynamicObject>, Error> {
        let resource = ApiResource::erase::<Experiment>(&());
        Objects::untyped(&self.client, &resource, namespace, names::check_dns_subdomain)
    }

    /// Returns the leases in a namespace.
    pub fn leases(&self, namespace: &str) -> Result<Objects<Lease>, Error> {
        Objects::within(&self.client, namespace)
    }

    /// Returns the objects of a kind in all namespaces.
    #[must_use]
    pub fn everywhere<K: Resource<DynamicType = ()>>(&self) -> Objects<K> {
        Objects::everywhere(&self.client, names::check_dns_subdomain)
    }

    /// Creates an object, including its unknown fields.
    pub async fn create(&self, manifest: &Manifest) -> Result<DynamicObject, Error> {
        let doing = format!("create {}", manifest.title());
        let object = manifest.to_dynamic().map_err(|error| Error::unreadable(doing.clone(), error))?;
        let parameters = posting();
        let kind = manifest.kind;
        let namespace = kind.is_namespaced().then(|| manifest.namespace());
        let api = Objects::untyped(&self.client, &kind.api_resource(), namespace, kind.name_check())?;
        api.name(manifest.name())?;
        self.call(doing, api.create(&parameters, &object)).await.map_err(Error::of_creation)
    }

    /// Sets the finalizers of the object that was read. Returns a conflict if the object has changed since.
    pub async fn set_finalizers<K>(
        &self,
        api: &Objects<K>,
        kind: &str,
        object: &K,
        finalizers: &[String],
    ) -> Result<ObjectMeta, Error>
    where
        K: Resource + Clone + std::fmt::Debug + serde::de::DeserializeOwned,
    {
        let ObjectMeta { name, namespace, uid, resource_version, .. } = object.meta();
        let name = name.as_deref().unwrap_or_default();
        let checked = api.name(name)?;
        let patch =
            json!({"metadata": {"uid": uid, "resourceVersion": resource_version, "finalizers": finalizers}});
        let parameters = patching();
        let doing =
            format!("set the finalizers of {kind} {}/{name}", namespace.as_deref().unwrap_or_default());
        let patched =
            self.call(doing, api.patch_metadata(&checked, &parameters, &Patch::Merge(&patch))).await?;
        Ok(patched.metadata)
    }

    /// Waits for the response of a request within the time limit. `doing` names the purpose of the request in errors.
    pub async fn call<T>(
        &self,
        doing: String,
        request: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, Error> {
        match tokio::time::timeout(self.limit, request).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(source)) => Err(Error::Api { doing, source: Box::new(source) }),
            Err(_) => Err(Error::Timeout { doing, limit: self.limit }),
        }
    }

    /// Reads an object from the API server, not from a cache. Returns `None` if it does not exist.
    pub async fn find<K>(&self, api: &Objects<K>, kind: &str, name: &str) -> Result<Option<K>, Error>
    where
        K: Resource + Clone + std::fmt::Debug + serde::de::DeserializeOwned,
    {
        let place = api.namespace().map(|namespace| format!("{namespace}/")).unwrap_or_default();
        let checked = api.name(name)?;
        self.call(format!("look up {kind} {place}{name}"), api.get_opt(&checked)).await
    }
}

/// Returns the resource of the API server in which runs are listed.
#[must_use]
pub fn runs_resource() -> ApiResource {
    ApiResource::from_gvk_with_plural(
        &GroupVersionKind::gvk(names::GROUP, "v1", "ChaosToolkitRuns"),
        "chaosruns",
    )
}

/// Returns the parameters of a patch, with the operator as the field manager.
#[must_use]
pub fn patching() -> PatchParams {
    PatchParams { field_manager: Some(names::FIELD_MANAGER.to_owned()), ..PatchParams::default() }
}

/// Returns the parameters of a creation or a replacement, with the operator as the field manager.
#[must_use]
pub fn posting() -> PostParams {
    PostParams { field_manager: Some(names::FIELD_MANAGER.to_owned()), ..PostParams::default() }
}
