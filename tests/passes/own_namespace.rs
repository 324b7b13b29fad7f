//! Experiments outside the operator's namespace, which run beside themselves, with the rights that a binding gives.

use std::sync::Arc;
use std::time::Duration;

use chaostoolkit_api::names;
use chaostoolkit_operator::experiment::stages::orphans;
use chaostoolkit_operator::process::config::Watched;
use kube::runtime::reflector::store;
use kube::runtime::watcher::Event;
use serde_json::{Value, json};

use super::*;

const OWN: &str = "/apis/chaostoolkit.org/v1/namespaces/team/chaosexperiments/exp";
const TEAM: &str = "/api/v1/namespaces/team";
const OWN_POD: &str = "/api/v1/namespaces/team/pods/chaostoolkit-a235f4ad3e";
const COMMAND: &str = "kubectl -n team create rolebinding chaostoolkit --clusterrole=chaostoolkit-crd-runs \
    --serviceaccount=chaostoolkit-crd:chaostoolkit-crd";

/// Returns a cluster with an experiment of this spec in the namespace of a team, and an operator that watches all namespaces.
fn begin_elsewhere(spec: &Value) -> (FakeApi, Operator) {
    let fake = cluster();
    fake.put(namespace("team"));
    fake.put(config_map("team"));
    let mut own = experiment(spec);
    own["metadata"]["namespace"] = json!("team");
    fake.put(own);
    let mut operator = Operator::new(&fake, Hangs::Crash);
    operator.experiment = OWN;
    Arc::get_mut(&mut operator.context).unwrap().config.watched = Watched::All;
    (fake, operator)
}

fn own_status(fake: &FakeApi) -> Value {
    fake.get(OWN).unwrap()["status"].clone()
}

fn condition(fake: &FakeApi, type_: &str) -> String {
    let status = own_status(fake);
    let conditions = status["conditions"].as_array().unwrap();
    let found = conditions.iter().find(|condition| condition["type"] == type_).unwrap();
    format!("{}/{}", found["status"].as_str().unwrap(), found["reason"].as_str().unwrap())
}

/// The paths of the objects of a run that were created.
fn created(fake: &FakeApi) -> Vec<String> {
    let posted = fake.writes().into_iter().filter(|call| call.method == "POST");
    posted.map(|call| call.path).filter(|path| !path.ends_with("reviews/")).collect()
}

/// Lets the answers about rights become old.
async fn later() {
    tokio::time::advance(Duration::from_secs(6)).await;
}

/// Begins to delete the namespace of the team.
fn begin_to_delete_namespace(fake: &FakeApi) {
    fake.edit(TEAM, |namespace| {
        namespace["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:02:00Z");
        namespace["metadata"]["finalizers"] = json!(["kubernetes"]);
    });
}

/// Begins to delete the namespace of the team with its pods, as Kubernetes does.
fn delete_namespace(fake: &FakeApi) {
    begin_to_delete_namespace(fake);
    if fake.get(OWN_POD).is_some() {
        fake.delete(OWN_POD);
    }
}

/// Returns a cluster with a run in the namespace of a team, in progress.
async fn running() -> (FakeApi, Operator) {
    let (fake, mut operator) = begin_elsewhere(&json!({}));
    settle(&fake, &mut operator, None).await;
    assert_eq!(own_status(&fake)["phase"], "Running");
    (fake, operator)
}

