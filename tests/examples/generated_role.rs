//! The example of a derived Role, with the real chaosk8s: the run needs no other right than the Role has.

use std::time::Duration;

use chaostoolkit_api::{Outcome, names};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::Role;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};

use crate::common::{delete_and_wait, kubectl, status, within};
use crate::{Example, stop, two_running, with_target};

/// The rules of the Roles that the operator has made for experiments in a namespace.
async fn rules(example: &Example, namespace: &str) -> Vec<Value> {
    let roles = Api::<Role>::namespaced(example.install.client.clone(), namespace);
    let made = roles.list(&ListParams::default().labels(names::UID_LABEL)).await.unwrap().items;
    made.into_iter().map(|role| json!(role.rules)).collect()
}

#[tokio::test]
#[ignore = "needs a node"]
async fn a_run_works_with_exactly_the_role_that_was_derived_from_its_activities() {
    let mut example = Example::new("generated-role").await;
    let home = example.install.namespace.clone();
    // The roles of this installation are added up by a label of its own.
    let label = "chaostoolkit.org/aggregate-to-grantable";
    example.text = example.text.replace(label, &format!("{home}.{label}"));
    let target = format!("{home}-target");
    let _stop = stop(&[
        &format!("delete namespace {target} --wait=false"),
        &format!("delete clusterrole {home}-grantable-scaling"),
    ]);
    let (pods, experiment) = with_target(&mut example, "generated-role");
    // The names of other objects have this word, too.
    let name = experiment["metadata"]["name"].as_str().unwrap().to_owned();
    two_running(&pods, &format!("app={target}-shop")).await;
    example.install.wait_until_may(&target, ["patch", "apps", "deployments"], true).await;
    Example::apply(&experiment.to_string(), &[]);

    let made = within(Duration::from_secs(60), "the Role is made", async || {
        Some(rules(&example, &target).await).filter(|made| !made.is_empty())
    })
    .await;
    let expected = json!([
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["delete", "list"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["patch"], "resourceNames": ["shop"]},
    ]);
    assert_eq!(made, [expected]);
    let runs = &example.install.run_namespace;
    assert_eq!(rules(&example, runs).await, Vec::<Value>::new(), "no activity needs anything there");
    let account = example.made_for::<ServiceAccount>(&name).await.remove(0).metadata.name.unwrap();
    let account = format!("--as=system:serviceaccount:{runs}:{account}");
    for (may, verb, resource) in [
        (true, "list", "pods"),
        (true, "patch", "deployments.apps/shop"),
        (false, "patch", "deployments.apps/other"),
        (false, "get", "pods"),
        (false, "list", "secrets"),
    ] {
        let (allowed, text) = kubectl(&["auth", "can-i", verb, resource, "-n", &target, &account], "");
        assert_eq!(allowed, may, "{verb} {resource}: {text}");
    }

    let log = example.log_of_completed(&name).await;
    assert!(!log.contains("failed") && !log.contains("ERROR"), "{log}");
    let status = status(Some(&example.experiment(&name).await));
    assert_eq!((status.outcome, status.conclusive), (Some(Outcome::Passed), Some(true)), "{status:?} {log}");
    let deployments = Api::<Deployment>::namespaced(example.install.client.clone(), &target);
    let shop = deployments.get("shop").await.unwrap();
    assert_eq!(shop.spec.unwrap().replicas, Some(2), "the rollback has scaled it up again");

    delete_and_wait(&example.install.experiments(), &name).await;
    assert_eq!(example.install.left_behind().await, Vec::<String>::new());
}
