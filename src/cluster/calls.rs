//! Calls to the API server. Each call has a time limit, and its error names its purpose.

use std::future::Future;
use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Event, Namespace, Pod, ServiceAccount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, Resource};
use serde_json::json;

use crate::cluster::error::Error;
use crate::cluster::manifest::{Kind, Manifest};
use chaostoolkit_api::{Experiment, names};

/// A client whose calls have a time limit, and errors that name the object.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
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

    /// Returns the API of the experiments in a namespace.
    #[must_use]
    pub fn experiments(&self, namespace: &str) -> Api<Experiment> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// Returns the API of the pods in a namespace.
    #[must_use]
    pub fn pods(&self, namespace: &str) -> Api<Pod> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// Returns the API of the Jobs in a namespace.
    #[must_use]
    pub fn jobs(&self, namespace: &str) -> Api<Job> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// Returns the API of the events in a namespace. Only the core API selects them by their object.
    #[must_use]
    pub fn events(&self, namespace: &str) -> Api<Event> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// Returns the API of the `ConfigMap`s in a namespace.
    #[must_use]
    pub fn config_maps(&self, namespace: &str) -> Api<ConfigMap> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// Returns the API of the lists of runs in a namespace.
    #[must_use]
    pub fn runs(&self, namespace: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), namespace, &runs_resource())
    }

    /// Returns the API of the service accounts in a namespace.
    #[must_use]
    pub fn service_accounts(&self, namespace: &str) -> Api<ServiceAccount> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// Returns the API of namespaces.
    #[must_use]
    pub fn namespaces(&self) -> Api<Namespace> {
        Api::all(self.client.clone())
    }

    /// Returns the API of the objects of a kind in a namespace.
    #[must_use]
    pub fn objects(&self, kind: Kind, namespace: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), namespace, &kind.api_resource())
    }

    /// Creates an object, including its unknown fields.
    pub async fn create(&self, manifest: &Manifest) -> Result<DynamicObject, Error> {
        let doing = format!("create {}", manifest.title());
        let object = manifest.to_dynamic().map_err(|error| Error::unreadable(doing.clone(), error))?;
        let parameters = posting();
        let api = match manifest.kind {
            Kind::Namespace => Api::all_with(self.client.clone(), &manifest.kind.api_resource()),
            kind => self.objects(kind, manifest.namespace()),
        };
        self.call(doing, api.create(&parameters, &object)).await.map_err(Error::of_creation)
    }

    /// Sets the finalizers of the object that was read. Returns a conflict if the object has changed since.
    pub async fn set_finalizers<K>(
        &self,
        api: &Api<K>,
        kind: &str,
        object: &K,
        finalizers: &[String],
    ) -> Result<ObjectMeta, Error>
    where
        K: Resource + Clone + std::fmt::Debug + serde::de::DeserializeOwned,
    {
        let ObjectMeta { name, namespace, uid, resource_version, .. } = object.meta();
        let name = name.as_deref().unwrap_or_default();
        let patch =
            json!({"metadata": {"uid": uid, "resourceVersion": resource_version, "finalizers": finalizers}});
        let parameters = patching();
        let doing =
            format!("set the finalizers of {kind} {}/{name}", namespace.as_deref().unwrap_or_default());
        let patched = self.call(doing, api.patch_metadata(name, &parameters, &Patch::Merge(&patch))).await?;
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
    pub async fn find<K>(&self, api: &Api<K>, kind: &str, name: &str) -> Result<Option<K>, Error>
    where
        K: Resource + Clone + std::fmt::Debug + serde::de::DeserializeOwned,
    {
        let place = api.namespace().map(|namespace| format!("{namespace}/")).unwrap_or_default();
        self.call(format!("look up {kind} {place}{name}"), api.get_opt(name)).await
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
