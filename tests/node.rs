//! The operator on a real node: in the cluster from its image as users run it, or as a process that can be killed. The
//! Chaos Toolkit, the kubelet and the images are real.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests panic to fail")]

mod common;

use std::time::{Duration, Instant};

use chaostoolkit_api::Phase;
use chaostoolkit_api::condition::Type;
use common::install::Install;
use common::operator::Operator;
use common::{audit, condition_of, config_map, create, delete, eventually, status, wait, wait_for_phase};
use common::{client, kubectl, wait_for_action, wait_for_reason};
use k8s_openapi::api::core::v1::{Namespace, Node, Secret};
use kube::Api;
use kube::api::{LogParams, Patch, PatchParams};
use rstest::rstest;
use serde_json::{Value, json};

/// An experiment whose method runs these processes, one after the other.
fn processes(steps: &[(&str, &str)]) -> String {
    let method: Vec<Value> = steps
        .iter()
        .map(|(path, arguments)| {
            json!({"type": "action", "name": format!("{path} {arguments}"),
                "provider": {"type": "process", "path": path, "arguments": arguments}})
        })
        .collect();
    json!({"title": "A test", "description": "of the operator", "method": method}).to_string()
}

/// Pull policy `Always` goes through the cluster's registry for each pod; the image's own tests do that.
async fn log_of(install: &Install, pod: &str) -> String {
    install.pods().logs(pod, &LogParams::default()).await.unwrap()
}

#[rstest]
#[case::passed(json!({}), Phase::Completed, 0, "True/Passed", "True/Passed")]
#[case::without_the_runner(json!({"report": {"mode": "none"}}), Phase::Completed, 0, "True/Completed", "Unknown/OutcomeUnknown")]
#[case::failed(json!({"pod": {"chaosArgs": ["run", "/nowhere.json"]}}), Phase::Failed, 1, "True/ExperimentInvalid", "False/ExperimentInvalid")]
#[tokio::test]
#[ignore = "needs a node"]
async fn the_end_of_the_real_toolkit_is_on_the_status_and_kubectl_can_wait_for_it(
    #[case] spec: Value,
    #[case] phase: Phase,
    #[case] exit_code: i32,
    #[case] finished: &str,
    #[case] succeeded: &str,
) {
    let install = Install::new("end").await;
    install.with_experiment(&processes(&[("echo", "hello")])).await;
    let _operator = Operator::start(&install).await;
    install.apply_experiment("exp", spec).await;
    let (ended, text) = kubectl(
        &["wait", "--for=condition=Finished", "ctk/exp", "--timeout=120s", "-n", &install.namespace],
        "",
    );
    assert!(ended, "{text}");
    let status = status(install.experiments().get_opt("exp").await.unwrap().as_ref());
    assert_eq!(status.phase, Some(phase), "{status:#?}");
    assert_eq!(condition_of(&status, Type::Finished), finished);
    assert_eq!(condition_of(&status, Type::Succeeded), succeeded);
    let run = status.run.unwrap();
    assert_eq!(run.exit_code, Some(exit_code));
    assert_eq!(run.node_name.as_deref(), Some("node"));
    assert!(run.started_at.is_some() && run.finished_at.is_some());
    let log = log_of(&install, &run.pod_name).await;
    assert_eq!(log.contains("Experiment ended with status: completed"), exit_code == 0, "{log}");
    let (_, events) =
        kubectl(&["-n", &install.namespace, "get", "events", "--output=jsonpath={.items[*].reason}"], "");
    for reason in ["AcceptedWithWarnings", "RunCreated", "RunStarted"] {
        assert!(events.split(' ').any(|found| found == reason), "{reason} is not among {events}");
    }
}

