//! Rights that the author chooses: rules in the spec, and an existing `ClusterRole`, in namespaces or in the whole cluster.

use std::sync::Arc;
use std::time::Duration;

use chaostoolkit_api::names;
use serde_json::{Value, json};

use super::control::{condition, found, set, with_rollbacks};
use super::*;

/// The author of stamped experiments.
const AUTHOR: &str = "author";

/// The suffix of the experiment.
const SUFFIX: &str = "a235f4ad3e";

/// Returns a cluster with an experiment that has this role, and an operator that does not ask who may have it.
fn begin_with(role: &Value) -> (FakeApi, Operator) {
    let (fake, mut operator) = begin(&json!({"role": role}));
    fake.put(namespace("shop"));
    Arc::get_mut(&mut operator.context).unwrap().config.unchecked_authors = true;
    (fake, operator)
}

/// Returns a cluster that names authors, with an experiment of [`AUTHOR`] that has this role, and an operator.
fn begin_asked(role: &Value) -> (FakeApi, Operator) {
    let fake = cluster_for_runs();
    stamp_requests(&fake);
    let (fake, operator) = begin_in(fake, &json!({"role": role}));
    fake.put(namespace("shop"));
    stamp(&fake, AUTHOR);
    (fake, operator)
}

fn patch() -> Value {
    json!({"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["patch"]})
}

fn list() -> Value {
    json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]})
}

/// A schedule whose runs have this role.
fn scheduled(role: &Value) -> Value {
    let mut spec = schedule::spec();
    spec["role"] = role.clone();
    spec
}

fn message(fake: &FakeApi) -> String {
    status(fake)["message"].as_str().unwrap().to_owned()
}

/// The namespaces of the objects of a kind, or null.
fn places(fake: &FakeApi, kind: &str) -> Vec<Value> {
    fake.list(kind).iter().map(|object| object["metadata"]["namespace"].clone()).collect()
}

/// Checks that each binding gives this role to the account of the run, and that its name is that of a child.
fn bound_to(fake: &FakeApi, kind: &str, role: &Value) {
    for binding in fake.list(kind) {
        let reference = &binding["roleRef"];
        assert_eq!(json!([reference["kind"], reference["name"]]), *role);
        assert_eq!(
            binding["subjects"],
            json!([{"kind": "ServiceAccount", "name": format!("chaostoolkit-{SUFFIX}"), "namespace": "chaostoolkit-run"}])
        );
        let name = binding["metadata"]["name"].as_str().unwrap();
        assert!(names::is_child(name, SUFFIX) && name.matches('-').count() == 3, "with a hash: {name}");
    }
}

async fn deleted(fake: &FakeApi, operator: &mut Operator) {
    fake.delete(EXPERIMENT);
    settle(fake, operator, None).await;
    nothing_is_left(fake);
    check_protocol(fake);
}

