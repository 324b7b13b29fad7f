//! Namespaces of runs that somebody removes by force: their own finalizer is removed, and their content stays behind.
//! The API server then lets such objects be deleted, but not changed.

use std::time::Duration;

use chaostoolkit_api::Phase;
use chaostoolkit_api::condition::Type;
use http::Request;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::Api;
use kube::api::DeleteParams;
use serde_json::{Value, json};

use crate::common::install::Install;
use crate::common::operator::{Operator, quiet};
use crate::common::{
    audit, condition_of, config_map, create, delete, delete_and_wait, end_grace, eventually, pod_of,
    remove_finalizers, report_container, runs, set_up, terminated, wait, wait_for_phase, wait_for_reason,
    wait_until_gone, wait_until_stopping, within,
};

/// Removes the last finalizer of a namespace that is being deleted, as `kubectl replace --raw …/finalize` does.
async fn remove_by_force(install: &Install) {
    let name = &install.run_namespace;
    let namespaces = Api::<Namespace>::all(install.client.clone());
    let first = namespaces.get(name).await.unwrap().metadata.uid;
    // The namespace controller writes to the namespace as well.
    eventually("the finalizer of the namespace is off", async || {
        let Some(mut namespace) = namespaces.get_opt(name).await.unwrap() else { return Some(()) };
        assert!(namespace.metadata.deletion_timestamp.is_some());
        namespace.spec.get_or_insert_default().finalizers = Some(Vec::new());
        let request = Request::put(format!("/api/v1/namespaces/{name}/finalize"))
            .header("content-type", "application/json")
            .body(serde_json::to_vec(&namespace).unwrap());
        install.client.request::<Value>(request.unwrap()).await.ok().map(drop)
    })
    .await;
    eventually("the namespace is gone", async || {
        let found = namespaces.get_opt(name).await.unwrap();
        found.is_none_or(|found| found.metadata.uid != first).then_some(())
    })
    .await;
}

/// Counts the passes so far.
async fn passes(operator: &Operator) -> u64 {
    let text = operator.get("/metrics").await.unwrap();
    let counts = text.lines().filter_map(|line| {
        let count = line.strip_prefix("chaostoolkit_operator_reconciliations_total")?;
        count.rsplit_once(' ')?.1.parse::<u64>().ok()
    });
    counts.sum()
}

/// Checks that passes and writes are rare.
async fn rests(operator: &Operator, install: &Install) {
    let before = (passes(operator).await, audit::settled_writes_of(&install.user).await.len());
    quiet(Duration::from_secs(5)).await;
    let after = (passes(operator).await, audit::writes_of(&install.user).len());
    let (passes, writes) = (after.0 - before.0, after.1 - before.1);
    assert!(passes <= 10 && writes <= 5, "{passes} passes and {writes} writes in 5 seconds");
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn where_the_namespace_is_removed_by_force_the_run_has_an_end_and_nothing_is_left() {
    let (install, operator) = set_up("forced").await;
    let name = runs(&install, "exp", json!({})).await;
    // The grace is short. Once it is over, the operator checks why the pod still exists.
    install.pods().delete(&name, &DeleteParams::default().grace_period(2)).await.unwrap();
    wait_for_phase(&install.experiments(), "exp", Phase::Aborting).await;
    let namespaces = Api::<Namespace>::all(install.client.clone());
    delete(&namespaces, &install.run_namespace).await;
    remove_by_force(&install).await;
    rests(&operator, &install).await;

    // Until now the kubelet could not report anything.
    wait(&namespaces, &install.run_namespace, "created again", |found| found.is_some()).await;
    report_container(&install.pods(), &name, terminated(0)).await;
    let ended = wait_for_phase(&install.experiments(), "exp", Phase::Completed).await;
    assert_eq!(condition_of(&ended, Type::Finished), "True/Passed");
    end_grace(&install, &name).await;
    wait_until_gone(&install.pods(), &name).await;
    rests(&operator, &install).await;
    delete_and_wait(&install.experiments(), "exp").await;
    assert_eq!(audit::pods_created_in(&install.run_namespace), 1, "the run is not repeated");
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn an_experiment_can_be_deleted_whose_namespace_was_removed_by_force() {
    let (install, operator) = set_up("gone").await;
    let name = runs(&install, "exp", json!({})).await;
    // The content of the namespace is not deleted yet.
    delete(&Api::<Namespace>::all(install.client.clone()), &install.run_namespace).await;
    remove_by_force(&install).await;
    rests(&operator, &install).await;
    delete(&install.experiments(), "exp").await;
    wait_until_stopping(&install, &name).await;
    end_grace(&install, &name).await;
    wait_until_gone(&install.experiments(), "exp").await;
    assert_eq!(audit::pods_created_in(&install.run_namespace), 1);
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_run_that_waits_in_a_namespace_that_is_removed_by_force_goes_on_in_a_new_one() {
    let install = Install::new("emptied").await;
    install.with_experiment("{}").await;
    let maps = install.config_maps(&install.run_namespace);
    install.anchor_run_namespace().await;
    let operator = Operator::start(&install).await;
    let spec = json!({"pod": {"env": {"enabled": true, "configMapName": "later"}}});
    install.apply_experiment("exp", spec).await;
    wait_for_reason(&install.experiments(), "exp", "ConfigMapMissing").await;
    delete(&Api::<Namespace>::all(install.client.clone()), &install.run_namespace).await;
    wait_for_reason(&install.experiments(), "exp", "NamespaceTerminating").await;
    within(crate::common::LIMIT, "the rest is gone", async || {
        maps.get_opt("chaostoolkit-experiment").await.unwrap().is_none().then_some(())
    })
    .await;
    remove_by_force(&install).await;

    // The operator creates the namespace again. The anchor of the old namespace is in the new one.
    wait_for_reason(&install.experiments(), "exp", "ConfigMapMissing").await;
    rests(&operator, &install).await;
    for (name, data) in [("chaostoolkit-experiment", json!({"experiment.json": "{}"})), ("later", json!({}))]
    {
        create(&maps, config_map(name, data)).await;
    }
    let pod = pod_of(&install, "exp").await;
    report_container(&install.pods(), &pod, terminated(0)).await;
    wait_for_phase(&install.experiments(), "exp", Phase::Completed).await;
    delete_and_wait(&install.experiments(), "exp").await;
    assert_eq!(audit::pods_created_in(&install.run_namespace), 1);
    assert_eq!(install.left_behind().await, Vec::<String>::new());
    install.release_run_namespace().await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_pod_whose_experiment_was_let_go_by_hand_is_stopped_and_does_not_hold_its_namespace() {
    let (install, mut operator) = set_up("let-go").await;
    let pod = runs(&install, "exp", json!({})).await;
    // The operator is stopped, since it would add the finalizer again.
    operator.signal("-STOP");
    remove_finalizers(&install.experiments(), "exp").await;
    delete_and_wait(&install.experiments(), "exp").await;
    operator.signal("-CONT");
    let is_free = |found: Option<&Pod>| {
        found.is_none_or(|pod| pod.metadata.deletion_timestamp.is_some() && pod.metadata.finalizers.is_none())
    };
    wait(&install.pods(), &pod, "released and stopped", is_free).await;
    assert!(operator.is_alive());
}
