//! A rerun or a rescue by another user than the author. Each is judged as the user who asks for it.

use chaostoolkit_api::condition::Type;
use chaostoolkit_api::{Phase, names};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use serde_json::{Value, json};

use crate::common::operator::Operator;
use crate::common::{
    audit, condition_of, delete_and_wait, kubectl, pod_of, report_container, running, status, terminated,
    wait, wait_for_phase, wait_for_reason,
};
use crate::policed::Policed;
use crate::runs::{forgotten, told};

const RBAC: &str = "rbac.authorization.k8s.io";

/// Applies a Role of these rules in the namespace of runs.
fn role(policed: &Policed, name: &str, rules: &[[&str; 3]]) {
    let rule = |[verb, group, resource]: &[&str; 3]| json!({"apiGroups": [group], "resources": [resource], "verbs": [verb]});
    let rules: Vec<Value> = rules.iter().map(rule).collect();
    Policed::apply(&json!({"apiVersion": format!("{RBAC}/v1"), "kind": "Role",
        "metadata": {"name": name, "namespace": policed.install.run_namespace}, "rules": rules}));
}

/// Installs with three users who may write experiments: `dev` and `ops` with `edit` for runs, and `weak`, who may create pods and
/// bindings there and nothing else. There is a Role `theirs` that only `dev` may bind.
async fn with_users(test: &str) -> (Policed, [String; 3]) {
    let policed = Policed::new(test).await;
    let runs = policed.install.run_namespace.clone();
    role(&policed, "theirs", &[["delete", "", "services"]]);
    role(&policed, "binds", &[["bind", RBAC, "roles"], ["create", RBAC, "rolebindings"]]);
    role(&policed, "starts", &[["create", "", "pods"], ["create", RBAC, "rolebindings"]]);
    for (user, roles) in [
        ("dev", ["ClusterRole/edit", "Role/binds"].as_slice()),
        ("ops", &["ClusterRole/edit"]),
        ("weak", &["Role/starts"]),
    ] {
        for role in roles {
            policed.bind(&runs, user, role);
        }
    }
    let names = ["dev", "ops", "weak"].map(|user| policed.may_write_experiments(user));
    (policed, names)
}

/// Runs kubectl as a user in the namespace of the experiments.
fn as_user(policed: &Policed, user: &str, arguments: &[&str]) -> (bool, String) {
    kubectl(&[&["-n", &policed.install.namespace, "--as", user], arguments].concat(), "")
}

fn rerun(policed: &Policed, user: &str, name: &str, value: &str) -> (bool, String) {
    let annotation = format!("{}={value}", names::RERUN_ANNOTATION);
    as_user(policed, user, &["annotate", "ctk", name, &annotation, "--overwrite"])
}

/// Waits for the pod of the run with this number, and ends it as passed. Returns who has asked for the run.
async fn passes_as(policed: &Policed, name: &str, number: i32) -> String {
    let install = &policed.install;
    let found = wait(&install.experiments(), name, &format!("run {number}"), |found| {
        status(found).run.is_some_and(|run| run.number == number && run.pod_uid.is_some())
    })
    .await;
    let run = status(found.as_ref()).run.unwrap();
    report_container(&install.pods(), &run.pod_name, terminated(0)).await;
    wait_for_phase(&install.experiments(), name, Phase::Completed).await;
    run.requested_by.unwrap()
}

