//! The bare client: creates the objects of as many runs, and deletes them, without an operator.

use std::time::{Duration, Instant};

use kube::api::{Api, DeleteParams, DynamicObject, ListParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::conditions::is_deleted;
use serde_json::{Value, json};

use crate::common::install::Install;
use crate::common::variables;
use crate::load::all;
use chaostoolkit_operator::commands::render::render;

/// How long the bare client took.
pub struct Yardstick {
    /// To create all objects.
    pub created: Duration,
    /// To delete all of them.
    pub deleted: Duration,
}

/// The objects of one run, without the namespace.
fn objects(install: &Install) -> Vec<Value> {
    let experiment = json!({"apiVersion": "chaostoolkit.org/v1", "kind": "ChaosToolkitExperiment",
        "metadata": {"name": "bare", "namespace": install.namespace, "uid": "00000000-0000-0000-0000-000000000000"},
        "spec": {"namespace": install.run_namespace, "pod": {"experiment": {"asFile": false}}}});
    let rendered = render(&experiment.to_string(), None, &[]).unwrap();
    rendered.into_iter().filter(|object| object["kind"] != "Namespace").collect()
}

/// The objects of a run, to be created under many names.
pub struct Objects(Vec<(Api<DynamicObject>, Value)>);

impl Objects {
    pub fn of(install: &Install) -> Self {
        let _ = variables::required("KUBECONFIG", "the cluster to test on");
        let with_api = |object: Value| {
            let text = |field: &Value| field.as_str().unwrap_or_default().to_owned();
            let (version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
            let (group, version) = version.split_once('/').unwrap_or(("", &version));
            let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &kind));
            let (client, namespace) = (install.client.clone(), &install.run_namespace);
            (Api::namespaced_with(client, namespace, &resource), object)
        };
        Self(objects(install).into_iter().map(with_api).collect())
    }

    /// Creates the objects of one run, one after the other.
    pub async fn create(&self, number: usize) {
        for (api, object) in &self.0 {
            let mut object = object.clone();
            object["metadata"]["name"] = json!(format!("bare-{number}"));
            object["metadata"]["labels"] = json!({"bare": "true"});
            object["metadata"]["finalizers"] = json!([]);
            if object["kind"] == "Pod" {
                object["spec"]["serviceAccountName"] = object["metadata"]["name"].clone();
            }
            let object = serde_json::from_value(object).unwrap();
            api.create(&PostParams::default(), &object).await.unwrap();
        }
    }

    /// Deletes the objects of this many runs, waits until they are gone, and returns how long the calls took.
    pub async fn delete(&self, count: usize) -> Duration {
        let began = Instant::now();
        all(0..count, async |number| {
            for (api, _) in &self.0 {
                api.delete(&format!("bare-{number}"), &DeleteParams::default()).await.unwrap();
            }
        })
        .await;
        let deleted = began.elapsed();
        for (api, _) in &self.0 {
            let left = api.list_metadata(&ListParams::default().labels("bare=true")).await.unwrap();
            for object in left {
                let (name, uid) = (object.metadata.name.unwrap(), object.metadata.uid.unwrap());
                kube::runtime::wait::await_condition(api.clone(), &name, is_deleted(&uid)).await.unwrap();
            }
        }
        deleted
    }
}

/// Creates the objects of this many runs and deletes them.
pub async fn measure(install: &Install, count: usize) -> Yardstick {
    let objects = Objects::of(install);
    let began = Instant::now();
    all(0..count, async |number| objects.create(number).await).await;
    let created = began.elapsed();
    Yardstick { created, deleted: objects.delete(count).await }
}
