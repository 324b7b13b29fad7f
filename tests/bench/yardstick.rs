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

/// Creates the objects of this many runs and deletes them.
pub async fn measure(install: &Install, count: usize) -> Yardstick {
    let _ = variables::required("KUBECONFIG", "the cluster to test on");
    let objects = objects(install);
    let api = |object: &Value| {
        let text = |field: &Value| field.as_str().unwrap_or_default().to_owned();
        let (version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
        let (group, version) = version.split_once('/').unwrap_or(("", &version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &kind));
        Api::<DynamicObject>::namespaced_with(install.client.clone(), &install.run_namespace, &resource)
    };
    let apis: Vec<Api<DynamicObject>> = objects.iter().map(api).collect();
    let named = |object: &Value, number: usize| {
        let mut object = object.clone();
        object["metadata"]["name"] = json!(format!("bare-{number}"));
        object["metadata"]["labels"] = json!({"bare": "true"});
        object["metadata"]["finalizers"] = json!([]);
        if object["kind"] == "Pod" {
            object["spec"]["serviceAccountName"] = object["metadata"]["name"].clone();
        }
        serde_json::from_value::<DynamicObject>(object).unwrap()
    };
    let began = Instant::now();
    all(0..count, async |number| {
        for (api, object) in apis.iter().zip(&objects) {
            api.create(&PostParams::default(), &named(object, number)).await.unwrap();
        }
    })
    .await;
    let created = began.elapsed();
    let began = Instant::now();
    all(0..count, async |number| {
        for api in &apis {
            api.delete(&format!("bare-{number}"), &DeleteParams::default()).await.unwrap();
        }
    })
    .await;
    let deleted = began.elapsed();
    for api in &apis {
        let left = api.list_metadata(&ListParams::default().labels("bare=true")).await.unwrap();
        for object in left {
            let uid = object.metadata.uid.unwrap();
            let gone = is_deleted(&uid);
            kube::runtime::wait::await_condition(api.clone(), &object.metadata.name.unwrap(), gone)
                .await
                .unwrap();
        }
    }
    Yardstick { created, deleted }
}
