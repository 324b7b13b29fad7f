//! Pods that Kubernetes collects because too many have ended.

use std::time::Duration;

use chaostoolkit_api::condition::Type;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::ListParams;
use serde_json::json;

use super::restart_controllers;
use crate::common::operator::Operator;
use crate::common::{
    LIMIT, audit, condition_of, delete_and_wait, pod_of, report_container, running, set_up, status,
    terminated, wait_for_phase, within,
};

/// The number of experiments, and the number of ended pods that Kubernetes keeps.
const ALL: usize = 12;
const KEPT: usize = 5;

fn name(number: usize) -> String {
    format!("exp-{number}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a control plane that may be broken"]
async fn the_ends_of_pods_that_are_collected_while_the_operator_is_away_are_not_lost() {
    let (install, operator) = set_up("collected").await;
    let (experiments, pods) = (install.experiments(), install.pods());
    let mut names = Vec::new();
    for number in 0..ALL {
        install.apply_experiment(&name(number), json!({})).await;
        let pod = pod_of(&install, &name(number)).await;
        report_container(&pods, &pod, running()).await;
        wait_for_phase(&experiments, &name(number), chaostoolkit_api::Phase::Running).await;
        names.push(pod);
    }
    operator.kill();
    for (number, pod) in names.iter().enumerate() {
        report_container(&pods, pod, terminated(i32::from(number % 2 == 1))).await;
    }
    restart_controllers(&[("KCM_ARGS", "--terminated-pod-gc-threshold=5")]).await;
    let all = async || pods.list(&ListParams::default()).await.unwrap().items;
    // The collector looks every 20 seconds.
    let found = within(LIMIT, "pods are collected", async || {
        let found = all().await;
        let collected = found.iter().filter(|pod| pod.metadata.deletion_timestamp.is_some()).count();
        (collected >= ALL - KEPT).then_some(found)
    })
    .await;
    assert_eq!(found.len(), ALL, "the pods are held until an operator has seen their end");

    let mut operator = Operator::start(&install).await;
    let mut ends = Vec::new();
    for number in 0..ALL {
        let wanted = if number % 2 == 0 { "True/Passed" } else { "True/ExperimentInvalid" };
        let ended = within(LIMIT, "the end is recorded", async || {
            let found = status(experiments.get_opt(&name(number)).await.unwrap().as_ref());
            found.is_finished().then_some(found)
        })
        .await;
        assert_eq!(condition_of(&ended, Type::Finished), wanted, "{}", name(number));
        ends.push(ended);
    }
    let is_held = |pod: &Pod| !pod.finalizers().is_empty();
    within(LIMIT + Duration::from_secs(20), "the collected pods are gone", async || {
        let found = all().await;
        (found.len() <= KEPT && !found.iter().any(is_held)).then_some(())
    })
    .await;
    for (number, ended) in ends.iter().enumerate() {
        let now = status(experiments.get_opt(&name(number)).await.unwrap().as_ref());
        assert_eq!(now, *ended, "a recorded end does not change");
    }
    assert_eq!(audit::pods_created_in(&install.run_namespace), ALL, "no run is repeated");
    assert!(operator.is_alive());
    for number in 0..ALL {
        delete_and_wait(&experiments, &name(number)).await;
    }
    assert_eq!(install.left_behind().await, Vec::<String>::new());
    restart_controllers(&[]).await;
}
