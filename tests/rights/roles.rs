//! What the roles of the operator amount to, on a real API server.

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::Api;
use kube::api::{Patch, PatchParams};
use rstest::rstest;
use serde_json::{Value, json};

use crate::common::install::{Install, documents};
use crate::common::operator::Operator;
use crate::common::{client, create, delete, eventually, pod_of, wait_for_reason};
use crate::granted::{self, Right, Role};

/// Returns the roles of the overlays, and the one of a component.
fn shipped() -> Vec<Value> {
    let component =
        concat!(env!("CARGO_MANIFEST_DIR"), "/kustomize/components/grantable-workloads/clusterrole.yaml");
    let more = documents(&std::fs::read_to_string(component).unwrap());
    granted::rendered("generic-rbac").into_iter().chain(more).collect()
}

/// Returns the rights of a `ClusterRole` of the manifests that a `ClusterRole` of Kubernetes does not have.
async fn beyond(mine: &str, theirs: &str) -> Vec<String> {
    let objects = shipped();
    let theirs = Api::<ClusterRole>::all(client().await).get(theirs).await.unwrap();
    let theirs = granted::of(Role::Cluster, &json!(theirs));
    let mine = granted::of(Role::Cluster, granted::named(&objects, ["ClusterRole", mine]));
    assert!(mine.len() > 10 && theirs.len() > 100, "{} and {}", mine.len(), theirs.len());
    mine.into_iter().filter(|right| !theirs.contains(right)).map(|right| right.to_string()).collect()
}

#[rstest]
#[case("chaostoolkit-crd-grantable-default")]
#[case("chaostoolkit-crd-grantable-workloads")]
#[tokio::test]
#[ignore = "needs an API server"]
async fn runs_are_given_nothing_that_the_built_in_edit_does_not_have(#[case] role: &str) {
    assert_eq!(beyond(role, "edit").await, [""; 0]);
}

/// The administrator of a namespace may bind the operator's rights there to anybody, so they give him nothing new.
#[tokio::test]
#[ignore = "needs an API server"]
async fn the_operator_does_nothing_in_a_namespace_that_its_administrator_may_not() {
    assert_eq!(beyond("chaostoolkit-crd-run-objects", "admin").await, [""; 0]);
}

#[rstest]
#[case("generic-rbac")]
#[case("multi-tenant")]
#[ignore = "needs kubectl"]
fn the_operator_has_no_right_that_leads_to_others(#[case] overlay: &str) {
    let objects = granted::rendered(overlay);
    let grantable = granted::named(&objects, ["ClusterRole", "chaostoolkit-crd-grantable-default"]);
    let all: Vec<Right> =
        granted::by(overlay).into_iter().chain(granted::of(Role::RunObjects, grantable)).collect();
    for right in &all {
        assert!(!["*", "escalate", "impersonate", "bind"].contains(&&*right.verb), "{right}");
        assert!(!["*", "secrets"].contains(&&*right.resource) && right.group != "*", "{right}");
        assert!(!right.resource.starts_with("serviceaccounts/"), "{right}");
    }
    let of_namespaces: Vec<_> = all.iter().filter(|right| right.resource.starts_with("namespaces")).collect();
    assert!(
        of_namespaces.iter().map(|right| (right.role, &*right.verb)).eq([
            (Role::Cluster, "create"),
            (Role::Cluster, "get"),
            (Role::Cluster, "list")
        ]),
        "{of_namespaces:?}"
    );
}

/// Of the overlays, none gives runs a right that is not within a namespace.
#[rstest]
#[case("generic-rbac", true)]
#[case("multi-tenant", false)]
#[ignore = "needs kubectl"]
fn the_operator_holds_what_it_needs_for_runs_everywhere_in_the_central_overlays_alone(
    #[case] overlay: &str,
    #[case] everywhere: bool,
) {
    let objects = granted::rendered(overlay);
    let bound = |kind: &str, role: &str| -> Vec<Value> {
        let is_one = |object: &&Value| object["kind"] == kind && object["roleRef"]["name"] == role;
        objects.iter().filter(is_one).map(|object| object["metadata"]["namespace"].clone()).collect()
    };
    assert_eq!(bound("ClusterRoleBinding", "chaostoolkit-crd-runs").len(), usize::from(everywhere));
    let in_the_default = if everywhere { vec![] } else { vec![json!("chaostoolkit-run")] };
    assert_eq!(bound("RoleBinding", "chaostoolkit-crd-runs"), in_the_default);
    for part in ["run-objects", "grantable", "grantable-default"] {
        let role = format!("chaostoolkit-crd-{part}");
        let bindings = bound("ClusterRoleBinding", &role).len() + bound("RoleBinding", &role).len();
        assert_eq!(bindings, 0, "{role} is a part of chaostoolkit-crd-runs alone");
    }
}

const ROLE: &str =
    "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: chaostoolkit-experiment},
    rules: [{apiGroups: [apps], resources: [deployments], verbs: [patch]}]}";

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_role_that_is_added_to_the_grantable_ones_can_be_given_to_runs() {
    let install = Install::new("grantable").await;
    install.with_experiment("{}").await;
    let maps: Api<ConfigMap> = install.config_maps(&install.namespace);
    let data = Patch::Merge(json!({"data": {"chaostoolkit-role.yaml": ROLE}}));
    maps.patch("chaostoolkit-resources-templates", &PatchParams::default(), &data).await.unwrap();
    let _operator = Operator::start(&install).await;
    install.apply_experiment("exp", json!({})).await;
    let message = wait_for_reason(&install.experiments(), "exp", "Forbidden").await.message.unwrap();
    assert!(message.contains("attempting to grant RBAC permissions not currently held"), "{message}");

    let name = &install.namespace;
    let more = json!({
        "metadata": {
            "name": format!("{name}-grantable-more"),
            "labels": {format!("{name}.chaostoolkit.org/aggregate-to-grantable"): "true"},
        },
        "rules": [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["patch"]}],
    });
    create(&Api::<ClusterRole>::all(install.client.clone()), more).await;
    pod_of(&install, "exp").await;
}

