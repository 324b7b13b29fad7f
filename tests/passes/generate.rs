//! Roles that follow from the experiment: `spec.role.generate`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::control::{condition, rerun, set};
use super::*;
use crate::schedule::CRON_JOB;

/// An activity of chaosk8s.
fn activity(function: &str, arguments: &Value) -> Value {
    let (module, func) = function.rsplit_once('.').unwrap();
    json!({"type": "action", "name": func, "provider":
        {"type": "python", "module": format!("chaosk8s.{module}"), "func": func, "arguments": arguments}})
}

fn scale(name: &str, ns: &str) -> Value {
    activity("deployment.actions.scale_deployment", &json!({"name": name, "replicas": 1, "ns": ns}))
}

/// Returns a cluster with an experiment, and an operator that does not ask who may have the rights. `permit.rs` has what it asks.
fn begin(spec: &Value) -> (FakeApi, Operator) {
    begin_in(cluster_for_runs(), spec)
}

/// The same in a given cluster.
fn begin_in(fake: FakeApi, spec: &Value) -> (FakeApi, Operator) {
    let (fake, mut operator) = super::begin_in(fake, spec);
    Arc::get_mut(&mut operator.context).unwrap().config.unchecked_authors = true;
    (fake, operator)
}

fn in_the_spec(method: &[Value], rollbacks: &[Value]) -> Value {
    json!({"role": {"generate": true}, "experiment":
        {"title": "t", "description": "d", "method": method, "rollbacks": rollbacks}})
}

/// Puts the experiment into its `ConfigMap`.
fn in_the_config_map(fake: &FakeApi, method: &[Value]) {
    let mut map = config_map("chaostoolkit-run");
    let text = json!({"title": "t", "description": "d", "method": method}).to_string();
    map["data"]["experiment.json"] = json!(text);
    fake.put(map);
}

fn patch(name: &str) -> Value {
    json!([{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["patch"], "resourceNames": [name]}])
}

/// The rules that the account of the run has, by namespace. Checks that each Role has its binding, and that there are no
/// others.
fn granted(fake: &FakeApi) -> BTreeMap<String, Value> {
    let of_kind = |kind: &str| {
        let objects = fake.objects().into_iter().filter(|(_, object)| object["kind"] == kind);
        objects.map(|(_, object)| object).collect::<Vec<_>>()
    };
    let (roles, bindings) = (of_kind("Role"), of_kind("RoleBinding"));
    assert_eq!(roles.len(), bindings.len());
    let mut granted = BTreeMap::new();
    for role in roles {
        let is_of = |binding: &&Value| {
            binding["roleRef"]
                == json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role["metadata"]["name"]})
                && binding["metadata"]["namespace"] == role["metadata"]["namespace"]
        };
        let binding = bindings.iter().find(is_of).unwrap();
        let account = json!([{"kind": "ServiceAccount", "name": "chaostoolkit-a235f4ad3e", "namespace": "chaostoolkit-run"}]);
        assert_eq!(binding["subjects"], account);
        let namespace = role["metadata"]["namespace"].as_str().unwrap().to_owned();
        assert!(granted.insert(namespace, role["rules"].clone()).is_none(), "one Role in each namespace");
    }
    granted
}

fn of<const N: usize>(rules: [(&str, Value); N]) -> BTreeMap<String, Value> {
    rules.into_iter().map(|(namespace, rules)| (namespace.to_owned(), rules)).collect()
}