#[tokio::test]
async fn rules_of_the_spec_are_the_role_of_the_run_in_each_of_its_namespaces() {
    let (fake, mut operator) =
        begin_with(&json!({"rules": [patch(), list()], "binds_to_namespaces": ["shop"]}));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    let roles = fake.list("Role");
    assert_eq!(places(&fake, "Role"), ["chaostoolkit-run", "shop"]);
    assert_eq!(places(&fake, "RoleBinding"), ["chaostoolkit-run", "shop"]);
    assert!(roles.iter().all(|role| role["rules"] == json!([patch(), list()])), "{roles:?}");
    bound_to(&fake, "RoleBinding", &json!(["Role", roles[0]["metadata"]["name"]]));
    deleted(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_run_with_an_empty_list_of_rules_has_no_role() {
    let (fake, mut operator) = begin_with(&json!({"rules": []}));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    assert_eq!((fake.list("Role").len(), fake.list("RoleBinding").len()), (0, 0));
}

#[tokio::test]
async fn each_rule_of_the_spec_is_asked_of_its_author_where_the_run_gets_it() {
    let role = json!({"rules": [patch()], "binds_to_namespaces": ["shop"]});
    let (fake, mut operator) = begin_asked(&role);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(condition(&fake, "Permitted"), "True/Permitted");
    let mut asked = fake.reviews();
    asked.sort();
    let expected = [
        "create pods chaostoolkit-run",
        "create rolebindings shop",
        "patch deployments chaostoolkit-run",
        "patch deployments shop",
    ];
    assert_eq!(asked, expected.map(|right| format!("{AUTHOR} {right}")));
    for missing in
        ["patch deployments chaostoolkit-run", "patch deployments shop", "create rolebindings shop"]
    {
        let (fake, mut operator) = begin_asked(&role);
        fake.forbid(&[missing]);
        settle(&fake, &mut operator, Some(0)).await;
        assert_eq!(found(&fake), "Blocked/none/AuthorForbidden", "{missing}");
        assert_eq!((fake.list("Role").len(), fake.list("RoleBinding").len()), (0, 0), "{missing}");
    }
}

/// Rules within those of the default Role are no more than any run has.
#[tokio::test]
async fn rules_need_somebody_to_judge_them_if_they_give_more_than_the_default_role() {
    for (rule, is_judged, expected) in [
        (list(), false, "Completed/Passed/Passed"),
        (patch(), false, "Blocked/none/PolicyMissing"),
        (patch(), true, "Completed/Passed/Passed"),
    ] {
        let fake = cluster_for_runs();
        let fake = if is_judged { judged(fake) } else { fake };
        let (fake, mut operator) = begin_in(fake, &json!({"role": {"rules": [rule]}}));
        settle(&fake, &mut operator, Some(0)).await;
        assert_eq!(found(&fake), expected, "{rule}, judged: {is_judged}");
    }
}

#[tokio::test]
async fn an_edit_of_the_rules_of_a_schedule_replaces_its_rights_and_not_the_schedule() {
    let fake = judged(cluster_for_runs());
    let (fake, mut operator) = begin_in(fake, &scheduled(&json!({"rules": [patch()]})));
    settle(&fake, &mut operator, None).await;
    let uid = fake.get(schedule::CRON_JOB).unwrap()["metadata"]["uid"].clone();
    set(&fake, "role", json!({"rules": [list()]}));
    settle(&fake, &mut operator, None).await;
    let roles = fake.list("Role");
    assert_eq!((roles.len(), &roles[0]["rules"]), (1, &json!([list()])));
    assert_eq!(fake.list("RoleBinding").len(), 1);
    assert_eq!(fake.get(schedule::CRON_JOB).unwrap()["metadata"]["uid"], uid);
    deleted(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_cluster_role_is_bound_in_each_namespace_of_the_run_and_no_role_is_made() {
    let (fake, mut operator) = begin_with(&json!({"clusterRole": "view", "binds_to_namespaces": ["shop"]}));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    assert_eq!(places(&fake, "RoleBinding"), ["chaostoolkit-run", "shop"]);
    assert_eq!((fake.list("Role").len(), fake.list("ClusterRoleBinding").len()), (0, 0));
    bound_to(&fake, "RoleBinding", &json!(["ClusterRole", "view"]));
    deleted(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_cluster_role_for_the_whole_cluster_has_one_binding_that_is_in_no_namespace() {
    let (fake, mut operator) = begin_with(&json!({"clusterRole": "view", "clusterWide": true}));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    assert_eq!((fake.list("Role").len(), fake.list("RoleBinding").len()), (0, 0));
    let bindings = fake.list("ClusterRoleBinding");
    assert_eq!((bindings.len(), &bindings[0]["metadata"]["namespace"]), (1, &Value::Null));
    bound_to(&fake, "ClusterRoleBinding", &json!(["ClusterRole", "view"]));
    let metadata = &bindings[0]["metadata"];
    assert_eq!(metadata["labels"][names::UID_LABEL], UID);
    assert_eq!(metadata["annotations"][names::EXPERIMENT_ANNOTATION], "chaostoolkit-crd/exp");
    assert!(metadata["annotations"][names::MARK_ANNOTATION].is_string());
    let recorded = json!({"kind": "ClusterRoleBinding", "namespace": "", "name": metadata["name"], "uid": metadata["uid"]});
    assert!(
        status(&fake)["resources"].as_array().unwrap().contains(&recorded),
        "{}",
        status(&fake)["resources"]
    );
    let before = fake.writes().len();
    deleted(&fake, &mut operator).await;
    let teardown: Vec<String> = fake.writes()[before..].iter().map(short).collect();
    let at = |what: &str| teardown.iter().position(|write| write == what).unwrap();
    assert!(at("DELETE pods") < at("DELETE clusterrolebindings"), "rollbacks need it: {teardown:?}");
    assert!(at("DELETE clusterrolebindings") < at("DELETE serviceaccounts"), "{teardown:?}");
}

#[tokio::test]
async fn an_author_needs_the_right_to_bind_a_cluster_role_where_it_is_bound() {
    let wide = json!({"clusterRole": "view", "clusterWide": true});
    let bound = json!({"clusterRole": "view", "binds_to_namespaces": ["shop"]});
    let of_bound = [
        "bind clusterroles/view chaostoolkit-run",
        "bind clusterroles/view shop",
        "create rolebindings chaostoolkit-run",
        "create rolebindings shop",
    ];
    let of_wide = ["bind clusterroles/view", "create clusterrolebindings"];
    for (role, rights) in [(&bound, &of_bound[..]), (&wide, &of_wide[..])] {
        let (fake, mut operator) = begin_asked(role);
        settle(&fake, &mut operator, Some(0)).await;
        assert_eq!(found(&fake), "Completed/Passed/Passed");
        let mut asked = fake.reviews();
        asked.retain(|right| !right.contains(" pods "));
        asked.sort();
        let expected: Vec<String> = rights.iter().map(|right| format!("{AUTHOR} {right}")).collect();
        assert_eq!(asked, expected);
        for missing in rights {
            let (fake, mut operator) = begin_asked(role);
            fake.forbid(&[missing]);
            settle(&fake, &mut operator, Some(0)).await;
            assert_eq!(found(&fake), "Blocked/none/AuthorForbidden", "{missing}");
            assert_eq!(
                fake.list("RoleBinding").len() + fake.list("ClusterRoleBinding").len(),
                0,
                "{missing}"
            );
        }
    }
}

#[tokio::test]
async fn a_cluster_role_needs_somebody_who_judges_it() {
    for role in [json!({"clusterRole": "view"}), json!({"clusterRole": "view", "clusterWide": true})] {
        for (policies, expected) in [
            ("", "Blocked/none/PolicyMissing"),
            ("stamping", "Blocked/none/AuthorUnknown"),
            ("judging", "Completed/Passed/Passed"),
        ] {
            let fake = cluster_for_runs();
            match policies {
                "stamping" => stamp_requests(&fake),
                "judging" => judge_requests(&fake),
                _ => {}
            }
            let (fake, mut operator) = begin_in(fake, &json!({"role": role}));
            settle(&fake, &mut operator, Some(0)).await;
            assert_eq!(found(&fake), expected, "{role}, {policies}");
        }
    }
}

#[tokio::test]
async fn without_the_component_nothing_is_recorded_and_the_message_names_it() {
    let (fake, mut operator) = begin_with(&json!({"clusterRole": "view", "clusterWide": true}));
    fake.bind("", false);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Blocked/none/RightsMissing");
    assert_eq!(condition(&fake, "Permitted"), "False/RightsMissing");
    let expected = "the operator may not create ClusterRoleBindings, which spec.role.clusterWide needs; an administrator adds \
        the component kustomize/components/cluster-wide to the operator's overlay";
    assert_eq!(message(&fake), expected);
    assert_eq!(status(&fake)["resources"], Value::Null, "a deletion has nothing to remove that it may not");
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    nothing_is_left(&fake);
}

#[tokio::test(start_paused = true)]
async fn a_run_starts_once_the_component_is_there() {
    let (fake, mut operator) = begin_with(&json!({"clusterRole": "view", "clusterWide": true}));
    fake.bind("", false);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Blocked/none/RightsMissing");
    fake.bind("", true);
    tokio::time::advance(Duration::from_secs(6)).await;
    operator.again = true;
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
}

#[tokio::test]
async fn an_edit_of_a_schedule_leaves_no_binding_of_before_in_the_cluster() {
    let fake = judged(cluster_for_runs());
    let (fake, mut operator) =
        begin_in(fake, &scheduled(&json!({"clusterRole": "view", "clusterWide": true})));
    settle(&fake, &mut operator, None).await;
    let bound = |fake: &FakeApi| -> Vec<Value> {
        fake.list("ClusterRoleBinding").iter().map(|binding| binding["roleRef"]["name"].clone()).collect()
    };
    assert_eq!(bound(&fake), ["view"]);
    set(&fake, "role", json!({"clusterRole": "nodes", "clusterWide": true}));
    settle(&fake, &mut operator, None).await;
    assert_eq!(bound(&fake), ["nodes"]);
    set(&fake, "role", json!({"clusterRole": "nodes"}));
    settle(&fake, &mut operator, None).await;
    assert_eq!((bound(&fake).len(), fake.list("RoleBinding").len()), (0, 1));
    set(&fake, "role", json!({}));
    settle(&fake, &mut operator, None).await;
    assert_eq!(fake.list("RoleBinding")[0]["roleRef"]["kind"], "Role");
    deleted(&fake, &mut operator).await;
}

/// Somebody has made another binding under the name, or changed it. Names do not say what an object gives.
#[tokio::test]
async fn a_binding_in_the_cluster_that_gives_something_else_is_replaced_and_anothers_is_left_alone() {
    let role = json!({"clusterRole": "view", "clusterWide": true});
    let fake = judged(cluster_for_runs());
    let (fake, mut operator) = begin_in(fake, &scheduled(&role));
    settle(&fake, &mut operator, None).await;
    let name = fake.list("ClusterRoleBinding")[0]["metadata"]["name"].as_str().unwrap().to_owned();
    let path = format!("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{name}");
    fake.edit(&path, |binding| binding["roleRef"]["name"] = json!("cluster-admin"));
    operator.again = true;
    settle(&fake, &mut operator, None).await;
    assert_eq!(fake.get(&path).unwrap()["roleRef"]["name"], "view");

    let (fake, mut operator) = begin_with(&role);
    fake.put(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": name, "labels": {names::UID_LABEL: UID}}, "roleRef": {"kind": "ClusterRole", "name": "x"}}));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Blocked/Unknown/NameConflict");
    assert!(message(&fake).starts_with(&format!("ClusterRoleBinding {name} exists")), "{}", message(&fake));
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    assert!(fake.get(&path).is_some(), "it is somebody else's");
}

#[tokio::test]
async fn a_binding_in_the_cluster_goes_after_each_run_if_the_spec_asks_for_it_and_stays_if_it_asks_for_that()
{
    let role = json!({"clusterRole": "view", "clusterWide": true});
    let (fake, mut operator) = begin_with(&role);
    set(&fake, "cleanup", json!({"onSuccess": "delete"}));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(
        (found(&fake), fake.list("ClusterRoleBinding").len()),
        ("Completed/Passed/Passed".to_owned(), 0)
    );

    let (fake, mut operator) = begin_with(&role);
    set(&fake, "keep_resources_on_delete", json!(true));
    settle(&fake, &mut operator, Some(0)).await;
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    assert_eq!((fake.get(EXPERIMENT), fake.list("ClusterRoleBinding").len()), (None, 1));
}

#[tokio::test]
async fn a_pod_that_plays_the_rollbacks_still_has_its_rights_in_the_cluster() {
    let mut spec = with_rollbacks(json!({"rescue": true}));
    spec["role"] = json!({"clusterRole": "view", "clusterWide": true});
    let (fake, mut operator) = begin_in(judged(cluster_for_runs()), &spec);
    settle(&fake, &mut operator, None).await;
    fake.delete(EXPERIMENT);
    operator.pass().await;
    fake.end(POD, 137, None);
    settle(&fake, &mut operator, None).await;
    assert!(fake.get(super::control::RESCUE).is_some());
    assert_eq!(fake.list("ClusterRoleBinding").len(), 1);
    settle(&fake, &mut operator, Some(0)).await;
    nothing_is_left(&fake);
    check_protocol(&fake);
}

#[tokio::test]
async fn a_teardown_that_is_given_up_takes_the_rights_in_the_cluster_first() {
    let (fake, mut operator) = begin_with(&json!({"clusterRole": "view", "clusterWide": true}));
    settle(&fake, &mut operator, None).await;
    Arc::get_mut(&mut operator.context).unwrap().config.cleanup_limit = Duration::ZERO;
    fake.delete(EXPERIMENT);
    let before = fake.writes().len();
    operator.pass().await;
    nothing_is_left(&fake);
    let writes: Vec<String> = fake.writes()[before..].iter().map(short).collect();
    let at =
        |what: &str| writes.iter().rposition(|write| write == what).unwrap_or_else(|| panic!("{writes:?}"));
    assert!(at("DELETE clusterrolebindings") < at("DELETE pods"), "{writes:?}");
}

const STORIES: [(Story, Pace); 3] = [
    (Story::WithRules, Pace::FastKubelet),
    (Story::WithClusterRole, Pace::FastKubelet),
    (Story::ClusterWide, Pace::FastKubelet),
];

/// Once a refusal is over, the condition `Permitted` names the generation of that time. Without one, it names that of the start.
/// An edit makes these differ, so its story has another failure in place of refusals.
const fn refused(story: Story, number: usize) -> [Option<Fault>; 1] {
    match (story, refused_in_turns(story, number)) {
        (Story::ClusterWide, [Some(Fault::Before(403, _))]) => [Some(Fault::Before(500, "InternalError"))],
        (_, faults) => faults,
    }
}

#[tokio::test]
async fn any_call_for_chosen_rights_may_be_refused_once() {
    try_all(&STORIES, "chosen, refused", Hangs::Crash, refused).await;
}

#[tokio::test]
async fn the_operator_may_be_killed_while_it_gives_chosen_rights() {
    try_all(&STORIES, "chosen, killed", Hangs::Crash, before_and_after).await;
}

#[tokio::test(start_paused = true)]
async fn the_operator_may_sleep_while_it_gives_chosen_rights() {
    try_all(&STORIES, "chosen, asleep", Hangs::Sleep, before_and_after).await;
}
