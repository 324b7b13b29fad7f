use rstest::rstest;
use serde_json::json;

use super::*;
use crate::experiment::build::build;
use crate::experiment::decide::plan::{self, Facts};
use crate::experiment::decide::templates::Templates;
use crate::experiment::decide::templates::tests::shipped;
use crate::experiment::permit::rights::{Rights, needed};

const SECRETS: &str = "[{apiGroups: [''], resources: [secrets], verbs: [get]}]";

fn experiment(spec: &Value) -> Experiment {
    let metadata = json!({"name": "exp", "namespace": "home", "uid": "123e4567-e89b-12d3-a456-426614174000"});
    serde_json::from_value(json!({"metadata": metadata, "spec": spec})).unwrap()
}

fn built(spec: &Value, templates: &Templates) -> Resources {
    let experiment = experiment(spec);
    let facts = Facts { operator_namespace: "home".into(), has_default_env: true, ..Facts::default() };
    let parsed = Spec::parse(experiment.spec.as_ref()).unwrap();
    build(&plan::plan(&experiment, &parsed, &facts).unwrap(), templates).unwrap()
}

/// The shipped templates with these rules in the Role.
fn with_rules(rules: &str) -> Templates {
    let role = format!("kind: Role\nmetadata: {{name: chaostoolkit-experiment}}\nrules: {rules}\n");
    shipped().with(Template::Role, role)
}

fn words(rights: &Rights) -> Vec<String> {
    let binds = rights.roles.iter().map(|existing| &existing.bind);
    rights.all.iter().chain(binds).map(ToString::to_string).collect()
}

#[rstest]
#[case::default(json!({}), &["create pods in namespace chaostoolkit-run"])]
#[case::elsewhere(json!({"namespace": "shop"}), &["create pods in namespace shop"])]
#[case::schedule(
    json!({"schedule": {"kind": "cronJob", "value": "0 0 1 1 *"}}),
    &["create pods in namespace chaostoolkit-run", "create cronjobs.batch in namespace chaostoolkit-run", "create jobs.batch in namespace chaostoolkit-run"]
)]
#[case::account(
    json!({"serviceaccount": {"name": "theirs"}}),
    &["create pods in namespace chaostoolkit-run", "create rolebindings.rbac.authorization.k8s.io in namespace chaostoolkit-run"]
)]
#[case::account_that_is_bound_already(
    json!({"serviceaccount": {"name": "theirs"}, "role": {"bind": "theirs"}}),
    &["create pods in namespace chaostoolkit-run"]
)]
#[case::role(
    json!({"role": {"name": "theirs"}}),
    &["create pods in namespace chaostoolkit-run", "create rolebindings.rbac.authorization.k8s.io in namespace chaostoolkit-run",
        "bind roles.rbac.authorization.k8s.io \"theirs\" in namespace chaostoolkit-run"]
)]
#[case::reach(
    json!({"role": {"binds_to_namespaces": ["a", "b"]}}),
    &["create pods in namespace chaostoolkit-run", "create rolebindings.rbac.authorization.k8s.io in namespace a",
        "create rolebindings.rbac.authorization.k8s.io in namespace b"]
)]
#[case::role_that_reaches(
    json!({"role": {"name": "theirs", "binds_to_namespaces": ["a"]}}),
    &["create pods in namespace chaostoolkit-run", "create rolebindings.rbac.authorization.k8s.io in namespace chaostoolkit-run",
        "create rolebindings.rbac.authorization.k8s.io in namespace a",
        "bind roles.rbac.authorization.k8s.io \"theirs\" in namespace chaostoolkit-run", "bind roles.rbac.authorization.k8s.io \"theirs\" in namespace a"]
)]
#[case::rules(
    json!({"role": {"rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}], "binds_to_namespaces": ["a"]}}),
    &["create pods in namespace chaostoolkit-run", "get secrets in namespace chaostoolkit-run",
        "get secrets in namespace a", "create rolebindings.rbac.authorization.k8s.io in namespace a"]
)]
#[case::cluster_role(
    json!({"role": {"clusterRole": "view", "binds_to_namespaces": ["a"]}}),
    &["create pods in namespace chaostoolkit-run", "create rolebindings.rbac.authorization.k8s.io in namespace chaostoolkit-run",
        "create rolebindings.rbac.authorization.k8s.io in namespace a",
        "bind clusterroles.rbac.authorization.k8s.io \"view\" in namespace chaostoolkit-run",
        "bind clusterroles.rbac.authorization.k8s.io \"view\" in namespace a"]
)]
#[case::cluster_role_in_the_cluster(
    json!({"role": {"clusterRole": "view", "clusterWide": true}}),
    &["create pods in namespace chaostoolkit-run", "create clusterrolebindings.rbac.authorization.k8s.io",
        "bind clusterroles.rbac.authorization.k8s.io \"view\""]
)]
fn the_author_needs_these_rights_besides_those_of_the_role(#[case] spec: Value, #[case] expected: &[&str]) {
    let rights = needed(&built(&spec, &with_rules("[]")), false).unwrap();
    assert_eq!(words(&rights), expected);
}