#[tokio::test(start_paused = true)]
async fn all_of_a_run_is_beside_its_experiment_and_goes_with_it() {
    let (fake, mut operator) = begin_elsewhere(&json!({"namespace": "team"}));
    settle(&fake, &mut operator, Some(0)).await;
    let status = own_status(&fake);
    assert_eq!((&status["outcome"], &status["runNamespace"]), (&json!("Passed"), &json!("team")));
    assert_eq!(fake.get(OWN_POD).unwrap()["metadata"]["finalizers"], json!([]));
    assert!(fake.get(&format!("{TEAM}/configmaps/{JOURNAL}")).is_some(), "the journal is there too");
    let created = created(&fake);
    assert!(created.len() >= 5, "{created:?}");
    assert!(created.iter().all(|path| path.contains("/namespaces/team/")), "{created:?}");
    fake.delete(OWN);
    settle(&fake, &mut operator, Some(0)).await;
    assert!(fake.get(OWN).is_none());
    let left: Vec<String> = fake.objects().into_keys().filter(|path| path.contains("/team")).collect();
    assert_eq!(left, [TEAM.to_owned(), format!("{TEAM}/configmaps/chaostoolkit-experiment")]);
}

#[tokio::test(start_paused = true)]
async fn the_runs_of_a_schedule_are_beside_their_experiment() {
    let (fake, mut operator) =
        begin_elsewhere(&json!({"schedule": {"kind": "cronJob", "value": "* * * * *"}}));
    settle(&fake, &mut operator, Some(0)).await;
    let cron_job = "/apis/batch/v1/namespaces/team/cronjobs/chaostoolkit-a235f4ad3e";
    assert!(fake.get(cron_job).is_some(), "{:?}", fake.objects().keys());
    assert_eq!(own_status(&fake)["phase"], "Scheduled");
}

