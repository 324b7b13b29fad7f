//! The operator's program against a real API server without a node: bad input, order, crashes. The tests play the
//! kubelet where a pod has to get on.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests panic to fail")]

mod common;

use std::process::Command;
use std::time::{Duration, Instant};

use chaostoolkit_api::condition::Type;
use chaostoolkit_api::{Experiment, Phase};
use common::install::Install;
use common::operator::{Operator, quiet};
use common::{
    audit, condition_of, config_map, create, delete, delete_and_wait, edit, eventually, experiment, pod_of,
    report_container, running, runs, set_up, status, status_of, terminated, wait, wait_for_phase,
    wait_for_reason, wait_until_gone, wait_until_stopping,
};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Resource};
use rstest::rstest;
use serde_json::{Value, json};

#[rstest]
#[case::namespace_with_capitals(json!({"namespace": "Team_A"}), "spec.namespace")]
#[case::empty_namespace(json!({"namespace": ""}), "spec.namespace")]
#[case::namespace_of_another_type(json!({"namespace": 5}), "spec.namespace")]
#[case::pod_of_another_type(json!({"pod": "x"}), "spec.pod")]
#[case::name_of_another_type(json!({"pod": {"env": {"configMapName": {}}}}), "spec.pod.env.configMapName")]
#[tokio::test]
#[ignore = "needs an API server"]
async fn the_api_server_refuses_a_bad_field_by_its_path(#[case] spec: Value, #[case] path: &str) {
    let install = Install::new("refused").await;
    let error = install.send(experiment("bad", spec)).await.unwrap_err();
    assert!(error.to_string().contains(path), "{error}");
}

/// What the schema has to let through, since 0.14.0 took it in several forms or only the operator can judge it.
#[tokio::test]
#[ignore = "needs an API server"]
async fn what_only_the_operator_can_judge_is_rejected_by_its_path_once() {
    let install = Install::new("rejected").await;
    let operator = Operator::start(&install).await;
    let cases = [
        ("args", json!({"pod": {"chaosArgs": ["run", {}]}}), "spec.pod.chaosArgs"),
        ("image", json!({"pod": {"image": 3}}), "spec.pod.image"),
        ("kube", json!({"namespace": "kube-system"}), "spec.namespace"),
        ("own", json!({"namespace": install.namespace}), "spec.namespace"),
    ];
    for (name, spec, path) in cases.clone() {
        install.apply_experiment(name, spec).await;
        let status = wait_for_reason(&install.experiments(), name, "InvalidSpec").await;
        assert_eq!(status.phase, Some(Phase::Failed));
        assert_eq!(condition_of(&status, Type::Accepted), "False/InvalidSpec");
        assert_eq!(condition_of(&status, Type::Finished), "True/InvalidSpec");
        assert!(status.message.unwrap().starts_with(path));
    }
    let written = audit::settled_writes_of(&install.user).await;
    quiet(Duration::from_secs(3)).await;
    assert_eq!(audit::writes_of(&install.user), written, "nothing is tried again");
    assert_eq!(written.len(), cases.len(), "one status each, and no finalizer: nothing was created");

    // Correcting the field starts the run, since nothing was run before.
    install.with_experiment("{}").await;
    edit(&install, "image", json!({"spec": {"pod": {"image": "some/image"}}})).await;
    let pod = pod_of(&install, "image").await;
    let pod = install.pods().get(&pod).await.unwrap();
    assert_eq!(pod.spec.unwrap().containers[0].image.as_deref(), Some("some/image"));
    drop(operator);
}