#[tokio::test]
#[ignore = "needs an API server with MutatingAdmissionPolicy"]
async fn a_rerun_is_judged_as_the_one_who_asks_for_it() {
    let (policed, [dev, ops, weak]) = with_users("reruns").await;
    let install = &policed.install;
    let outsider = policed.may_write_experiments("outsider");
    let _operator = Operator::start_checked(install).await;
    policed.create_as(&dev, "plain", json!({}));
    policed.create_as(&dev, "lent", json!({"role": {"name": "theirs"}}));
    for name in ["plain", "lent"] {
        assert_eq!(passes_as(&policed, name, 1).await, dev);
    }
    // The request is refused to whoever may not even create a pod.
    let (asked, text) = rerun(&policed, &outsider, "plain", "1");
    let right = format!("kubectl auth can-i create pods -n {}", install.run_namespace);
    assert!(!asked && text.contains(&right), "{text}");

    // The author has lost the rights meanwhile, and that does not matter.
    policed.unbind(&install.run_namespace, "dev", "ClusterRole/edit");
    forgotten().await;
    let (asked, text) = rerun(&policed, &ops, "plain", "2");
    assert!(asked, "{text}");
    assert_eq!(passes_as(&policed, "plain", 2).await, ops);
    let found = install.experiments().get("plain").await.unwrap().status.unwrap();
    assert_eq!(found.history[0].run.requested_by.as_deref(), Some(&*dev), "each run has its own");

    // No policy can see what the Role gives. The operator can.
    let (asked, text) = rerun(&policed, &weak, "lent", "1");
    assert!(asked, "{text}");
    let refused = wait_for_reason(&install.experiments(), "lent", "AuthorForbidden").await;
    assert_eq!(refused.phase, Some(Phase::Blocked));
    assert_eq!(condition_of(&refused, Type::Permitted), "False/AuthorForbidden");
    let expected = format!(
        "kubectl auth can-i bind roles.rbac.authorization.k8s.io/theirs -n {} --as={weak}",
        install.run_namespace
    );
    assert!(told(&refused).ends_with(&expected), "{}", told(&refused));
    // The author may still have it: `dev` may bind the Role, and now create pods again.
    policed.bind(&install.run_namespace, "dev", "ClusterRole/edit");
    forgotten().await;
    let (asked, text) = rerun(&policed, &dev, "lent", "2");
    assert!(asked, "{text}");
    assert_eq!(passes_as(&policed, "lent", 2).await, dev);
    for name in ["plain", "lent"] {
        delete_and_wait(&install.experiments(), name).await;
    }
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs an API server with MutatingAdmissionPolicy"]
async fn a_rescue_is_judged_as_the_one_who_asks_for_it() {
    let (policed, [dev, ops, weak]) = with_users("rescues").await;
    let install = &policed.install;
    let experiments = install.experiments();
    let _operator = Operator::start_checked(install).await;
    let python = |name: &str| json!({"type": "action", "name": name, "provider": {"type": "python", "module": "m", "func": "f"}});
    let text =
        json!({"title": "t", "description": "d", "method": [python("break")], "rollbacks": [python("mend")]});
    // Nobody could bring the journal of a pod without a node.
    let spec = json!({"experiment": text, "report": {"journal": {"store": "none"}}});
    policed.create_as(&dev, "plain", spec.clone());
    let mut lent = spec;
    lent["role"] = json!({"name": "theirs"});
    policed.create_as(&dev, "lent", lent);
    let killed = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled",
        "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:07Z"}});
    for name in ["plain", "lent"] {
        let pod = pod_of(install, name).await;
        report_container(&install.pods(), &pod, running()).await;
        wait_for_phase(&experiments, name, Phase::Running).await;
        report_container(&install.pods(), &pod, killed.clone()).await;
        wait_for_phase(&experiments, name, Phase::Failed).await;
    }
    policed.unbind(&install.run_namespace, "dev", "ClusterRole/edit");
    forgotten().await;

    let rescue = |user: &str, name: &str| {
        as_user(&policed, user, &["patch", "ctk", name, "--type=merge", "-p", r#"{"spec":{"rescue":true}}"#])
    };
    let (asked, text) = rescue(&dev, "plain");
    assert!(!asked && text.contains("a right that you lack"), "{text}");
    let (asked, text) = rescue(&ops, "plain");
    assert!(asked, "{text}");
    let found = wait(&experiments, "plain", "rescued", |found| {
        status(found).run.and_then(|run| run.rescue?.pod_uid).is_some()
    })
    .await;
    let pod = status(found.as_ref()).run.unwrap().rescue.unwrap().pod_name;
    let pods = Api::<Pod>::namespaced(install.client.clone(), &install.run_namespace);
    report_container(&pods, &pod, terminated(0)).await;

    let (asked, text) = rescue(&weak, "lent");
    assert!(asked, "{text}");
    let found = wait(&experiments, "lent", "not rescued", |found| {
        condition_of(&status(found), Type::RolledBack) == "False/RescueFailed"
    })
    .await;
    let problem = status(found.as_ref()).run.unwrap().rescue.unwrap().problem.unwrap();
    let right = format!(
        "may not bind roles.rbac.authorization.k8s.io \"theirs\" in namespace {}",
        install.run_namespace
    );
    assert!(problem.contains(&right), "{problem}");
    assert!(!problem.contains(&weak), "only the condition Permitted names users: {problem}");
    for name in ["plain", "lent"] {
        delete_and_wait(&experiments, name).await;
    }
    assert_eq!(install.left_behind().await, Vec::<String>::new());
    assert_eq!(audit::pods_created_in(&install.run_namespace), 3, "two runs and one rescue");
}