#[test]
fn each_rule_is_asked_for_in_each_namespace_and_each_right_once() {
    let rules = format!("{} ", SECRETS.replace("[get]", "[get, get, '*']"));
    let spec = json!({"role": {"binds_to_namespaces": ["a"]}});
    let asked = words(&needed(&built(&spec, &with_rules(rules.trim())), false).unwrap());
    let secrets: Vec<&String> = asked.iter().filter(|right| right.contains("secrets")).collect();
    let expected = ["chaostoolkit-run", "a"]
        .map(|place| ["get", "*"].map(|verb| format!("{verb} secrets in namespace {place}")))
        .concat();
    assert_eq!(secrets, expected.iter().collect::<Vec<_>>());
}

#[test]
fn a_new_namespace_has_to_be_created() {
    let resources = built(&json!({"namespace": "new"}), &with_rules("[]"));
    assert_eq!(words(&needed(&resources, true).unwrap())[0], "create namespaces");
}

#[test]
fn a_role_of_the_cluster_needs_the_right_to_bind_it() {
    let binding = "{kind: RoleBinding, metadata: {name: a}, roleRef: {kind: ClusterRole, name: a}, subjects: [{kind: ServiceAccount, name: chaostoolkit}]}";
    let templates = shipped().with(Template::RoleBinding, binding.to_owned());
    let rights = needed(&built(&json!({"role": {"name": "admin"}}), &templates), false).unwrap();
    assert_eq!(
        words(&rights).last().unwrap(),
        "bind clusterroles.rbac.authorization.k8s.io \"admin\" in namespace chaostoolkit-run"
    );
    assert_eq!(rights.roles[0].role, None);
}

#[test]
fn a_binding_to_somebody_else_is_more_than_lending() {
    let binding = "{kind: RoleBinding, metadata: {name: chaostoolkit-experiment}, roleRef: {kind: Role, name: chaostoolkit-experiment}, \
         subjects: [{kind: ServiceAccount, name: chaostoolkit}, {kind: User, name: somebody}]}";
    let templates = shipped().with(Template::RoleBinding, binding.to_owned());
    let resources = built(&json!({}), &templates);
    let asked = words(&needed(&resources, false).unwrap());
    assert!(asked.iter().any(|right| right.starts_with("create rolebindings")), "{asked:?}");
    assert!(Beyond::of(&resources, None).account.is_some());
}

#[test]
fn the_author_needs_the_rights_of_the_run_in_each_namespace_that_was_found() {
    let spec = json!({"targets": {"namespaceSelector": {"matchLabels": {"a": "b"}}}});
    let reaching = |count: usize| {
        let namespaces = (0..count).map(|number| format!("n{number}")).collect();
        let targets = chaostoolkit_api::Targets { namespaces, ..chaostoolkit_api::Targets::default() };
        needed(&built(&spec, &with_rules(SECRETS)).reaching(targets), false)
    };
    let expected = [
        "create pods in namespace chaostoolkit-run",
        "get secrets in namespace chaostoolkit-run",
        "get secrets in namespace n0",
        "create rolebindings.rbac.authorization.k8s.io in namespace n0",
    ];
    assert_eq!(words(&reaching(1).unwrap()), expected);
    assert_eq!(reaching(50).unwrap().all.len(), 102, "as many as may be found");
}

