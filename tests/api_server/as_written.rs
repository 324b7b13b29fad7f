//! Inputs as people write them, against the admission of a real API server.

use serde_json::{Value, json};

use super::*;
use crate::common::{config_map, create, experiment, status};

fn in_run(install: &Install, version: &str, kind: &str, name: &str, rest: Value) -> Value {
    let metadata = json!({"name": name, "namespace": install.run_namespace});
    let mut object = json!({"apiVersion": version, "kind": kind, "metadata": metadata});
    let Value::Object(rest) = rest else { panic!("the rest of the object is an object") };
    object.as_object_mut().unwrap().extend(rest);
    object
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn the_pod_of_a_run_passes_common_limit_ranges() {
    let (install, _operator) = set_up("limits").await;
    let limits = json!([{"type": "Container", "min": {"cpu": "100m", "memory": "64Mi"}, "max": {"cpu": "500m", "memory": "1Gi"},
        "maxLimitRequestRatio": {"cpu": "4", "memory": "1"}}]);
    install
        .create_any(&in_run(&install, "v1", "LimitRange", "team", json!({"spec": {"limits": limits}})))
        .await;
    install.apply_experiment("exp", json!({})).await;
    let status = wait_for_phase(&install.experiments(), "exp", Phase::Starting).await;
    assert_eq!(condition_of(&status, Type::Permitted), "True/AuthorUnchecked");
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_run_waits_for_the_role_and_the_key_that_its_author_names() {
    let (install, _operator) = set_up("named").await;
    create(&install.config_maps(&install.run_namespace), config_map("mine", json!({"kill.json": "{}"})))
        .await;
    let spec = json!({"role": {"name": "theirs"}, "pod": {"experiment": {"configMapName": "mine"}}});
    install.apply_experiment("exp", spec).await;
    let found = wait_for_reason(&install.experiments(), "exp", "ConfigMapKeyMissing").await;
    assert!(found.message.unwrap().ends_with(r#"its keys are "kill.json""#));
    let patch = kube::api::Patch::Merge(json!({"data": {"experiment.json": "{}"}}));
    let maps = install.config_maps(&install.run_namespace);
    maps.patch("mine", &kube::api::PatchParams::default(), &patch).await.unwrap();
    let found = wait_for_reason(&install.experiments(), "exp", "RoleMissing").await;
    assert_eq!(found.phase, Some(Phase::Blocked));
    let rbac = "rbac.authorization.k8s.io/v1";
    install.create_any(&in_run(&install, rbac, "Role", "theirs", json!({"rules": []}))).await;
    wait_for_phase(&install.experiments(), "exp", Phase::Starting).await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_pod_as_0_14_0_took_it_runs_with_the_secrets_of_its_account_and_without_labels_of_a_tool() {
    let install = Install::new("written").await;
    install.with_experiment("{}").await;
    let _operator = Operator::start_with(&install, &["--runner-pull-secret", "of-the-operator"]).await;
    let secrets = json!({"imagePullSecrets": [{"name": "of-the-team"}]});
    install.create_any(&in_run(&install, "v1", "ServiceAccount", "team", secrets)).await;
    let template = "{spec: {containers: [{name: mine, image: x, command: [chaos], args: [--help]}]}}";
    let mut object = experiment(
        "exp",
        json!({"namespace": install.run_namespace, "serviceaccount": {"name": "team"}, "pod": {"template": template}}),
    );
    object["metadata"]["labels"] = json!({"app.kubernetes.io/instance": "app", "team": "payments"});
    install.send(object).await.unwrap();
    let name = pod_of(&install, "exp").await;
    let pod = install.pods().get(&name).await.unwrap();
    let labels = pod.metadata.labels.unwrap();
    assert_eq!(
        (labels.get("team").map(String::as_str), labels.get("app.kubernetes.io/instance")),
        (Some("payments"), None)
    );
    let secrets = pod.spec.unwrap().image_pull_secrets.unwrap();
    let secrets: Vec<&str> = secrets.iter().map(|secret| secret.name.as_str()).collect();
    assert_eq!(secrets, ["of-the-team", "of-the-operator"]);
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn an_experiment_that_velero_restores_waits_for_a_rerun() {
    let (install, _operator) = set_up("restored").await;
    let mut object = experiment("exp", json!({"namespace": install.run_namespace}));
    object["metadata"]["labels"] = json!({"velero.io/restore-name": "r"});
    install.send(object).await.unwrap();
    let found = wait_for_reason(&install.experiments(), "exp", "Restored").await;
    assert_eq!(found.phase, Some(Phase::Suspended));
    quiet(Duration::from_secs(3)).await;
    assert!(install.pods().list(&kube::api::ListParams::default()).await.unwrap().items.is_empty());
    let rerun = json!({"metadata": {"annotations": {"chaostoolkit.org/rerun": "1"}}});
    crate::common::edit(&install, "exp", rerun).await;
    wait_for_phase(&install.experiments(), "exp", Phase::Starting).await;
    let live = install.experiments().get("exp").await.unwrap();
    assert_eq!(status(Some(&live)).run.unwrap().number, 1);
}