/// Namespace, experiment and order in one file: kubectl deletes the namespace first, with the run going on in it.
#[rstest]
#[case::after_the_run(false)]
#[case::during_the_run(true)]
#[tokio::test]
#[ignore = "needs a node"]
async fn deleting_a_file_that_holds_namespace_and_experiment_ends_within_a_minute(#[case] during: bool) {
    let install = Install::new("file").await;
    let _operator = Operator::start(&install).await;
    let steps: &[(&str, &str)] = if during { &[("sleep", "600")] } else { &[("echo", "hello")] };
    let (namespace, run_namespace) = (&install.namespace, &install.run_namespace);
    let file = [
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": run_namespace}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"experiment.json": processes(steps)},
            "metadata": {"name": "chaostoolkit-experiment", "namespace": run_namespace}}),
        json!({"apiVersion": "chaostoolkit.org/v1", "kind": "ChaosToolkitExperiment",
            "metadata": {"name": "exp", "namespace": namespace}, "spec": {"namespace": run_namespace}}),
    ]
    .map(|object| object.to_string())
    .join("\n---\n");
    let (applied, text) = kubectl(&["apply", "-f", "-"], &file);
    assert!(applied, "{text}");
    wait_for_phase(&install.experiments(), "exp", if during { Phase::Running } else { Phase::Completed })
        .await;
    let began = Instant::now();
    let (deleted, text) = kubectl(&["delete", "-f", "-", "--timeout=60s"], &file);
    assert!(deleted, "after {:?}: {text}", began.elapsed());
    assert_eq!(install.left_behind().await, Vec::<String>::new());
    let namespaces = Api::<Namespace>::all(install.client.clone());
    assert!(namespaces.get_opt(run_namespace).await.unwrap().is_none());
}