#[test]
fn very_many_rights_are_not_asked_for() {
    let resources: Vec<String> = (0..MOST).map(|number| format!("r{number}")).collect();
    let of = |count: usize, verbs: &str| {
        let list = resources[..count].join(", ");
        needed(
            &built(
                &json!({}),
                &with_rules(&format!("[{{apiGroups: [x], resources: [{list}], verbs: [{verbs}]}}]")),
            ),
            false,
        )
    };
    assert_eq!(of(MOST - 1, "get").unwrap().all.len(), MOST, "with the pods");
    assert_eq!(of(MOST, "get"), Err(TooMany));
    assert_eq!(of(256, &["get"; 100].join(", ")), Err(TooMany), "repetitions end too");
    let nine: Vec<String> = (0..9).map(|number| format!("n{number}")).collect();
    let mut resources = built(&json!({}), &with_rules("[]"));
    let role = resources.owned.iter().find(|own| own.kind == Kind::Role).cloned().unwrap();
    for namespace in nine {
        let mut role = role.clone();
        role.value["metadata"]["namespace"] = json!(namespace);
        assert!(needed(&resources, false).is_ok());
        resources.owned.push(role);
    }
    assert_eq!(needed(&resources, false), Err(TooMany));
}

#[rstest]
#[case::default(json!({}), None)]
#[case::default_by_name(json!({"namespace": "chaostoolkit-run"}), None)]
#[case::own_pod(json!({"pod": {"template": {"metadata": {"name": "mine"}, "spec": {"containers": [{"name": "c"}]}}}}), None)]
#[case::bound_already(json!({"role": {"bind": "theirs"}}), None)]
#[case::elsewhere(json!({"namespace": "shop"}), Some("takes place in namespace shop"))]
#[case::reach(json!({"role": {"binds_to_namespaces": ["a"]}}), Some("has rights in namespace a"))]
#[case::account(json!({"serviceaccount": {"name": "theirs"}}), Some("uses the existing account \"theirs\""))]
#[case::role(json!({"role": {"name": "theirs"}}), Some("gets the existing role \"theirs\""))]
#[case::cluster_role(json!({"role": {"clusterRole": "view"}}), Some("gets the existing role \"view\""))]
#[case::in_the_cluster(json!({"role": {"clusterRole": "view", "clusterWide": true}}), Some("has rights in the whole cluster"))]
fn what_a_run_has_beyond_the_default_one_is_named(#[case] spec: Value, #[case] expected: Option<&str>) {
    assert_eq!(Beyond::of(&built(&spec, &shipped()), None).first(), expected);
}

#[test]
fn the_role_of_other_templates_is_compared_with_the_default_one() {
    let default = shipped().object(Template::Role).unwrap();
    let beyond = |rules: &str| Beyond::of(&built(&json!({}), &with_rules(rules)), Some(&default)).rules;
    assert_eq!(beyond("[{apiGroups: [''], resources: [pods], verbs: [get, list]}]"), None);
    assert_eq!(beyond("[]"), None);
    let more =
        "may get secrets in namespace chaostoolkit-run, unlike one with the Role of the default templates";
    assert_eq!(beyond(SECRETS).as_deref(), Some(more));
    assert!(beyond("[{apiGroups: [''], resources: ['*'], verbs: [get]}]").is_some());
}

#[rstest]
#[case(json!({}), false)]
#[case(json!({"template": {"name": null}, "role": {"generate": false}}), false)]
#[case(json!({"template": {"name": ""}}), false)]
#[case(json!({"template": {"name": names::TEMPLATES}}), false)]
#[case(json!({"template": {"name": "other"}}), true)]
#[case(json!({"role": {"generate": true}}), true)]
#[case(json!({"role": {"generate": "yes"}}), true)]
#[case(json!({"role": {"rules": []}}), true)]
fn a_run_may_have_a_role_of_its_own(#[case] spec: Value, #[case] expected: bool) {
    assert_eq!(beyond::has_own_role(&experiment(&spec)), expected);
}
