//! Rights that the author chooses, with the operator under its real rights: what Kubernetes lets it give, and what it says if it
//! may not.

use chaostoolkit_api::condition::Type;
use chaostoolkit_api::{Experiment, Phase, names};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, RoleBinding};
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};

use crate::common::install::Install;
use crate::common::operator::Operator;
use crate::common::{
    condition_of, create, delete, delete_and_wait, eventually, kubectl, pod_of, report_container, terminated,
    wait_for_phase, wait_for_reason,
};

/// Returns an installation with an experiment to run, and another namespace.
async fn installed(test: &str) -> (Install, String) {
    let install = Install::new(test).await;
    install.with_experiment("{}").await;
    let shop = format!("{}-shop", install.namespace);
    create(&Api::<Namespace>::all(install.client.clone()), json!({"metadata": {"name": shop}})).await;
    (install, shop)
}

/// Does what the message of a refusal says, with the label of this installation.
fn obey(install: &Install, message: &str, label: &str) {
    let (_, command) = message.split_once("printf %s '").unwrap_or_else(|| panic!("no command: {message}"));
    let role = command.strip_suffix("' | kubectl apply -f -").unwrap();
    let mut role: Value = serde_json::from_str(role).unwrap();
    assert_eq!(role["metadata"]["labels"], json!({label: "true"}));
    role["metadata"]["labels"] = json!({install.label(label): "true"});
    let name = role["metadata"]["name"].as_str().unwrap().replace("chaostoolkit-crd", &install.namespace);
    role["metadata"]["name"] = json!(name);
    let (applied, text) = kubectl(&["apply", "-f", "-"], &role.to_string());
    assert!(applied, "{text}");
}

/// The rights that the account of a run has.
fn may(install: &Install, experiment: &Experiment, question: &[&str]) -> bool {
    let account = format!(
        "--as=system:serviceaccount:{}:chaostoolkit-{}",
        install.run_namespace,
        names::suffix(experiment.metadata.uid.as_ref().unwrap())
    );
    kubectl(&[&["auth", "can-i"], question, &[account.as_str()]].concat(), "").0
}

/// Ends the run of an experiment, deletes the experiment, and checks that nothing is left.
async fn over(install: &Install, name: &str) {
    let pod = pod_of(install, name).await;
    report_container(&install.pods(), &pod, terminated(0)).await;
    wait_for_phase(&install.experiments(), name, Phase::Completed).await;
    delete_and_wait(&install.experiments(), name).await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn rules_that_the_operator_lacks_are_named_and_the_command_of_the_message_lets_it_give_them() {
    let (install, shop) = installed("rules").await;
    let _operator = Operator::start(&install).await;
    let rules = json!([
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "patch"], "resourceNames": ["web"]},
    ]);
    let role = json!({"rules": rules, "binds_to_namespaces": [shop]});
    let made = install.apply_experiment("exp", json!({"role": role})).await;
    let blocked = wait_for_reason(&install.experiments(), "exp", "RightsMissing").await;
    assert_eq!(condition_of(&blocked, Type::Permitted), "False/RightsMissing");
    let message = blocked.message.unwrap();
    let expected = format!(
        "the operator cannot give the run what it does not hold itself in namespace {}: get deployments.apps \"web\", patch deployments.apps \"web\"; ",
        install.run_namespace
    );
    assert!(message.starts_with(&expected), "{message}");
    obey(&install, &message, names::GRANTABLE_LABEL);
    pod_of(&install, "exp").await;
    for namespace in [&install.run_namespace, &shop] {
        assert!(may(&install, &made, &["patch", "deployments.apps/web", "-n", namespace]), "{namespace}");
        assert!(!may(&install, &made, &["patch", "deployments.apps/db", "-n", namespace]), "{namespace}");
        assert!(!may(&install, &made, &["get", "pods", "-n", namespace]), "not what the template gives");
    }
    over(&install, "exp").await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_cluster_role_is_bound_in_two_namespaces_once_the_operator_may_bind_it() {
    let (install, shop) = installed("bound").await;
    let _operator = Operator::start(&install).await;
    let role = json!({"clusterRole": "view", "binds_to_namespaces": [shop]});
    let made = install.apply_experiment("exp", json!({"role": role})).await;
    let message = wait_for_reason(&install.experiments(), "exp", "RightsMissing").await.message.unwrap();
    let expected = format!(
        "the operator may not bind ClusterRole view in namespace {}: it has neither `bind` on it nor all of its rights; ",
        install.run_namespace
    );
    assert!(message.starts_with(&expected), "{message}");
    obey(&install, &message, names::GRANTABLE_LABEL);
    pod_of(&install, "exp").await;
    for namespace in [&install.run_namespace, &shop] {
        assert!(may(&install, &made, &["list", "deployments.apps", "-n", namespace]), "{namespace}");
        assert!(!may(&install, &made, &["delete", "pods", "-n", namespace]), "{namespace}");
    }
    assert!(!may(&install, &made, &["list", "deployments.apps", "-n", "default"]));
    over(&install, "exp").await;
    install.apply_experiment("exp", json!({"role": {"clusterRole": "nowhere"}})).await;
    let missing = wait_for_reason(&install.experiments(), "exp", "RoleMissing").await;
    assert!(missing.message.as_ref().unwrap().starts_with("ClusterRole nowhere, "), "{missing:?}");
    delete_and_wait(&install.experiments(), "exp").await;
}

