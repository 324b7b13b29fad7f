//! The objects of a kind, and the names by which calls reach them.
//!
//! A name becomes a segment of a URL, and kube does not escape it. A name with `?`, `/`, `#`, `%` or `..` would lead to
//! another object. So only an [`ObjectName`] can go into a call, and only a check makes one. kube's own `Api`, which takes
//! any text, does not leave this room: `tests/layers.rs` lists the few files that name it.

use std::fmt::Debug;

use futures::AsyncBufRead;
use kube::api::{Api, DeleteParams, ListParams, LogParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, DynamicResourceScope, ObjectList, PartialObjectMeta};
use kube::{Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cluster::error::Error;
use chaostoolkit_api::names;

/// A name that is one segment of a URL and needs no escapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectName(String);

/// A check of a name. The error names the problem.
pub type Check = fn(&str) -> Result<(), String>;

/// The objects of a kind, in a namespace or in all of them.
#[derive(Clone)]
pub struct Objects<K> {
    api: Api<K>,
    namespace: Option<String>,
    kind: String,
    check: Check,
}

impl<K> Objects<K>
where
    K: Resource<DynamicType = ()>,
{
    /// The objects in a namespace. Fails if no namespace can have this name.
    pub(super) fn within(client: &Client, namespace: &str) -> Result<Self, Error>
    where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope>,
    {
        let kind = K::kind(&()).into_owned();
        checked_namespace(&kind, namespace)?;
        let api = Api::namespaced(client.clone(), namespace);
        Ok(Self { api, namespace: Some(namespace.to_owned()), kind, check: names::check_dns_subdomain })
    }

    /// The objects in all namespaces, or those that are in none.
    pub(super) fn everywhere(client: &Client, check: Check) -> Self {
        Self { api: Api::all(client.clone()), namespace: None, kind: K::kind(&()).into_owned(), check }
    }
}

impl<K> Objects<K>
where
    K: Resource<DynamicType = ApiResource, Scope = DynamicResourceScope>,
{
    /// The objects of a kind that no type tells. Without a namespace, those in all namespaces, or those that are in none.
    pub(super) fn untyped(
        client: &Client,
        resource: &ApiResource,
        namespace: Option<&str>,
        check: Check,
    ) -> Result<Self, Error> {
        let kind = resource.kind.clone();
        let api = match namespace {
            Some(namespace) => {
                checked_namespace(&kind, namespace)?;
                Api::namespaced_with(client.clone(), namespace, resource)
            }
            None => Api::all_with(client.clone(), resource),
        };
        Ok(Self { api, namespace: namespace.map(str::to_owned), kind, check })
    }
}

impl<K> Objects<K> {
    /// Checks the name of an object of this kind. Only a name that passes can go into a call.
    pub fn name(&self, name: &str) -> Result<ObjectName, Error> {
        match (self.check)(name) {
            Ok(()) => Ok(ObjectName(name.to_owned())),
            Err(problem) => {
                let place = self.namespace().map(|namespace| format!(" in namespace {namespace}"));
                let field = format!("metadata.name of a {}{}", self.kind, place.unwrap_or_default());
                Err(Error::BadName { field, problem })
            }
        }
    }

    /// Returns the namespace of the objects, if they are all in one.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }
}

impl<K> Objects<K>
where
    K: Clone + Debug + DeserializeOwned,
{
    /// Reads an object. Returns `None` if it does not exist.
    pub async fn get_opt(&self, name: &ObjectName) -> kube::Result<Option<K>> {
        self.api.get_opt(&name.0).await
    }

    /// Reads the metadata of an object. Returns `None` if it does not exist.
    pub async fn get_metadata_opt(&self, name: &ObjectName) -> kube::Result<Option<PartialObjectMeta<K>>> {
        self.api.get_metadata_opt(&name.0).await
    }

    /// Lists objects.
    pub async fn list(&self, parameters: &ListParams) -> kube::Result<ObjectList<K>> {
        self.api.list(parameters).await
    }

    /// Lists the metadata of objects.
    pub async fn list_metadata(
        &self,
        parameters: &ListParams,
    ) -> kube::Result<ObjectList<PartialObjectMeta<K>>> {
        self.api.list_metadata(parameters).await
    }

    /// Creates an object.
    pub async fn create(&self, parameters: &PostParams, object: &K) -> kube::Result<K>
    where
        K: Serialize,
    {
        self.api.create(parameters, object).await
    }

    /// Replaces an object.
    pub async fn replace(&self, name: &ObjectName, parameters: &PostParams, object: &K) -> kube::Result<K>
    where
        K: Serialize,
    {
        self.api.replace(&name.0, parameters, object).await
    }

    /// Patches an object.
    pub async fn patch<P: Serialize + Debug>(
        &self,
        name: &ObjectName,
        parameters: &PatchParams,
        patch: &Patch<P>,
    ) -> kube::Result<K> {
        self.api.patch(&name.0, parameters, patch).await
    }

    /// Patches an object, and reads only its metadata.
    pub async fn patch_metadata<P: Serialize + Debug>(
        &self,
        name: &ObjectName,
        parameters: &PatchParams,
        patch: &Patch<P>,
    ) -> kube::Result<PartialObjectMeta<K>> {
        self.api.patch_metadata(&name.0, parameters, patch).await
    }

    /// Patches the status of an object.
    pub async fn patch_status<P: Serialize + Debug>(
        &self,
        name: &ObjectName,
        parameters: &PatchParams,
        patch: &Patch<P>,
    ) -> kube::Result<K> {
        self.api.patch_status(&name.0, parameters, patch).await
    }

    /// Deletes an object. Returns it as the API server last had it, if the response says so.
    #[expect(clippy::redundant_closure_for_method_calls, reason = "the type is of a crate below kube")]
    pub async fn delete(&self, name: &ObjectName, parameters: &DeleteParams) -> kube::Result<Option<K>> {
        self.api.delete(&name.0, parameters).await.map(|response| response.left())
    }
}

impl Objects<k8s_openapi::api::core::v1::Pod> {
    /// Reads the log of a container of a pod as it is written.
    pub async fn log_stream(
        &self,
        name: &ObjectName,
        parameters: &LogParams,
    ) -> kube::Result<impl AsyncBufRead + use<>> {
        self.api.log_stream(&name.0, parameters).await
    }
}

fn checked_namespace(kind: &str, namespace: &str) -> Result<(), Error> {
    names::check_dns_label(namespace)
        .map_err(|problem| Error::BadName { field: format!("metadata.namespace of a {kind}"), problem })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use http::{Request, Response, Uri};
    use kube::client::Body;
    use proptest::prelude::*;
    use serde_json::json;
    use strum::IntoEnumIterator;

    use super::*;
    use crate::cluster::manifest::{Kind, Manifest};
    use crate::cluster::{Cluster, owned_by, patching};

    /// Returns access to an API server that knows no object, and the URLs of the requests.
    fn recorded() -> (Cluster, Arc<Mutex<Vec<Uri>>>) {
        let asked = Arc::<Mutex<Vec<Uri>>>::default();
        let log = asked.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            log.lock().unwrap().push(request.uri().clone());
            let missing = json!({"kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound"});
            let answer = Response::builder().status(404).body(Body::from(missing.to_string().into_bytes()));
            async move { Ok::<_, std::io::Error>(answer.unwrap()) }
        });
        (Cluster::new(Client::new(service, "default"), Duration::from_secs(9)), asked)
    }

    /// Makes one call of each sort with a name, if the name passes the check.
    async fn call_all(cluster: &Cluster, kind: Kind, namespace: &str, name: &str) -> Result<(), Error> {
        let objects = cluster.objects(kind, namespace)?;
        let checked = objects.name(name)?;
        let patch = Patch::Merge(json!({}));
        let object = Manifest::new(kind, json!({"metadata": {"name": name}})).to_dynamic().unwrap();
        let _ = objects.get_opt(&checked).await;
        let _ = objects.get_metadata_opt(&checked).await;
        let _ = objects.patch(&checked, &patching(), &patch).await;
        let _ = objects.patch_metadata(&checked, &patching(), &patch).await;
        let _ = objects.patch_status(&checked, &patching(), &patch).await;
        let _ = objects.replace(&checked, &PostParams::default(), &object).await;
        let _ = objects.delete(&checked, &DeleteParams::default()).await;
        let _ = objects.list(&owned_by(name).unwrap_or_default()).await;
        let pods = cluster.pods(namespace)?;
        let _ = pods.log_stream(&checked, &LogParams::default()).await.map(|_| ());
        Ok(())
    }

    fn kinds() -> impl Strategy<Value = Kind> {
        proptest::sample::select(Kind::iter().filter(|kind| kind.is_namespaced()).collect::<Vec<_>>())
    }

    proptest! {
        #[test]
        fn a_path_has_the_segments_that_were_meant_whatever_the_name(
            kind in kinds(),
            namespace in "[a-z-]{1,9}|\\PC{0,9}",
            name in "[a-zA-Z0-9.:_-]{1,20}|[a-z./?#%&=:\\\\ @\u{e9}\n-]{0,20}|\\PC{0,20}",
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let (called, asked) = runtime.block_on(async {
                let (cluster, asked) = recorded();
                (call_all(&cluster, kind, &namespace, &name).await, asked)
            });
            let asked = asked.lock().unwrap();
            prop_assert_eq!(asked.is_empty(), called.is_err(), "a bad name makes no call: {:?}", called);
            let plural = kind.api_resource().plural;
            for url in asked.iter() {
                let path: Vec<&str> = url.path().split('/').collect();
                let from = path.iter().position(|part| *part == "namespaces").unwrap();
                match &path[from..] {
                    ["namespaces", found, "pods", last, "log"] if *found == namespace => prop_assert_eq!(*last, &name),
                    ["namespaces", found, kind, last] | ["namespaces", found, kind, last, "status"]
                        if *found == namespace && *kind == plural => prop_assert_eq!(*last, &name),
                    ["namespaces", found, kind] => prop_assert!(*found == namespace && *kind == plural),
                    other => prop_assert!(false, "{:?}", other),
                }
            }
        }
    }

    #[tokio::test]
    async fn what_is_in_no_namespace_has_a_path_without_one() {
        let (cluster, asked) = recorded();
        let kind = Kind::ClusterRoleBinding;
        assert!(cluster.objects(kind, "run").is_err() && asked.lock().unwrap().is_empty());
        let bindings = cluster.objects(kind, "").unwrap();
        let _ = bindings.get_opt(&bindings.name("system:a").unwrap()).await;
        let _ = cluster.create(&Manifest::new(kind, json!({"metadata": {"name": "a"}}))).await;
        let root = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
        let paths: Vec<String> = asked.lock().unwrap().iter().map(|url| url.path().to_owned()).collect();
        assert_eq!(paths, [format!("{root}/system:a"), root.to_owned()]);
    }

    #[tokio::test]
    async fn roles_may_have_names_that_other_objects_may_not_have() {
        let (cluster, _) = recorded();
        for name in ["system:node", "Admin_1", "a.b"] {
            assert!(cluster.objects(Kind::Role, "run").unwrap().name(name).is_ok(), "{name}");
        }
        let pods = cluster.pods("run").unwrap();
        assert!(pods.name("system:node").is_err() && pods.name("a.b").is_ok());
        let error = pods.name("victim?x=").unwrap_err().describe();
        assert!(
            error.starts_with("no call is made: metadata.name of a Pod in namespace run: \"victim?x=\""),
            "{error}"
        );
        let error = cluster.pods("a/../kube-system").map(|_| ()).unwrap_err().describe();
        assert!(error.contains("metadata.namespace of a Pod"), "{error}");
    }
}
