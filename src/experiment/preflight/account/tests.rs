use super::*;
use crate::cluster::manifest::Manifest;
use crate::experiment::decide::plan::{Facts, plan};
use chaostoolkit_api::{Experiment, Spec};
use rstest::rstest;
use serde_json::{Value, json};

fn object(kind: Kind, namespace: &str, mut value: Value) -> Manifest {
    value["metadata"] = json!({"name": "x", "namespace": namespace});
    Manifest::new(kind, value)
}

fn role(namespace: &str, verbs: &[&str]) -> Manifest {
    let rules = json!([{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": verbs}]);
    object(Kind::Role, namespace, json!({"rules": rules}))
}

fn binding(namespace: &str, kind: &str, name: &str) -> Manifest {
    object(Kind::RoleBinding, namespace, json!({"roleRef": {"kind": kind, "name": name}}))
}

/// A run whose pod uses the account `x`.
fn run(owned: Vec<Manifest>) -> Resources {
    let pod = json!({"spec": {"serviceAccountName": "x"}});
    Resources::new(object(Kind::Namespace, "", json!({})), owned, object(Kind::Pod, "n", pod))
}

fn planned(role: Value) -> Plan {
    let experiment = Experiment { spec: Some(json!({"role": role})), ..Experiment::default() };
    plan(&experiment, &Spec::parse(experiment.spec.as_ref()).unwrap(), &Facts::default()).unwrap()
}

/// The right to patch the Deployment `web` in the namespace `shop`.
fn patch() -> Rights {
    let grant = Grant {
        group: "apps".to_owned(),
        resource: "deployments".to_owned(),
        verb: "patch",
        object: Some("web".to_owned()),
    };
    Rights::from([(Namespace::Known("shop".to_owned()), grant)])
}

#[rstest]
#[case::given(vec![role("shop", &["patch"]), binding("shop", "Role", "x")], false)]
#[case::everything(vec![role("shop", &["*"]), binding("shop", "Role", "x")], false)]
#[case::another_verb(vec![role("shop", &["get"]), binding("shop", "Role", "x")], true)]
#[case::another_namespace(vec![role("n", &["patch"]), binding("n", "Role", "x")], true)]
#[case::an_existing_role(vec![binding("shop", "Role", "theirs")], false)]
#[case::a_cluster_role(vec![binding("shop", "ClusterRole", "edit")], false)]
#[case::an_existing_role_elsewhere(vec![binding("n", "Role", "theirs")], true)]
#[case::the_whole_cluster(vec![object(Kind::ClusterRoleBinding, "", json!({}))], false)]
#[case::nothing(vec![], true)]
fn a_right_that_nothing_gives_is_lacking(#[case] mut owned: Vec<Manifest>, #[case] is_lacking: bool) {
    let is_wide = owned.iter().any(|own| own.kind == Kind::ClusterRoleBinding);
    let existing = Account::of(&planned(json!({})), &run(owned.clone()), patch());
    assert_eq!((existing.name.as_deref(), existing.is_bounded), (Some("x"), false));
    assert_eq!(existing.lacking.is_empty(), !is_lacking);
    assert!(existing.without_questions().lacking.is_empty(), "an existing account may have any right");
    owned.push(object(Kind::ServiceAccount, "n", json!({})));
    let own = Account::of(&planned(json!({})), &run(owned), patch());
    assert_eq!((own.name.clone(), own.is_bounded), (None, !is_wide));
    assert_eq!(own.without_questions().lacking.is_empty(), !is_lacking);
}

#[test]
fn what_an_existing_binding_gives_is_not_known() {
    let owned = vec![object(Kind::ServiceAccount, "n", json!({}))];
    let account = Account::of(&planned(json!({"bind": "theirs"})), &run(owned), patch());
    assert_eq!(account, Account::default());
}