/// Returns the bindings of the whole cluster that belong to an experiment.
async fn bindings_of(install: &Install, experiment: &Experiment) -> Vec<ClusterRoleBinding> {
    let label = format!("{}={}", names::UID_LABEL, experiment.metadata.uid.as_ref().unwrap());
    let all = Api::<ClusterRoleBinding>::all(install.client.clone());
    all.list(&ListParams::default().labels(&label)).await.unwrap().items
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_cluster_role_reaches_nodes_with_the_component_and_its_binding_goes_with_the_experiment() {
    let (install, _) = installed("wide").await;
    let operator = Operator::start(&install).await;
    let nodes = format!("{}-nodes", install.namespace);
    let roles = Api::<ClusterRole>::all(install.client.clone());
    let rule = json!({"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]});
    create(&roles, json!({"metadata": {"name": nodes}, "rules": [rule]})).await;
    let wide = json!({"role": {"clusterRole": nodes, "clusterWide": true}});
    // Without the component, nothing is recorded that could not be removed.
    install.apply_experiment("early", wide.clone()).await;
    let blocked = wait_for_reason(&install.experiments(), "early", "RightsMissing").await;
    assert!(blocked.message.as_ref().unwrap().contains("kustomize/components/cluster-wide"), "{blocked:?}");
    assert!(blocked.resources.is_empty(), "{blocked:?}");
    delete_and_wait(&install.experiments(), "early").await;

    install.install_cluster_wide().await;
    let made = install.apply_experiment("exp", wide).await;
    let told = eventually("the message names the right to bind", async || {
        let found = wait_for_reason(&install.experiments(), "exp", "RightsMissing").await;
        found.message.filter(|message| message.contains("may not bind"))
    })
    .await;
    let expected = format!("the operator may not bind ClusterRole {nodes} in the whole cluster: ");
    assert!(told.starts_with(&expected), "{told}");
    assert_eq!(bindings_of(&install, &made).await, []);
    obey(&install, &told, names::CLUSTER_WIDE_LABEL);
    pod_of(&install, "exp").await;
    assert!(may(&install, &made, &["list", "nodes"]));
    let [binding] = &bindings_of(&install, &made).await[..] else { panic!("one binding") };
    let name = binding.metadata.name.clone().unwrap();
    assert!(name.ends_with(&names::suffix(made.metadata.uid.as_ref().unwrap())), "{name}");

    // The policy keeps the operator from the bindings of others, although RBAC does not.
    let user = format!("--as={}", install.user);
    let target = format!("{}-cluster-wide", install.namespace);
    let refused = |command: &[&str]| {
        let (done, text) = kubectl(&[command, &[user.as_str()]].concat(), "");
        assert!(!done && text.contains("of runs and no others"), "{text}");
    };
    eventually("the policy counts", async || {
        let (done, text) = kubectl(&["delete", "clusterrolebinding", &target, "--dry-run=server", &user], "");
        (!done && text.contains("of runs and no others")).then_some(())
    })
    .await;
    refused(&[
        "create",
        "clusterrolebinding",
        "mine",
        &format!("--clusterrole={nodes}"),
        "--user=me",
        "--dry-run=server",
    ]);
    over(&install, "exp").await;
    assert_eq!(bindings_of(&install, &made).await, []);
    drop(operator);
    install.remove_cluster_wide();
    delete(&roles, &nodes).await;
}

/// The author of a stamped experiment, as in `authors`.
#[tokio::test]
#[ignore = "needs an API server"]
async fn an_author_who_may_not_bind_a_cluster_role_gets_no_run_with_it() {
    let (install, _) = installed("binder").await;
    crate::authors::guard_stamps(&install).await;
    let user = format!("{}-dev", install.namespace);
    let bindings = Api::<RoleBinding>::namespaced(install.client.clone(), &install.run_namespace);
    let admin = json!({"metadata": {"name": "dev"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}]});
    create(&bindings, admin).await;
    let _operator = Operator::start_checked(&install).await;
    let requests = json!([{"apiGroups": ["certificates.k8s.io"], "resources": ["certificatesigningrequests"], "verbs": ["get"]}]);
    for (name, role, expected) in [
        (
            "bound",
            json!({"clusterRole": "view"}),
            "bind clusterroles.rbac.authorization.k8s.io \"view\" in namespace",
        ),
        (
            "wide",
            json!({"clusterRole": "view", "clusterWide": true}),
            "create clusterrolebindings.rbac.authorization.k8s.io (and 1 more",
        ),
        (
            "rules",
            json!({"rules": requests}),
            "get certificatesigningrequests.certificates.k8s.io in namespace",
        ),
    ] {
        if name == "wide" {
            install.install_cluster_wide().await;
            install
                .wait_until_may("", ["create", "rbac.authorization.k8s.io", "clusterrolebindings"], true)
                .await;
        }
        crate::authors::create_with(&install, name, &user, json!({"role": role})).await;
        let refused = wait_for_reason(&install.experiments(), name, "AuthorForbidden").await;
        let message = refused.message.unwrap();
        assert!(message.contains(expected), "{message}");
        delete_and_wait(&install.experiments(), name).await;
    }
    assert_eq!(install.left_behind().await, Vec::<String>::new());
    install.remove_cluster_wide();
}