/// The message of the condition `Accepted`.
fn accepted(fake: &FakeApi) -> String {
    let conditions = status(fake)["conditions"].as_array().cloned().unwrap_or_default();
    let accepted = conditions.into_iter().find(|condition| condition["type"] == "Accepted").unwrap();
    accepted["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_run_gets_the_rights_of_its_activities_where_they_act_and_loses_them_with_its_experiment() {
    let logs = activity("pod.probes.read_pod_logs", &json!({"label_selector": "a=b"}));
    let spec =
        in_the_spec(&[scale("web", "shop"), logs], &[scale("web", "shop"), scale("x", "chaostoolkit-run")]);
    let (fake, mut operator) = begin(&spec);
    fake.put(namespace("shop"));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!([&status(&fake)["phase"], &status(&fake)["reason"]], ["Blocked", "NamespaceMissing"]);
    assert!(
        status(&fake)["message"].to_string().contains("namespace default, "),
        "{}",
        status(&fake)["message"]
    );
    fake.put(namespace("default"));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["phase"], "Completed");
    let pods = json!([
        {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
    ]);
    let expected = of([("chaostoolkit-run", patch("x")), ("default", pods), ("shop", patch("web"))]);
    assert_eq!(granted(&fake), expected);
    assert!(!accepted(&fake).contains("spec.role.generate"), "{}", accepted(&fake));
    check_protocol(&fake);
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    nothing_is_left(&fake);
    assert_eq!(granted(&fake), of([]));
}

#[tokio::test]
async fn an_experiment_that_needs_nothing_gets_no_role() {
    let (fake, mut operator) = begin(&in_the_spec(&[], &[]));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!((status(&fake)["phase"].clone(), granted(&fake)), (json!("Completed"), of([])));
}

#[tokio::test]
async fn what_cannot_be_derived_is_named_and_the_run_starts() {
    let drain = activity("node.actions.drain_nodes", &json!({}));
    let (fake, mut operator) = begin(&in_the_spec(&[scale("web", "chaostoolkit-run"), drain], &[]));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(condition(&fake, "Accepted"), "True/AcceptedWithWarnings");
    let expected = "spec.role.generate: method[1].provider.func: node.actions.drain_nodes of chaosk8s needs rights in the whole cluster";
    assert!(accepted(&fake).contains(expected), "{}", accepted(&fake));
    assert_eq!(granted(&fake), of([("chaostoolkit-run", patch("web"))]));
    assert_eq!(status(&fake)["phase"], "Completed");
}

#[tokio::test]
async fn a_run_waits_for_the_experiment_that_its_rights_follow_from() {
    let fake = cluster();
    let (fake, mut operator) = begin_in(fake, &json!({"role": {"generate": true}}));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["reason"], "ConfigMapMissing");
    assert_eq!(granted(&fake), of([]));
    in_the_config_map(&fake, &[scale("web", "chaostoolkit-run")]);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["phase"], "Completed");
    assert_eq!(granted(&fake), of([("chaostoolkit-run", patch("web"))]));
}

#[tokio::test]
async fn the_rights_follow_the_text_that_is_read_last_before_the_pod_is_created() {
    let (fake, mut operator) = begin(&json!({"role": {"generate": true}}));
    in_the_config_map(&fake, &[scale("web", "chaostoolkit-run")]);
    fake.refuse(Some(("POST", "/pods/", 403)));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(granted(&fake), of([("chaostoolkit-run", patch("web"))]));
    in_the_config_map(&fake, &[scale("db", "chaostoolkit-run")]);
    fake.refuse(None);
    settle(&fake, &mut operator, None).await;
    assert_eq!(status(&fake)["phase"], "Running");
    assert_eq!(granted(&fake), of([("chaostoolkit-run", patch("db"))]));
    // Once the run has begun, its rights stay.
    in_the_config_map(&fake, &[scale("other", "chaostoolkit-run")]);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(granted(&fake), of([("chaostoolkit-run", patch("db"))]));
    // The next run has rights of its own.
    rerun(&fake, "1");
    settle(&fake, &mut operator, None).await;
    assert_eq!(status(&fake)["run"]["number"], 2);
    let names: Vec<String> = fake.objects().into_keys().filter(|path| path.contains("/roles/")).collect();
    assert_eq!(names.len(), 1, "{names:?}");
    assert_eq!(fake.get(&names[0]).unwrap()["rules"], patch("other"));
}

