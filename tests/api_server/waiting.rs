//! Runs that wait for an object and start once it exists.

use std::time::{Duration, Instant};

use crate::common::install::Install;
use crate::common::operator::{Operator, quiet};
use crate::common::{audit, condition_of, config_map, create, delete, pod_of, wait_for_reason};
use chaostoolkit_api::Phase;
use chaostoolkit_api::condition::Type;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::json;
#[tokio::test]
#[ignore = "needs an API server"]
async fn missing_and_broken_templates_are_reported_and_the_run_starts_once_they_are_right() {
    let install = Install::new("templates").await;
    install.with_experiment("{}").await;
    let maps = install.config_maps(&install.namespace);
    let shipped: ConfigMap = maps.get("chaostoolkit-resources-templates").await.unwrap();
    delete(&maps, "chaostoolkit-resources-templates").await;
    let _operator = Operator::start(&install).await;
    install.apply_experiment("exp", json!({})).await;
    let status = wait_for_reason(&install.experiments(), "exp", "TemplatesMissing").await;
    assert_eq!(status.phase, Some(Phase::Blocked));
    assert!(
        status.message.unwrap().contains(&format!("{}/chaostoolkit-resources-templates", install.namespace))
    );

    let mut broken = shipped.clone();
    broken.metadata.resource_version = None;
    broken.data.as_mut().unwrap().insert("chaostoolkit-pod.yaml".into(), "kind: [".into());
    maps.create(&PostParams::default(), &broken).await.unwrap();
    let status = wait_for_reason(&install.experiments(), "exp", "TemplateInvalid").await;
    assert_eq!(condition_of(&status, Type::Provisioned), "False/TemplateInvalid");
    assert!(status.message.unwrap().contains("key chaostoolkit-pod.yaml"), "the key is named");

    let data = json!({"data": shipped.data});
    maps.patch("chaostoolkit-resources-templates", &PatchParams::default(), &Patch::Merge(data))
        .await
        .unwrap();
    pod_of(&install, "exp").await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_missing_experiment_is_named_within_30_seconds_and_the_run_starts_once_it_is_there() {
    let install = Install::new("missing").await;
    let operator = Operator::start(&install).await;
    let applied = Instant::now();
    install.apply_experiment("exp", json!({})).await;
    let status = wait_for_reason(&install.experiments(), "exp", "ConfigMapMissing").await;
    assert!(applied.elapsed() < Duration::from_secs(30));
    assert_eq!(status.phase, Some(Phase::Blocked));
    assert_eq!(condition_of(&status, Type::Finished), "False/ConfigMapMissing");
    assert!(status.message.unwrap().contains(&format!("{}/chaostoolkit-experiment", install.run_namespace)));

    // A waiting run reads, and writes nothing.
    let written = audit::settled_writes_of(&install.user).await;
    quiet(Duration::from_secs(5)).await;
    assert_eq!(audit::writes_of(&install.user), written);

    let maps = install.config_maps(&install.run_namespace);
    create(&maps, config_map("chaostoolkit-experiment", json!({"experiment.json": "{}"}))).await;
    pod_of(&install, "exp").await;
    drop(operator);
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_terminating_namespace_is_said_and_the_run_starts_once_it_is_gone() {
    let install = Install::new("terminating").await;
    let namespaces = Api::<Namespace>::all(install.client.clone());
    install.with_experiment("{}").await;
    install.anchor_run_namespace().await;
    delete(&namespaces, &install.run_namespace).await;

    let _operator = Operator::start(&install).await;
    install.apply_experiment("exp", json!({"pod": {"experiment": {"asFile": false}}})).await;
    let status = wait_for_reason(&install.experiments(), "exp", "NamespaceTerminating").await;
    assert_eq!(status.phase, Some(Phase::Blocked));
    install.release_run_namespace().await;
    pod_of(&install, "exp").await;
}