#[tokio::test]
#[ignore = "needs a node"]
async fn an_image_that_cannot_be_pulled_is_said_and_can_be_corrected_by_deleting() {
    let install = Install::new("image").await;
    install.with_experiment(&processes(&[("echo", "hello")])).await;
    let _operator = Operator::start(&install).await;
    install.apply_experiment("exp", json!({"pod": {"image": "nobody/has-this:1"}})).await;
    let status = wait_for_reason(&install.experiments(), "exp", "ImagePullBackOff").await;
    assert_eq!(status.phase, Some(Phase::Starting));
    let message = status.message.unwrap();
    assert!(message.starts_with("ImagePullBackOff:") && message.contains("nobody/has-this:1"), "{message}");
    delete(&install.experiments(), "exp").await;
    wait(&install.experiments(), "exp", "gone", |found| found.is_none()).await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs a node"]
async fn settings_environment_and_other_files_reach_the_toolkit() {
    let install = Install::new("options").await;
    let experiment = json!({"title": "${name}", "description": "d", "method": [],
        "configuration": {"name": {"type": "env", "key": "NAME"}}});
    install.with_experiment("{}").await;
    let maps = install.config_maps(&install.run_namespace);
    create(&maps, config_map("mine", json!({"other.json": experiment.to_string()}))).await;
    create(&maps, config_map("variables", json!({"NAME": "Jane"}))).await;
    let secrets = Api::<Secret>::namespaced(install.client.clone(), &install.run_namespace);
    let settings = "runtime: {rollbacks: {strategy: always}}";
    create(&secrets, json!({"metadata": {"name": "settings"}, "stringData": {"settings.yaml": settings}}))
        .await;
    let _operator = Operator::start(&install).await;
    let spec = json!({"verbose": true, "pod": {
        "env": {"configMapName": "variables"}, "settings": {"enabled": true, "secretName": "settings"},
        "experiment": {"configMapName": "mine", "configMapExperimentFileName": "other.json"},
    }});
    install.apply_experiment("exp", spec).await;
    let status = wait_for_phase(&install.experiments(), "exp", Phase::Completed).await;
    let log = log_of(&install, &status.run.unwrap().pod_name).await;
    assert!(log.contains("Running experiment: Jane"), "{log}");
    assert!(log.contains("Rollbacks strategy: always"), "{log}");
    assert!(log.contains("DEBUG"), "{log}");
}

/// One pod was ever created, the end is on the status, and nothing is left, whenever the operator dies.
#[tokio::test]
#[ignore = "needs a node"]
async fn killed_during_creation_the_run_and_teardown() {
    let install = Install::new("sigkill").await;
    install.with_experiment(&processes(&[("sleep", "4")])).await;
    let experiments = install.experiments();
    install.apply_experiment("exp", json!({})).await;

    let mut log = audit::Tail::default();
    log.writes_of(&install.user);
    let operator = Operator::spawn(&install, &[]);
    eventually("something is created", async || {
        log.writes_of(&install.user).iter().any(|entry| entry.verb == "create").then_some(())
    })
    .await;
    operator.kill();

    let operator = Operator::start(&install).await;
    wait_for_phase(&experiments, "exp", Phase::Running).await;
    operator.kill();

    // The run ends while nobody looks; the pod is held until somebody has.
    let name = status(experiments.get_opt("exp").await.unwrap().as_ref()).run.unwrap().pod_name;
    wait(&install.pods(), &name, "over", |pod| {
        let phase = pod.and_then(|pod| pod.status.as_ref()).and_then(|status| status.phase.as_deref());
        phase == Some("Succeeded")
    })
    .await;
    delete(&install.pods(), &name).await;
    let operator = Operator::start(&install).await;
    let status = wait_for_phase(&experiments, "exp", Phase::Completed).await;
    assert_eq!(status.run.unwrap().exit_code, Some(0));

    log.writes_of(&install.user);
    delete(&experiments, "exp").await;
    eventually("something is deleted", async || {
        log.writes_of(&install.user).iter().any(|entry| entry.verb == "delete").then_some(())
    })
    .await;
    operator.kill();
    let _operator = Operator::start(&install).await;
    wait(&experiments, "exp", "gone", |found| found.is_none()).await;
    assert_eq!(audit::pods_created_in(&install.run_namespace), 1);
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}

/// The manifests as they are: image, rights, probes, limits, security context.
#[tokio::test]
#[ignore = "needs a node"]
async fn the_overlay_runs_the_image_in_the_cluster_ready_idle_and_small() {
    let root = env!("CARGO_MANIFEST_DIR");
    let overlay = format!("{root}/manifests/overlays/generic-rbac");
    let (applied, text) = kubectl(&["apply", "-k", &overlay], "");
    assert!(applied, "{text}");
    // The tag may be that of an older build.
    let restart = &["-n", "chaostoolkit-crd", "rollout", "restart", "deployment/chaostoolkit-crd"];
    assert!(kubectl(restart, "").0);
    let (ready, text) = kubectl(
        &["-n", "chaostoolkit-crd", "rollout", "status", "deployment/chaostoolkit-crd", "--timeout=120s"],
        "",
    );
    assert!(ready, "{text}");
    let example = format!("{root}/examples/basic.yaml");
    let (applied, text) = kubectl(&["apply", "-f", &example], "");
    assert!(applied, "{text}");
    let (ended, text) = kubectl(
        &["-n", "chaostoolkit-crd", "wait", "--for=condition=Finished", "ctk/my-chaos-exp", "--timeout=120s"],
        "",
    );
    assert!(ended, "{text}");
    // The only check of the Python operator's own pipeline.
    let (_, pods) = kubectl(&["-n", "chaostoolkit-run", "get", "pods"], "");
    assert!(pods.lines().any(|line| line.contains("chaos") && line.contains("Completed")), "{pods}");

    let user = "system:serviceaccount:chaostoolkit-crd:chaostoolkit-crd";
    let written = audit::settled_writes_of(user).await.len();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(audit::writes_of(user).len(), written, "idle means no writes");
    let memory = working_set("chaostoolkit-crd").await;
    assert!(memory < 30 << 20, "the operator holds {memory} bytes");

    let (deleted, text) = kubectl(&["delete", "-f", &example, "--timeout=60s"], "");
    assert!(deleted, "{text}");
    let kinds = "pods,configmaps,serviceaccounts,roles,rolebindings";
    let label = "chaostoolkit.org/experiment-uid";
    let (_, left) =
        kubectl(&["get", kinds, "-A", "-l", label, "-o", "jsonpath={.items[*].metadata.annotations}"], "");
    assert!(!left.contains("chaostoolkit-crd/my-chaos-exp"), "{left}");
}

/// Memory of the container of the pod in a namespace, as the kubelet measures it.
async fn working_set(namespace: &str) -> u64 {
    let nodes = Api::<Node>::all(client().await);
    let request = nodes.list(&kube::api::ListParams::default()).await.unwrap();
    let node = request.items[0].metadata.name.clone().unwrap();
    eventually("the kubelet has measured the operator", async || {
        let (_, text) = kubectl(&["get", "--raw", &format!("/api/v1/nodes/{node}/proxy/stats/summary")], "");
        let summary: Value = serde_json::from_str(&text).ok()?;
        let pods = summary["pods"].as_array()?;
        let pod = pods.iter().find(|pod| pod["podRef"]["namespace"] == namespace)?;
        pod["containers"][0]["memory"]["workingSetBytes"].as_u64().filter(|bytes| *bytes > 0)
    })
    .await
}

/// An experiment that waits for its `ConfigMap` on a real node starts by itself, and only once.
#[tokio::test]
#[ignore = "needs a node"]
async fn a_late_experiment_runs_once() {
    let install = Install::new("late").await;
    let _operator = Operator::start(&install).await;
    install.apply_experiment("exp", json!({})).await;
    wait_for_reason(&install.experiments(), "exp", "ConfigMapMissing").await;
    let maps = install.config_maps(&install.run_namespace);
    create(
        &maps,
        config_map("chaostoolkit-experiment", json!({"experiment.json": processes(&[("echo", "hi")])})),
    )
    .await;
    wait_for_phase(&install.experiments(), "exp", Phase::Completed).await;
    // Churn on the finished experiment and on its pod starts nothing.
    let label = Patch::Merge(json!({"metadata": {"labels": {"touched": "yes"}}}));
    install.experiments().patch("exp", &PatchParams::default(), &label).await.unwrap();
    let name = status(install.experiments().get_opt("exp").await.unwrap().as_ref()).run.unwrap().pod_name;
    delete(&install.pods(), &name).await;
    wait(&install.pods(), &name, "gone", |pod| pod.is_none()).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(audit::pods_created_in(&install.run_namespace), 1);
}

/// The rollbacks take longer than the pod is given, so that they are cut off.
#[rstest]
#[case::and_the_experiment_stays(false)]
#[case::and_the_experiment_is_deleted(true)]
#[tokio::test]
#[ignore = "needs a node"]
async fn rollbacks_that_were_cut_off_are_played_by_another_pod(#[case] is_deleted: bool) {
    let install = Install::new("rescue").await;
    install.with_experiment("{}").await;
    let _operator = Operator::start(&install).await;
    let sleep = |name: &str, seconds: &str| {
        json!({"type": "action", "name": name,
            "provider": {"type": "process", "path": "sleep", "arguments": seconds}})
    };
    let experiment = json!({"title": "A test", "description": "of the operator",
        "method": [sleep("break", "600")], "rollbacks": [sleep("mend", "5")]});
    install.apply_experiment("exp", json!({"experiment": experiment, "rescue": true})).await;
    let experiments = install.experiments();
    let pod = wait_for_phase(&experiments, "exp", Phase::Running).await.run.unwrap().pod_name;
    wait_for_action(&install, &pod, "break").await;
    let cut = ["delete", "pod", &pod, "--grace-period=1", "--wait=false", "-n", &install.run_namespace];
    let (deleted, text) = kubectl(&cut, "");
    assert!(deleted, "{text}");
    if is_deleted {
        delete(&experiments, "exp").await;
    } else {
        let is_played =
            |found: Option<&_>| condition_of(&status(found), Type::RolledBack) == "True/RescuePlayed";
        let found = wait(&experiments, "exp", "rescued", is_played).await;
        let log = log_of(&install, &format!("{pod}-rescue")).await;
        assert!(log.contains("Rollback: mend") && !log.contains("break"), "{log}");
        assert_eq!(status(found.as_ref()).phase, Some(Phase::Aborted), "the end is that of the run");
        delete(&experiments, "exp").await;
    }
    wait(&experiments, "exp", "gone", |found| found.is_none()).await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
    let (_, events) =
        kubectl(&["-n", &install.namespace, "get", "events", "--output=jsonpath={.items[*].reason}"], "");
    assert!(events.split(' ').any(|found| found == "RescuePlayed"), "{events}");
}
