//! A client that repeats the writes with which the operator starts a run, and decides nothing. It shows which part of the time
//! the API server needs for these writes.

use std::time::{Duration, Instant};

use chaostoolkit_api::{Experiment, names};
use k8s_openapi::api::events::v1;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::common::install::Install;
use crate::common::operator::Operator;
use crate::common::{create, delete_and_wait, wait};
use crate::load::{self, LIMIT, all};
use crate::seen::Seen;
use crate::yardstick::Objects;

/// What the operator has written for a run.
struct Recorded {
    finalizers: Vec<String>,
    status: Value,
    events: Vec<v1::Event>,
}

/// Runs one experiment with an operator, and returns what that has written.
async fn record(install: &Install) -> Recorded {
    let operator = Operator::start(install).await;
    install.apply_experiment("model", load::spec()).await;
    let experiments = install.experiments();
    let is_recorded = |found: Option<&Experiment>| {
        let run = found.and_then(|found| found.status.as_ref()?.run.as_ref());
        run.is_some_and(|run| run.pod_uid.is_some())
    };
    let found = wait(&experiments, "model", "its pod is recorded", is_recorded).await.unwrap();
    let finalizers = found.finalizers().to_vec();
    let status = serde_json::to_value(&found.status).unwrap();
    let events: Api<v1::Event> = Api::namespaced(install.client.clone(), &install.namespace);
    let events = events.list(&ListParams::default()).await.unwrap().items;
    let events: Vec<v1::Event> = events
        .into_iter()
        .filter(|event| event.regarding.as_ref().is_some_and(|about| about.name.as_deref() == Some("model")))
        .collect();
    delete_and_wait(&experiments, "model").await;
    operator.kill();
    Recorded { finalizers, status, events }
}

/// Repeats the writes for this many runs, and returns how long they took.
pub async fn measure(install: &Install, count: usize) -> Duration {
    let recorded = record(install).await;
    let objects = Objects::of(install);
    let began = Instant::now();
    all(0..count, async |number| start(install, &recorded, &objects, number).await).await;
    let took = began.elapsed();
    clean_up(install, &objects, count).await;
    took
}

/// The writes of one run, in the order of the operator.
async fn start(install: &Install, recorded: &Recorded, objects: &Objects, number: usize) {
    let name = format!("same-{number}");
    let experiments = install.experiments();
    install.apply_experiment(&name, load::spec()).await;
    let finalizers = json!({"metadata": {"finalizers": recorded.finalizers}});
    experiments.patch_metadata(&name, &PatchParams::default(), &Patch::Merge(finalizers)).await.unwrap();
    write_status(&experiments, &name, &recorded.status, "planned").await;
    objects.create(number).await;
    write_status(&experiments, &name, &recorded.status, "created").await;
    let events: Api<v1::Event> = Api::namespaced(install.client.clone(), &install.namespace);
    for (index, event) in recorded.events.iter().enumerate() {
        let mut event = serde_json::to_value(event).unwrap();
        event["metadata"] = json!({"name": format!("{name}-{index}"), "namespace": install.namespace});
        event["regarding"]["name"] = json!(name);
        create(&events, event).await;
    }
}

async fn write_status(experiments: &Api<Experiment>, name: &str, status: &Value, message: &str) {
    let mut status = status.clone();
    status["message"] = json!(message);
    let patch = json!({"apiVersion": "chaostoolkit.org/v1", "kind": "ChaosToolkitExperiment",
        "metadata": {"name": name}, "status": status});
    let parameters = PatchParams::apply(names::FIELD_MANAGER).force();
    experiments.patch_status(name, &parameters, &Patch::Apply(patch)).await.unwrap();
}

async fn clean_up(install: &Install, objects: &Objects, count: usize) {
    objects.delete(count).await;
    let experiments = install.experiments();
    let free = json!({"metadata": {"finalizers": []}});
    all(load::names("same", count), async |name| {
        experiments.patch_metadata(&name, &PatchParams::default(), &Patch::Merge(&free)).await.unwrap();
    })
    .await;
    experiments.delete_collection(&DeleteParams::default(), &ListParams::default()).await.unwrap();
    Seen::watch(install).until(LIMIT, "all are gone", |times| times.present.is_empty()).await;
}
