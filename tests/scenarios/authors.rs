//! What the author of an experiment may do, as the authorizer of a real API server knows it.

use chaostoolkit_api::condition::{self, Type};
use chaostoolkit_api::{Experiment, Phase, names};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::Api;
use serde_json::{Value, json};

use crate::common::install::Install;
use crate::common::operator::Operator;
use crate::common::{
    condition_of, create, delete, delete_and_wait, eventually, experiment, kubectl, pod_of, wait_for_phase,
    wait_for_reason,
};

/// Binds policies that guard stamps, under the names of a renamed installation. They allow every request: what the shipped ones
/// refuse has tests of its own.
pub async fn guard_stamps(install: &Install) {
    let home = &install.namespace;
    let rule = json!({"apiGroups": [names::GROUP], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"],
        "resources": ["chaosexperiments"]});
    let policy = json!({"failurePolicy": "Fail", "paramKind": {"apiVersion": "v1", "kind": "ServiceAccount"},
        "matchConstraints": {"resourceRules": [rule]}, "validations": [{"expression": "true"}]});
    for name in ["authors", "authors-bound"].map(|suffix| format!("{home}-{suffix}")) {
        let binding = json!({"policyName": name, "validationActions": ["Deny"],
            "paramRef": {"name": home, "namespace": home, "parameterNotFoundAction": "Deny"}});
        for (kind, spec) in
            [("ValidatingAdmissionPolicy", &policy), ("ValidatingAdmissionPolicyBinding", &binding)]
        {
            let object = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": name}, "spec": spec});
            install.create_any(&object).await;
        }
    }
}

/// Creates an experiment as this user, as the stamping policy would have it. The name is also that of a group of the user, so
/// that no earlier answer about the user counts.
async fn create_as(install: &Install, name: &str, user: &str) -> Experiment {
    create_with(install, name, user, json!({})).await
}

/// The same with further fields of the spec.
pub async fn create_with(install: &Install, name: &str, user: &str, mut spec: Value) -> Experiment {
    spec["namespace"] = json!(install.run_namespace);
    let mut object = experiment(name, spec);
    object["metadata"]["annotations"] = json!({
        names::AUTHOR_ANNOTATION: user,
        names::AUTHOR_UID_ANNOTATION: "",
        names::AUTHOR_GROUPS_ANNOTATION: json!(["system:authenticated", name]).to_string(),
        names::AUTHOR_EXTRA_ANNOTATION: "{}",
        names::AUTHOR_REQUEST_ANNOTATION: "1/",
    });
    install.send(object).await.unwrap()
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn an_author_with_edit_runs_the_default_role_and_loses_that_with_the_right() {
    let install = Install::new("authors").await;
    install.with_experiment("{}").await;
    guard_stamps(&install).await;
    let user = format!("{}-dev", install.namespace);
    let bindings = Api::<RoleBinding>::namespaced(install.client.clone(), &install.run_namespace);
    let edit = json!({"metadata": {"name": "dev"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}]});
    let _operator = Operator::start_checked(&install).await;

    create_as(&install, "refused", &user).await;
    let blocked = wait_for_reason(&install.experiments(), "refused", "AuthorForbidden").await;
    assert_eq!(blocked.phase, Some(Phase::Blocked));
    assert_eq!(condition_of(&blocked, Type::Permitted), "False/AuthorForbidden");
    let told = condition::find(&blocked.conditions, Type::Permitted).unwrap().message.clone();
    let (_, command) = told.split_once("this says yes: kubectl ").unwrap();
    let expected =
        format!("auth can-i create pods -n {} --as={user} --as-group=refused", install.run_namespace);
    assert_eq!(command, expected);
    let command: Vec<&str> = command.split(' ').collect();
    let (may, text) = kubectl(&command, "");
    assert!(!may && text.trim_end().ends_with("no"), "{text}");

    create(&bindings, edit).await;
    eventually("the author has the right", async || kubectl(&command, "").0.then_some(())).await;
    pod_of(&install, "refused").await;
    let started = wait_for_phase(&install.experiments(), "refused", Phase::Starting).await;
    assert_eq!(condition_of(&started, Type::Permitted), "True/Permitted");
    assert_eq!(started.run.unwrap().requested_by, Some(user.clone()));

    delete(&bindings, "dev").await;
    eventually("the author has lost the right", async || (!kubectl(&command, "").0).then_some(())).await;
    create_as(&install, "late", &user).await;
    wait_for_reason(&install.experiments(), "late", "AuthorForbidden").await;
    let goes_on = install.experiments().get("refused").await.unwrap().status.unwrap();
    assert_eq!(goes_on.phase, Some(Phase::Starting), "a run that has started is not stopped");
    for name in ["refused", "late"] {
        delete_and_wait(&install.experiments(), name).await;
    }
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn without_a_policy_nothing_runs_outside_of_the_default_namespace() {
    let install = Install::new("unpoliced").await;
    install.with_experiment("{}").await;
    let _operator = Operator::start_checked(&install).await;
    install.apply_experiment("exp", json!({})).await;
    let blocked = wait_for_reason(&install.experiments(), "exp", "PolicyMissing").await;
    assert_eq!(condition_of(&blocked, Type::Permitted), "False/PolicyMissing");
    // Nobody guards the annotations either.
    create_as(&install, "forged", "system:admin").await;
    wait_for_reason(&install.experiments(), "forged", "PolicyMissing").await;
    let created: Vec<(&str, Value)> = install
        .labeled(names::UID_LABEL)
        .await
        .into_iter()
        .filter(|(_, object)| object.metadata.namespace.as_ref() == Some(&install.run_namespace))
        .map(|(kind, object)| (kind, json!(object.metadata.name)))
        .collect();
    assert_eq!(created, []);
    for name in ["exp", "forged"] {
        delete_and_wait(&install.experiments(), name).await;
    }
}
