//! Labels and annotations of experiments that other tools change all the time.

use std::time::Duration;

use chaostoolkit_api::Phase;
use chaostoolkit_api::condition::Type;
use futures::future::join_all;
use k8s_openapi::api::batch::v1::Job;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::common::operator::quiet;
use crate::common::{
    audit, condition_of, config_map, create, delete_and_wait, edit, experiment, pod_of, report_container,
    running, set_up, status, terminated, wait_for_phase, wait_for_reason,
};

/// How often each experiment is changed.
const TIMES: usize = 40;

/// Experiments in all states, as name and spec.
fn all() -> [(&'static str, Value); 6] {
    let elsewhere = json!({"env": {"enabled": true, "configMapName": "later"}});
    [
        ("running", json!({})),
        ("finished", json!({})),
        ("blocked", json!({"pod": elsewhere})),
        ("invalid", json!({"pod": {"image": 3}})),
        ("suspended", json!({"suspend": true})),
        ("scheduled", json!({"schedule": {"kind": "cronJob", "value": "0 0 1 1 *"}})),
    ]
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn labels_and_annotations_that_change_all_the_while_start_no_run_and_bring_no_writes() {
    let (install, mut operator) = set_up("churn").await;
    for (name, spec) in all() {
        let mut object = experiment(name, spec);
        object["spec"]["namespace"] = json!(install.run_namespace);
        object["metadata"]["labels"] = json!({"team": "first"});
        install.send(object).await.unwrap();
    }
    let experiments = install.experiments();
    let pods = install.pods();
    let [pod, ended] = [pod_of(&install, "running").await, pod_of(&install, "finished").await];
    report_container(&pods, &pod, running()).await;
    report_container(&pods, &ended, terminated(0)).await;
    wait_for_phase(&experiments, "running", Phase::Running).await;
    wait_for_phase(&experiments, "finished", Phase::Completed).await;
    wait_for_reason(&experiments, "blocked", "ConfigMapMissing").await;
    wait_for_reason(&experiments, "invalid", "InvalidSpec").await;
    wait_for_phase(&experiments, "suspended", Phase::Suspended).await;
    wait_for_phase(&experiments, "scheduled", Phase::Scheduled).await;
    let before = audit::settled_writes_of(&install.user).await.len();
    let statuses = async || {
        let found = experiments.list(&ListParams::default()).await.unwrap();
        found.into_iter().map(|found| (found.name_any(), status(Some(&found)))).collect::<Vec<_>>()
    };
    let (said, runner) = (statuses().await, pods.get(&pod).await.unwrap());

    for number in 0..TIMES {
        let changed = all().map(|(name, _)| {
            let long = "x".repeat(if number % 10 == 0 { 100_000 } else { 10 });
            let change = json!({"metadata": {
                "labels": {"team": format!("team-{number}"), format!("tests.example/{}", number % 3): (number % 2 == 0).then_some("y")},
                "annotations": {"tests.example/seen": number.to_string(), format!("tests.example/{}", number % 5): long},
            }});
            edit(&install, name, change)
        });
        join_all(changed).await;
    }
    quiet(Duration::from_secs(3)).await;
    let written = audit::settled_writes_of(&install.user).await.split_off(before);
    // A run that has begun keeps its labels. Later runs of a schedule get the labels of that time.
    let (schedule, others): (Vec<_>, Vec<_>) =
        written.into_iter().partition(|entry| entry.what() == "update cronjobs");
    eprintln!(
        "{} changes, {} writes to the CronJob, others: {others:?}",
        TIMES * all().len(),
        schedule.len()
    );
    assert!(others.is_empty(), "{others:#?}");
    assert!((1..=TIMES).contains(&schedule.len()), "{} writes to the CronJob", schedule.len());
    assert_eq!(statuses().await, said);
    assert_eq!(pods.get(&pod).await.unwrap(), runner, "the pod of the run is unchanged");
    assert_eq!(audit::pods_created_in(&install.run_namespace), 2);
    let jobs = Api::<Job>::namespaced(install.client.clone(), &install.run_namespace);
    assert!(jobs.list(&ListParams::default()).await.unwrap().items.is_empty());
    assert!(operator.is_alive());

    report_container(&pods, &pod, terminated(0)).await;
    let over = wait_for_phase(&experiments, "running", Phase::Completed).await;
    assert_eq!(condition_of(&over, Type::Finished), "True/Passed");
    create(&install.config_maps(&install.run_namespace), config_map("later", json!({}))).await;
    let late = pods.get(&pod_of(&install, "blocked").await).await.unwrap();
    assert_eq!(
        late.labels().get("team"),
        Some(&format!("team-{}", TIMES - 1)),
        "a run that starts now has the new labels"
    );
    for (name, _) in all() {
        delete_and_wait(&experiments, name).await;
    }
    assert_eq!(audit::pods_created_in(&install.run_namespace), 3);
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}