#[tokio::test]
async fn an_edit_of_a_schedule_replaces_the_rights_and_not_the_schedule() {
    let mut spec = json!({"role": {"generate": true}, "schedule": {"kind": "cronJob", "value": "0 0 1 1 *"}});
    let (fake, mut operator) = begin(&spec);
    in_the_config_map(&fake, &[scale("web", "chaostoolkit-run")]);
    settle(&fake, &mut operator, None).await;
    assert_eq!(granted(&fake), of([("chaostoolkit-run", patch("web"))]));
    let uid = fake.get(CRON_JOB).unwrap()["metadata"]["uid"].clone();
    fake.put(namespace("shop"));
    in_the_config_map(&fake, &[scale("web", "shop")]);
    operator.again = true;
    settle(&fake, &mut operator, None).await;
    assert_eq!(granted(&fake), of([("shop", patch("web"))]));
    assert_eq!(fake.get(CRON_JOB).unwrap()["metadata"]["uid"], uid);
    spec["role"] = json!({});
    set(&fake, "role", json!({}));
    settle(&fake, &mut operator, None).await;
    let granted = granted(&fake);
    assert_eq!(granted.keys().collect::<Vec<_>>(), ["chaostoolkit-run"]);
    assert_eq!(granted["chaostoolkit-run"].as_array().unwrap().len(), 3, "the rules of the template");
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    nothing_is_left(&fake);
}

#[tokio::test]
async fn a_run_of_a_schedule_keeps_its_rights_if_its_experiment_goes() {
    let spec = json!({"role": {"generate": true}, "schedule": {"kind": "cronJob", "value": "0 0 1 1 *"}});
    let (fake, mut operator) = begin(&spec);
    in_the_config_map(&fake, &[scale("web", "chaostoolkit-run")]);
    settle(&fake, &mut operator, None).await;
    schedule::tick(&fake, &mut operator).await;
    fake.vanish(&format!("{RUN}/configmaps/chaostoolkit-experiment"));
    operator.again = true;
    settle(&fake, &mut operator, None).await;
    assert_eq!([&status(&fake)["phase"], &status(&fake)["reason"]], ["Blocked", "ConfigMapMissing"]);
    assert_eq!(granted(&fake), of([("chaostoolkit-run", patch("web"))]));
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, Some(0)).await;
    nothing_is_left(&fake);
}

#[tokio::test]
async fn a_namespace_that_is_not_for_experiments_is_refused_until_the_text_is_corrected() {
    let (fake, mut operator) = begin(&json!({"role": {"generate": true}}));
    in_the_config_map(&fake, &[scale("coredns", "kube-system")]);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!([&status(&fake)["phase"], &status(&fake)["reason"]], ["Failed", "InvalidSpec"]);
    let message = status(&fake)["message"].as_str().unwrap().to_owned();
    let path = "method[0].provider.arguments.ns of configmap/chaostoolkit-experiment/experiment.json: \"kube-system\" is not";
    assert!(message.starts_with(path), "{message}");
    assert_eq!(condition(&fake, "Permitted"), "False/Forbidden");
    assert_eq!((pods_created(&fake), granted(&fake)), (0, of([])));
    in_the_config_map(&fake, &[scale("web", "chaostoolkit-run")]);
    rerun(&fake, "1");
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["phase"], "Completed");
    assert_eq!(granted(&fake), of([("chaostoolkit-run", patch("web"))]));
}

#[tokio::test]
async fn another_pod_that_plays_the_rollbacks_has_the_rights_of_the_run() {
    let mut spec = in_the_spec(&[scale("web", "chaostoolkit-run")], &[scale("web", "chaostoolkit-run")]);
    spec["rescue"] = json!(true);
    let (fake, mut operator) = begin(&spec);
    settle(&fake, &mut operator, None).await;
    let before = granted(&fake);
    assert_eq!(before, of([("chaostoolkit-run", patch("web"))]));
    fake.end(POD, 137, None);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(condition(&fake, "RolledBack"), "True/RescuePlayed");
    assert_eq!((pods_created(&fake), granted(&fake)), (2, before));
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    nothing_is_left(&fake);
}
