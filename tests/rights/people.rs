//! What people with Kubernetes' own roles may do with experiments.

use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::{ClusterRole, RoleBinding};
use kube::Api;
use serde_json::json;

use crate::common::install::Install;
use crate::common::{create, delete, eventually, kubectl, wait};

const ROLES: [&str; 3] = ["view", "edit", "admin"];

/// What to do with which resource of chaostoolkit.org, and who of `view`, `edit` and `admin` may.
const TABLE: &[([&str; 2], [bool; 3])] = &[
    (["get", "chaosexperiments"], [true, true, true]),
    (["list", "chaosexperiments"], [true, true, true]),
    (["watch", "chaosexperiments"], [true, true, true]),
    (["create", "chaosexperiments"], [false, true, true]),
    (["update", "chaosexperiments"], [false, true, true]),
    (["patch", "chaosexperiments"], [false, true, true]),
    (["delete", "chaosexperiments"], [false, true, true]),
    (["deletecollection", "chaosexperiments"], [false, true, true]),
    (["update", "chaosexperiments/status"], [false; 3]),
    (["patch", "chaosexperiments/status"], [false; 3]),
    (["get", "chaosruns"], [false; 3]),
    (["list", "chaosruns"], [false; 3]),
    (["create", "chaosruns"], [false; 3]),
    (["update", "chaosruns"], [false; 3]),
    (["patch", "chaosruns"], [false; 3]),
    (["delete", "chaosruns"], [false; 3]),
];

/// A namespace of somebody's, with a person for each role.
async fn team(install: &Install) -> String {
    let team = format!("{}-team", install.namespace);
    create(&Api::<Namespace>::all(install.client.clone()), json!({"metadata": {"name": team}})).await;
    for role in ROLES {
        let group = "rbac.authorization.k8s.io";
        let binding = json!({
            "metadata": {"name": role},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": group, "kind": "User", "name": format!("{team}-{role}")}],
        });
        create(&Api::<RoleBinding>::namespaced(install.client.clone(), &team), binding).await;
    }
    team
}

async fn may(
    install: &Install,
    team: &str,
    role: &str,
    namespace: &str,
    [verb, resource]: [&str; 2],
) -> bool {
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let asked = json!({"group": "chaostoolkit.org", "resource": resource, "subresource": subresource, "verb": verb, "namespace": namespace});
    let review = json!({"spec": {"user": format!("{team}-{role}"), "resourceAttributes": asked}});
    let reviews = Api::<SubjectAccessReview>::all(install.client.clone());
    create(&reviews, review).await.status.unwrap().allowed
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn view_edit_and_admin_have_their_rights_on_experiments_and_none_on_what_the_operator_has_done() {
    let install = Install::new("people").await;
    install.install_people().await;
    let team = team(&install).await;
    // Kubernetes adds the rules of one role after the other, and to `edit` and `admin` also by way of each other.
    let [reading, creating] = [TABLE[0].0, TABLE[3].0];
    for (role, right) in
        [("view", reading), ("edit", reading), ("admin", reading), ("edit", creating), ("admin", creating)]
    {
        eventually("the role has the rights", async || {
            may(&install, &team, role, &team, right).await.then_some(())
        })
        .await;
    }
    for (right, expected) in TABLE {
        for (role, expected) in ROLES.into_iter().zip(expected) {
            assert_eq!(may(&install, &team, role, &team, *right).await, *expected, "{role}: {right:?}");
            assert!(!may(&install, &team, role, "default", *right).await, "elsewhere, {role}: {right:?}");
        }
    }

    // The words of the documentation.
    let name = &install.namespace;
    let bind = |role: &str, what: &str, to: &str| {
        let person = format!("--as={team}-{role}");
        let account = format!("--serviceaccount={name}:{name}");
        kubectl(&["-n", &team, "create", "rolebinding", what, to, &account, &person], "")
    };
    let runs = format!("--clusterrole={name}-runs");
    for role in ["view", "edit"] {
        let (bound, text) = bind(role, "chaostoolkit", &runs);
        assert!(!bound && text.contains("cannot create resource \"rolebindings\""), "{text}");
    }
    for other in [name.clone(), "cluster-admin".to_owned(), "system:node".to_owned()] {
        let (bound, text) = bind("admin", "other", &format!("--clusterrole={other}"));
        assert!(!bound && text.contains("is attempting to grant RBAC permissions"), "{text}");
    }
    // Among the rights of runs is now one that the administrator does not have, so only the right to bind counts.
    let more = json!({
        "metadata": {
            "name": format!("{name}-grantable-more"),
            "labels": {format!("{name}.chaostoolkit.org/aggregate-to-grantable"): "true"},
        },
        "rules": [{"apiGroups": ["example.org"], "resources": ["things"], "verbs": ["get"]}],
    });
    let roles = Api::<ClusterRole>::all(install.client.clone());
    create(&roles, more).await;
    wait(&roles, &format!("{name}-runs"), "larger", |found| {
        let filled_in = found.and_then(|role| role.rules.as_deref()).unwrap_or_default();
        filled_in.iter().any(|rule| rule.resources.iter().flatten().any(|resource| resource == "things"))
    })
    .await;
    let bound = async || {
        let (bound, text) = bind("admin", "chaostoolkit", &runs);
        assert!(bound || text.contains("attempting to grant RBAC permissions not currently held"), "{text}");
        bound.then_some(())
    };
    eventually("the administrator may let the operator in", bound).await;

    install.remove_people();
    delete(&Api::<Namespace>::all(install.client.clone()), &team).await;
}