const TO_RUN: [[&str; 3]; 6] = [
    ["create", "", "pods"],
    ["create", "rbac.authorization.k8s.io", "rolebindings"],
    ["get", "", "pods/log"],
    ["create", "batch", "jobs"],
    // Some that it may give to runs.
    ["delete", "", "services"],
    ["list", "networking.k8s.io", "ingresses"],
];

/// Its own pod names the image of the runner, and the secrets to pull it.
#[tokio::test]
#[ignore = "needs an API server"]
async fn each_operator_may_read_its_own_pod() {
    for install in [Install::multi_tenant("ownpod").await, Install::new("ownpod").await] {
        install.wait_until_may(&install.namespace, ["get", "", "pods"], true).await;
    }
}

/// `kubectl apply` of the overlay leaves the binding of another one behind.
#[tokio::test]
#[ignore = "needs an API server"]
async fn an_operator_of_tenants_says_at_its_start_if_it_needs_no_owner_to_let_it_in() {
    const WARNING: &str = "kubectl delete clusterrolebinding chaostoolkit-crd-runs";
    let install = Install::multi_tenant("leftover").await;
    let watch = ["--watch-namespaces", "all"];
    let operator = Operator::start_with(&install, &watch).await;
    assert!(!operator.log().contains(WARNING), "{}", operator.log());
    drop(operator);
    let name = &install.namespace;
    let bindings = Api::<ClusterRoleBinding>::all(install.client.clone());
    let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": format!("{name}-runs")});
    let account = json!({"kind": "ServiceAccount", "name": name, "namespace": name});
    let binding = format!("{name}-leftover");
    create(&bindings, json!({"metadata": {"name": binding}, "roleRef": role, "subjects": [account]})).await;
    install.wait_until_may("default", ["create", "", "pods"], true).await;
    let operator = Operator::start_with(&install, &watch).await;
    assert!(operator.log().contains(WARNING), "{}", operator.log());
    drop(operator);
    // Without further namespaces, nobody has to let it in.
    let operator = Operator::start(&install).await;
    assert!(!operator.log().contains(WARNING), "{}", operator.log());
    delete(&bindings, &binding).await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn the_operator_of_tenants_runs_things_only_where_the_owner_lets_it_in() {
    let install = Install::multi_tenant("letin").await;
    let [tenant, other] = ["tenant", "other"].map(|name| format!("{}-{name}", install.namespace));
    for namespace in [&tenant, &other] {
        let namespaces = Api::<Namespace>::all(install.client.clone());
        create(&namespaces, json!({"metadata": {"name": namespace}})).await;
    }
    assert!(!install.may(&tenant, TO_RUN[0]).await);
    install.let_in(&tenant).await;
    eventually("the binding counts", async || install.may(&tenant, TO_RUN[0]).await.then_some(())).await;
    for right in TO_RUN {
        assert!(install.may(&tenant, right).await, "{right:?}");
        assert!(!install.may(&other, right).await, "{right:?}");
        assert!(!install.may(&install.namespace, right).await, "{right:?}");
    }
    // Experiments are in all namespaces, and a namespace can go although its binding has gone first.
    for right in [
        ["get", "chaostoolkit.org", "chaosexperiments"],
        ["watch", "chaostoolkit.org", "chaosexperiments"],
        ["patch", "chaostoolkit.org", "chaosexperiments"],
        ["patch", "chaostoolkit.org", "chaosexperiments/status"],
        ["create", "events.k8s.io", "events"],
        ["patch", "", "pods"],
        ["watch", "", "pods"],
    ] {
        assert!(install.may(&other, right).await, "{right:?}");
    }
    for right in [
        ["create", "chaostoolkit.org", "chaosexperiments"],
        ["update", "chaostoolkit.org", "chaosexperiments"],
        ["delete", "chaostoolkit.org", "chaosexperiments"],
        ["create", "", "configmaps"],
        ["delete", "", "pods"],
        ["get", "", "secrets"],
    ] {
        assert!(!install.may(&other, right).await, "{right:?}");
    }
    for namespace in [&tenant, &other] {
        delete(&Api::<Namespace>::all(install.client.clone()), namespace).await;
    }
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn the_operator_of_the_central_overlays_runs_things_everywhere_and_has_experiments_at_home() {
    let install = Install::new("central").await;
    eventually("the bindings count", async || install.may("default", TO_RUN[0]).await.then_some(())).await;
    for right in TO_RUN {
        assert!(install.may("default", right).await, "{right:?}");
    }
    for verb in ["get", "watch", "patch", "delete"] {
        assert!(
            install.may(&install.namespace, [verb, "chaostoolkit.org", "chaosexperiments"]).await,
            "{verb}"
        );
        assert!(!install.may("default", [verb, "chaostoolkit.org", "chaosexperiments"]).await, "{verb}");
    }
}