/// The API server stores what no reader of JSON with a limit can read.
#[tokio::test]
#[ignore = "needs an API server"]
async fn an_experiment_that_is_nested_too_deeply_is_rejected_by_its_path_and_holds_up_no_other() {
    let install = Install::new("deep").await;
    install.with_experiment("{}").await;
    let deep = (0..1000).fold(json!(1), |inner, _| json!([inner]));
    // One is there when the operator lists them all, and one becomes so while its run goes on.
    let request = |method: &str, path: &str, body: &Value| {
        let type_ = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let path = format!("{}{path}", Experiment::url_path(&(), Some(&install.namespace)));
        let request = http::Request::builder().method(method).uri(path).header("content-type", type_);
        request.body(body.to_string().into_bytes()).unwrap()
    };
    let first = request("POST", "", &experiment("first", json!({"pod": {"deep": deep}})));
    install.client.request_text(first).await.unwrap();
    let operator = Operator::start(&install).await;
    install.apply_experiment("second", json!({})).await;
    let pod = pod_of(&install, "second").await;
    report_container(&install.pods(), &pod, running()).await;
    wait_for_phase(&install.experiments(), "second", Phase::Running).await;
    let edit = request("PATCH", "/second", &json!({"spec": {"deep": deep}}));
    install.client.request_text(edit).await.unwrap();
    report_container(&install.pods(), &pod, terminated(0)).await;

    let client = chaostoolkit_operator::cluster::client::infer().await.unwrap();
    let experiments = Api::<Experiment>::namespaced(client, &install.namespace);
    let status = wait_for_reason(&experiments, "first", "InvalidSpec").await;
    let message = status.message.unwrap();
    assert_eq!(message, "spec.pod.deep[0]: the object is nested deeper than 120 levels");
    wait_for_phase(&experiments, "second", Phase::Completed).await;
    for name in ["first", "second"] {
        delete_and_wait(&experiments, name).await;
    }
    assert_eq!(install.left_behind().await, Vec::<String>::new());
    assert!(!operator.log().contains("a watch failed"), "{}", operator.log());
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn an_absent_spec_is_accepted_and_unknown_fields_are_kept_and_named() {
    let install = Install::new("lenient").await;
    let _operator = Operator::start(&install).await;
    let mut none = experiment("none", Value::Null);
    none.as_object_mut().unwrap().remove("spec");
    install.send(none).await.unwrap();
    wait(&install.experiments(), "none", "accepted", |found| {
        condition_of(&status(found), Type::Accepted) == "True/Accepted"
    })
    .await;
    delete_and_wait(&install.experiments(), "none").await;

    install.apply_experiment("odd", json!({"flavour": "vanilla", "pod": {"imagee": "x"}})).await;
    let odd = wait(&install.experiments(), "odd", "accepted", |found| {
        condition_of(&status(found), Type::Accepted) == "True/UnknownFields"
    })
    .await
    .unwrap();
    assert_eq!(odd.spec.clone().unwrap()["pod"]["imagee"], "x", "unknown fields are kept");
    let conditions = status(Some(&odd)).conditions;
    assert_eq!(conditions[0].message, "not used, since not known: spec.flavour, spec.pod.imagee");
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn kubectl_explains_the_fields() {
    let install = Install::new("explain").await;
    // The server publishes the schema a moment after it has accepted the definition.
    let text = eventually("kubectl explains", async || {
        let output = Command::new("kubectl").args(["explain", "ctk.spec.pod.env"]).output().unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    });
    let text = text.await;
    for word in ["configMapName", "secretName", "enabled", "Environment variables of the run"] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
    drop(install);
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn missing_and_broken_templates_are_said_and_the_run_starts_once_they_are_right() {
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

    // Waiting is looking, not writing.
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

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_run_from_apply_to_gone_in_the_right_order_with_the_shipped_rights() {
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
    wait(&install.pods(), &name, "let go", |pod| pod.is_some_and(|pod| pod.metadata.finalizers.is_none()))
        .await;

    // Idle means idle.
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

/// SIGKILL when a certain write has just been seen, for every write of a life; the next operator goes on.
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
    let done = async || install.experiments().get_opt("exp").await.unwrap().is_none();
    while !done().await {
        let operator = Operator::spawn(&install, &[]);
        // Kill it as soon as it has written something, or let the world move on when it has nothing left to write.
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
        let name = now.run.clone().unwrap().pod_name;
        match now.phase {
            Some(Phase::Starting) => report_container(&pods, &name, running()).await,
            Some(Phase::Running) => report_container(&pods, &name, terminated(0)).await,
            Some(Phase::Completed) if !deleted => {
                assert_eq!(now.run.unwrap().exit_code, Some(0));
                delete(&install.experiments(), "exp").await;
                deleted = true;
            }
            phase => panic!("stuck in {phase:?}: {now:#?}"),
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
async fn it_serves_its_endpoints_and_stops_on_sigterm() {
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
