//! The operator as a process against a real API server without a node: its order of writes and its crashes. The tests
//! play the kubelet.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests fail by a panic")]

#[path = "api_server/as_written.rs"]
mod as_written;
mod common;
#[path = "api_server/specs.rs"]
mod specs;
#[path = "api_server/waiting.rs"]
mod waiting;

use std::time::Duration;

use chaostoolkit_api::condition::Type;
use chaostoolkit_api::{Experiment, Freeze, Phase};
use common::install::Install;
use common::operator::{Operator, quiet};
use common::{
    audit, condition_of, delete, delete_and_wait, eventually, pod_of, report_container, running, runs,
    set_up, status_of, terminated, wait, wait_for_phase, wait_for_reason, wait_until_gone,
    wait_until_stopping,
};
use kube::api::PostParams;
use kube::{Api, Resource};
use serde_json::{Value, json};

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_run_makes_its_writes_in_order_with_the_shipped_rights() {
    let (install, mut operator) = set_up("life").await;
    install.apply_experiment("exp", json!({})).await;
    let name = pod_of(&install, "exp").await;
    let starting = wait_for_phase(&install.experiments(), "exp", Phase::Starting).await;
    assert_eq!(condition_of(&starting, Type::Provisioned), "True/Provisioned");
    report_container(&install.pods(), &name, running()).await;
    let status = wait_for_phase(&install.experiments(), "exp", Phase::Running).await;
    assert_eq!(condition_of(&status, Type::Finished), "False/Running");
    report_container(&install.pods(), &name, terminated(1)).await;
    let status = wait_for_phase(&install.experiments(), "exp", Phase::Failed).await;
    let run = status.run.clone().unwrap();
    assert_eq!((run.exit_code, run.duration_seconds), (Some(1), Some(7)));
    assert_eq!(run.terminated_reason.as_deref(), Some("Error"));
    assert_eq!(condition_of(&status, Type::Finished), "True/ExperimentInvalid");
    assert_eq!(condition_of(&status, Type::Succeeded), "False/ExperimentInvalid");
    wait(&install.pods(), &name, "released", |pod| pod.is_some_and(|pod| pod.metadata.finalizers.is_none()))
        .await;

    // A run that has ended causes no writes.
    let written = audit::settled_writes_of(&install.user).await;
    quiet(Duration::from_secs(5)).await;
    assert_eq!(audit::writes_of(&install.user), written, "nothing is written about a run that is over");
    assert!(operator.is_alive());

    delete_and_wait(&install.experiments(), "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
    let written = audit::settled_writes_of(&install.user).await;
    let refused: Vec<_> = written.iter().filter(|entry| entry.code >= 400).collect();
    assert!(refused.is_empty(), "the shipped rights are enough, and nothing is tried in vain: {refused:?}");
    let steps: Vec<String> = written.iter().map(audit::Entry::what).collect();
    assert_eq!(
        steps,
        [
            "patch chaosexperiments",        // the finalizer, before anything is created
            "patch chaosexperiments/status", // what will be created
            "create serviceaccounts",
            "create roles",
            "create rolebindings",
            "create configmaps",
            "create pods",
            "patch chaosexperiments/status", // Starting
            "patch chaosexperiments/status", // Running
            "patch chaosexperiments/status", // Failed, and only then:
            "patch pods",
            "delete pods",
            "delete configmaps",
            "delete rolebindings",
            "delete roles",
            "delete serviceaccounts",
            "patch chaosexperiments",
        ]
    );
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn deleting_during_the_run_stops_it_waits_for_its_end_and_only_then_takes_its_rights() {
    let (install, _operator) = set_up("abort").await;
    let name = runs(&install, "exp", json!({})).await;

    delete(&install.experiments(), "exp").await;
    let stopping = wait_for_phase(&install.experiments(), "exp", Phase::Terminating).await;
    assert!(!stopping.is_finished());
    let pod = wait_until_stopping(&install, &name).await;
    assert_eq!(pod.metadata.deletion_grace_period_seconds, Some(300));
    quiet(Duration::from_secs(2)).await;
    let deleted: Vec<String> = audit::writes_of(&install.user)
        .iter()
        .map(audit::Entry::what)
        .filter(|what| what.starts_with("delete"))
        .collect();
    assert_eq!(deleted, ["delete pods"], "rollbacks need the run's rights");

    report_container(&install.pods(), &name, terminated(0)).await;
    common::end_grace(&install, &name).await;
    wait_until_gone(&install.experiments(), "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}

/// Kills the operator after each of its writes, from the creation of an experiment to its end. The next operator goes
/// on.
#[tokio::test]
#[ignore = "needs an API server"]
async fn killed_after_any_write_the_next_operator_goes_on() {
    let install = Install::new("killed").await;
    install.with_experiment("{}").await;
    install.apply_experiment("exp", json!({})).await;
    let pods = install.pods();
    let mut log = audit::Tail::default();
    log.writes_of(&install.user);
    let mut deleted = false;
    let mut kills = Vec::new();
    // How often nothing was written, although it was the operator's turn: a busy machine is slow.
    let mut slow = 0;
    let done = async || install.experiments().get_opt("exp").await.unwrap().is_none();
    while !done().await {
        let operator = Operator::spawn(&install, &[]);
        // The operator is killed as soon as it has written something. If it has nothing left to write, the run
        // moves on.
        let written = tokio::time::timeout(Duration::from_secs(3), async {
            loop {
                let written = log.writes_of(&install.user);
                if !written.is_empty() {
                    return written;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        if let Ok(written) = written.await {
            operator.kill();
            kills.push(written.last().unwrap().what());
            continue;
        }
        drop(operator);
        let now = status_of(&install, "exp").await;
        let name = now.run.clone().map_or_else(String::new, |run| run.pod_name);
        match now.phase {
            Some(Phase::Starting) => report_container(&pods, &name, running()).await,
            Some(Phase::Running) => report_container(&pods, &name, terminated(0)).await,
            Some(Phase::Completed) if !deleted => {
                assert_eq!(now.run.unwrap().exit_code, Some(0));
                delete(&install.experiments(), "exp").await;
                deleted = true;
            }
            phase => {
                slow += 1;
                assert!(slow < 20, "stuck in {phase:?}: {now:#?}");
            }
        }
    }
    eprintln!("killed after {kills:#?}");
    for part in ["create ", "chaosexperiments/status", "delete "] {
        assert!(kills.iter().any(|kill| kill.contains(part)), "never killed after {part:?}: {kills:?}");
    }
    assert_eq!(audit::pods_created_in(&install.run_namespace), 1, "one pod was ever created");
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn the_operator_serves_its_endpoints_and_stops_on_sigterm() {
    let install = Install::new("serve").await;
    let operator = Operator::start(&install).await;
    assert_eq!(operator.get("/livez").await.as_deref(), Some("ok"));
    install.apply_experiment("exp", json!({"pod": {"image": 3}})).await;
    wait_for_reason(&install.experiments(), "exp", "InvalidSpec").await;
    let metrics = eventually("a pass is counted", async || {
        operator
            .get("/metrics")
            .await
            .filter(|text| text.contains("chaostoolkit_operator_reconciliations_total"))
    });
    assert!(metrics.await.contains(r#"result="success""#));
    assert!(operator.stop().await.success());
}

/// kstatus takes an object without a status for one that is as it should be.
#[tokio::test]
#[ignore = "needs an API server"]
async fn what_no_operator_has_seen_yet_says_so_by_its_generation() {
    let install = Install::new("unseen").await;
    install.apply_experiment("exp", json!({})).await;
    let freezes = Api::<Freeze>::namespaced(install.client.clone(), &install.namespace);
    let freeze = json!({"metadata": {"name": "exp"}, "spec": {"active": false}});
    freezes.create(&PostParams::default(), &serde_json::from_value(freeze).unwrap()).await.unwrap();
    // The types read -1 as absent, so this asks for the text.
    let generation = async |plural: &str| {
        let path = format!("/apis/chaostoolkit.org/v1/namespaces/{}/{plural}/exp", install.namespace);
        let request = http::Request::get(path).body(Vec::new()).unwrap();
        let found: Value = install.client.request(request).await.unwrap();
        found["status"]["observedGeneration"].clone()
    };
    let plurals = [Experiment::plural(&()), Freeze::plural(&())];
    for plural in &plurals {
        assert_eq!(generation(plural).await, -1, "{plural}");
    }
    let _operator = Operator::start(&install).await;
    wait_for_reason(&install.experiments(), "exp", "ConfigMapMissing").await;
    for plural in &plurals {
        eventually("the operator has seen it", async || (generation(plural).await == 1).then_some(())).await;
    }
}