#[tokio::test(start_paused = true)]
async fn another_namespace_for_the_run_is_refused() {
    let (fake, mut operator) = begin_elsewhere(&json!({"namespace": "chaostoolkit-run"}));
    settle(&fake, &mut operator, Some(0)).await;
    let status = own_status(&fake);
    assert_eq!(status["reason"], "InvalidSpec");
    let message = status["message"].as_str().unwrap();
    assert!(message.contains("spec.namespace") && message.contains("set it to \"team\""), "{message}");
    assert_eq!(created(&fake), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn without_a_binding_nothing_is_created_and_with_it_the_run_starts() {
    let (fake, mut operator) = begin_elsewhere(&json!({}));
    fake.bind("team", false);
    settle(&fake, &mut operator, None).await;
    let status = own_status(&fake);
    assert_eq!((&status["phase"], &status["reason"]), (&json!("Blocked"), &json!("RightsMissing")));
    let message = status["message"].as_str().unwrap();
    assert!(message.ends_with(COMMAND), "{message}");
    assert_eq!(condition(&fake, "Permitted"), "False/RightsMissing");
    assert_eq!(condition(&fake, "Provisioned"), "False/RightsMissing");
    assert_eq!(created(&fake), [""; 0]);
    let held = fake.get(OWN).unwrap()["metadata"]["finalizers"].clone();
    assert!(held.is_null(), "nothing holds the experiment: {held}");

    fake.bind("team", true);
    later().await;
    settle(&fake, &mut operator, None).await;
    assert_eq!(own_status(&fake)["phase"], "Running");
    assert_eq!(condition(&fake, "Permitted"), "True/Permitted");
}

#[tokio::test(start_paused = true)]
async fn the_rights_in_a_namespace_are_asked_for_once_in_a_while() {
    let (fake, mut operator) = begin_elsewhere(&json!({}));
    fake.bind("team", false);
    let asked = |fake: &FakeApi| {
        fake.calls().iter().filter(|call| call.path.contains("selfsubjectaccessreviews")).count()
    };
    operator.pass().await;
    operator.pass().await;
    assert_eq!(asked(&fake), 1);
    later().await;
    operator.pass().await;
    assert_eq!(asked(&fake), 2);
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_binding_is_gone_goes_on_and_says_what_is_missing() {
    let (fake, mut operator) = running().await;
    fake.bind("team", false);
    touch(&fake, OWN_POD);
    operator.pass().await;
    let status = own_status(&fake);
    assert_eq!((&status["phase"], &status["reason"]), (&json!("Running"), &json!("RightsMissing")));
    assert!(status["message"].as_str().unwrap().ends_with(COMMAND));
    assert_eq!(fake.get(OWN_POD).unwrap()["metadata"]["finalizers"], json!([names::OUTCOME_FINALIZER]));
    fake.bind("team", true);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(own_status(&fake)["outcome"], "Passed");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_with_another_cause_is_told_as_it_is() {
    let (fake, mut operator) = begin_elsewhere(&json!({}));
    fake.refuse(Some(("POST", "/pods", 403)));
    operator.pass().await;
    assert_eq!(own_status(&fake)["reason"], "Forbidden");
}

#[tokio::test(start_paused = true)]
async fn a_deleted_experiment_without_a_binding_waits_for_it_as_long_as_its_namespace_stays() {
    let (fake, mut operator) = running().await;
    fake.bind("team", false);
    fake.delete(OWN);
    operator.pass().await;
    let status = own_status(&fake);
    assert_eq!(status["reason"], "CleanupBlocked");
    assert!(status["message"].as_str().unwrap().ends_with(COMMAND));
    assert_eq!(fake.get(OWN_POD).unwrap()["metadata"]["finalizers"], json!([names::OUTCOME_FINALIZER]));
    fake.bind("team", true);
    settle(&fake, &mut operator, None).await;
    assert!(fake.get(OWN).is_none() && fake.get(OWN_POD).is_none());
}

#[tokio::test(start_paused = true)]
async fn what_is_held_in_a_namespace_that_goes_without_its_binding_is_let_go() {
    let (fake, mut operator) = running().await;
    fake.bind("team", false);
    delete_namespace(&fake);
    operator.pass().await;
    assert_eq!(
        fake.get(OWN_POD).unwrap()["metadata"]["finalizers"],
        json!([]),
        "Kubernetes deletes pods first"
    );
    assert!(fake.get(OWN).is_some());
    fake.kubelet(None);
    fake.vanish(OWN_POD);
    fake.delete(OWN);
    operator.pass().await;
    assert!(fake.get(OWN).is_none());
}

/// A binding in the whole cluster does not go with the namespace, and its account could come again.
#[tokio::test(start_paused = true)]
async fn what_is_bound_in_the_cluster_goes_although_the_namespace_has_no_binding_any_more() {
    let (fake, mut operator) =
        begin_elsewhere(&json!({"role": {"clusterRole": "view", "clusterWide": true}}));
    Arc::get_mut(&mut operator.context).unwrap().config.unchecked_authors = true;
    settle(&fake, &mut operator, None).await;
    assert_eq!(
        (own_status(&fake)["phase"].clone(), fake.list("ClusterRoleBinding").len()),
        (json!("Running"), 1)
    );
    fake.bind("team", false);
    delete_namespace(&fake);
    operator.pass().await;
    fake.kubelet(None);
    fake.vanish(OWN_POD);
    fake.delete(OWN);
    operator.pass().await;
    assert_eq!((fake.get(OWN), fake.list("ClusterRoleBinding").len()), (None, 0));
}

/// The owner of a namespace lets the operator give runs the Role of the templates, and nothing that an author chooses.
#[tokio::test(start_paused = true)]
async fn without_a_policy_nobody_chooses_rights_beyond_those_of_the_templates() {
    let rule =
        |resource: &str, verb: &str| json!([{"apiGroups": [""], "resources": [resource], "verbs": [verb]}]);
    for (role, expected) in [
        (json!({"rules": rule("pods", "list")}), None),
        (json!({"rules": rule("secrets", "get")}), Some("the run may get secrets in namespace team, unlike")),
        (json!({"clusterRole": "view"}), Some("the run gets the existing role \"view\"")),
        (
            json!({"clusterRole": "view", "clusterWide": true}),
            Some("the run has rights in the whole cluster"),
        ),
    ] {
        let (fake, mut operator) = begin_elsewhere(&json!({"role": role}));
        settle(&fake, &mut operator, Some(0)).await;
        let status = own_status(&fake);
        let Some(expected) = expected else {
            assert_eq!(status["outcome"], "Passed", "{role}");
            continue;
        };
        assert_eq!([&status["phase"], &status["reason"]], ["Blocked", "PolicyMissing"], "{role}");
        let message = status["message"].as_str().unwrap();
        assert!(message.contains(expected), "{message}");
        assert_eq!(created(&fake), [""; 0], "{role}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_goes_with_its_binding_ends_the_run_as_any_deletion_of_its_pod() {
    let (fake, mut operator) = running().await;
    delete_namespace(&fake);
    settle(&fake, &mut operator, None).await;
    let status = own_status(&fake);
    assert_eq!((&status["phase"], &status["outcome"]), (&json!("Aborted"), &json!("Interrupted")));
    assert!(fake.get(OWN_POD).is_none(), "nothing holds the pod");
    fake.delete(OWN);
    settle(&fake, &mut operator, None).await;
    assert!(fake.get(OWN).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_cannot_be_kept_in_a_namespace_that_goes_does_not_hold_its_pod() {
    let (fake, mut operator) = running().await;
    begin_to_delete_namespace(&fake);
    settle(&fake, &mut operator, Some(0)).await;
    let status = own_status(&fake);
    assert_eq!(status["outcome"], "Passed");
    let problem = status["run"]["journal"]["problem"].as_str().unwrap();
    assert!(problem.starts_with("not kept: "), "{problem}");
    assert_eq!(fake.get(OWN_POD).unwrap()["metadata"]["finalizers"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_started_in_a_namespace_that_is_being_deleted() {
    let (fake, mut operator) = begin_elsewhere(&json!({}));
    delete_namespace(&fake);
    operator.pass().await;
    assert_eq!(own_status(&fake)["reason"], "NamespaceTerminating");
    assert_eq!(created(&fake), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_orphan_is_let_go_even_without_rights_in_its_namespace() {
    let (fake, mut operator) = running().await;
    fake.bind("team", false);
    fake.vanish(OWN);
    let (experiments, mut writer) = store();
    writer.apply_watcher_event(&Event::Init);
    writer.apply_watcher_event(&Event::InitDone);
    operator.fill_cache();
    orphans::sweep(&operator.context, &experiments).await;
    assert_eq!(fake.get(OWN_POD).unwrap()["metadata"]["finalizers"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_names_an_experiment_of_another_team_is_nobodys_orphan() {
    let (fake, mut operator) = running().await;
    fake.edit(OWN_POD, |pod| {
        pod["metadata"]["annotations"][names::EXPERIMENT_ANNOTATION] = json!("shop/exp");
    });
    let (experiments, mut writer) = store();
    writer.apply_watcher_event(&Event::Init);
    writer.apply_watcher_event(&Event::InitDone);
    operator.fill_cache();
    let calls = fake.calls().len();
    orphans::sweep(&operator.context, &experiments).await;
    assert_eq!(fake.calls().len(), calls);
}

/// Whoever may write the status could name other namespaces.
#[tokio::test(start_paused = true)]
async fn a_status_that_names_another_namespace_is_not_followed() {
    let (fake, mut operator) = begin_elsewhere(&json!({}));
    fake.put(namespace("shop"));
    fake.put(json!({"apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": "x-a235f4ad3e", "namespace": "shop"}}));
    fake.edit(OWN, |experiment| {
        experiment["metadata"]["finalizers"] = json!([names::TEARDOWN_FINALIZER]);
        experiment["status"] = json!({"runNamespace": "shop", "resources": [
            {"kind": "ServiceAccount", "namespace": "shop", "name": "x-a235f4ad3e", "adopted": true}]});
    });
    fake.delete(OWN);
    settle(&fake, &mut operator, None).await;
    assert!(fake.get(OWN).is_none());
    assert!(fake.get("/api/v1/namespaces/shop/serviceaccounts/x-a235f4ad3e").is_some());
}
