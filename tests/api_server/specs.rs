//! Specs that the API server refuses, that the operator rejects, or that get a warning.

use std::process::Command;
use std::time::Duration;

use crate::common::install::Install;
use crate::common::operator::{Operator, quiet};
use crate::common::{
    audit, condition_of, delete_and_wait, edit, eventually, experiment, pod_of, report_container, running,
    status, terminated, wait, wait_for_phase, wait_for_reason,
};
use chaostoolkit_api::condition::Type;
use chaostoolkit_api::{Experiment, Phase};
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

/// The schema has to let these through. Either 0.14.0 took the field in several forms, or only the operator can judge
/// it.
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
    assert_eq!(
        written.len(),
        cases.len(),
        "each gets one status and no finalizer, since nothing was created"
    );

    // A corrected field starts the run, since there was no run before.
    install.with_experiment("{}").await;
    edit(&install, "image", json!({"spec": {"pod": {"image": "some/image"}}})).await;
    let pod = pod_of(&install, "image").await;
    let pod = install.pods().get(&pod).await.unwrap();
    assert_eq!(pod.spec.unwrap().containers[0].image.as_deref(), Some("some/image"));
    drop(operator);
}

/// The API server stores objects that are nested too deeply for JSON parsers with a depth limit.
#[tokio::test]
#[ignore = "needs an API server"]
async fn an_experiment_that_is_nested_too_deeply_is_rejected_by_its_path_and_holds_up_no_other() {
    let install = Install::new("deep").await;
    install.with_experiment("{}").await;
    let deep = (0..1000).fold(json!(1), |inner, _| json!([inner]));
    // The first experiment exists when the operator lists all. The second becomes too deep during its run.
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
    // Without a check of authors, each experiment would have a warning.
    let _operator = Operator::start_checked(&install).await;
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
    let expected =
        "unknown fields, which are not used: spec.flavour, spec.pod.imagee (image was probably meant)";
    assert_eq!(conditions[0].message, expected);
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn kubectl_explains_the_fields() {
    let install = Install::new("explain").await;
    // The API server publishes the schema a moment after it has accepted the definition.
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
