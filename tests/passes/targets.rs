//! Namespaces that are found for a run: it has rights there from its start to its end.

use std::sync::Arc;

use chaostoolkit_api::names;

use super::control::{condition, found, rerun, set, with_rollbacks};
use super::jobs::{end, past};
use super::schedule::CRON_JOB;
use super::*;

/// Returns a spec with these fields whose runs act on the namespaces that have opted in.
pub fn spec(fields: &Value) -> Value {
    let mut spec = json!({"pod": {"experiment": {"asFile": false}},
        "targets": {"namespaceSelector": {"matchAnnotations": {"chaos": "yes"}}}});
    spec.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    spec
}

/// Installs the policy that names authors, and two namespaces of which one has opted in.
pub fn prepare(fake: &FakeApi) {
    stamp_requests(fake);
    fake.put(namespace("chaostoolkit-run"));
    opt(fake, "shop", "yes");
    opt(fake, "bank", "no");
}

/// Gives a namespace an annotation.
fn opt(fake: &FakeApi, name: &str, value: &str) {
    let mut namespace = namespace(name);
    namespace["metadata"]["annotations"] = json!({"chaos": value});
    fake.put(namespace);
}

/// A run of a schedule in one namespace ends, and one in another goes on.
pub async fn play_scheduled(fake: &FakeApi, operators: &mut [Operator], pace: Pace) {
    stamp(fake, "author");
    drive(fake, operators, pace, None).await;
    let pod = schedule::tick_with(fake, operators, pace).await;
    drive(fake, operators, pace, Some(0)).await;
    complete(fake, &pod);
    drive(fake, operators, pace, None).await;
    opt(fake, "shop", "no");
    opt(fake, "bank", "yes");
    schedule::tick_with(fake, operators, pace).await;
    drive(fake, operators, pace, None).await;
}

/// Does what the Job controller does once the pod of a Job has ended.
fn complete(fake: &FakeApi, pod: &str) {
    let job = pod.replace("/api/v1/", "/apis/batch/v1/").replace("/pods/", "/jobs/");
    let done = json!({"conditions": [{"type": "Complete", "status": "True"}], "succeeded": 1});
    fake.edit(job.strip_suffix("-pod").unwrap(), |job| job["status"] = done);
}

/// Ends the run of a pod of a schedule.
async fn end_run(fake: &FakeApi, operator: &mut Operator, pod: &str) {
    fake.end(pod, 0, None);
    settle(fake, operator, None).await;
    complete(fake, pod);
    settle(fake, operator, None).await;
}

fn begin_with(fields: &Value) -> (FakeApi, Operator) {
    let fake = cluster_for_runs();
    prepare(&fake);
    let (fake, operator) = begin_in(fake, &spec(fields));
    stamp(&fake, "author");
    (fake, operator)
}

/// The namespaces other than that of runs in which the account of the run has a role now.
fn bound(fake: &FakeApi) -> Vec<String> {
    let of = |kind: &str| {
        let all =
            fake.list(kind).into_iter().map(|one| one["metadata"]["namespace"].as_str().unwrap().to_owned());
        let mut all: Vec<String> = all.filter(|name| name != "chaostoolkit-run").collect();
        all.sort();
        all
    };
    assert_eq!(of("Role"), of("RoleBinding"));
    of("RoleBinding")
}

/// The two names that a pod gets.
fn told(pod: &Value) -> [&str; 2] {
    let annotations = &pod["metadata"]["annotations"];
    [names::TARGET_NAMESPACES_ANNOTATION, names::TARGET_NAMESPACE_ANNOTATION]
        .map(|key| annotations[key].as_str().unwrap_or_default())
}

fn with_opt_in(operator: &mut Operator) {
    let context = Arc::get_mut(&mut operator.context).unwrap();
    context.config.opt_in = Some("chaos=yes".parse().unwrap());
}

#[tokio::test]
async fn a_run_has_rights_where_namespaces_have_opted_in_and_loses_them_at_its_end() {
    let (fake, mut operator) = begin_with(&json!({}));
    opt(&fake, "mail", "yes");
    opt(&fake, "kube-public", "yes");
    opt(&fake, "chaostoolkit-crd", "yes");
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Running/Unknown/Running");
    assert_eq!(bound(&fake), ["mail", "shop"]);
    let pod = fake.get(POD).unwrap();
    let [all, drawn] = told(&pod);
    assert_eq!(all, "mail,shop");
    assert!(["mail", "shop"].contains(&drawn));
    let env = pod["spec"]["containers"][0]["env"].as_array().unwrap();
    let variable = |name: &str| env.iter().find(|one| one["name"] == name).unwrap();
    assert_eq!(
        variable("CHAOSTOOLKIT_TARGET_NAMESPACES")["valueFrom"]["fieldRef"]["fieldPath"],
        "metadata.annotations['chaostoolkit.org/target-namespaces']"
    );
    assert!(variable("CHAOSTOOLKIT_TARGET_NAMESPACE")["valueFrom"].is_object());
    let recorded = json!({"total": 2, "namespaces": ["mail", "shop"], "drawn": drawn});
    assert_eq!(status(&fake)["run"]["targets"], recorded);
    fake.end(POD, 0, None);
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    assert_eq!(bound(&fake), [""; 0]);
    assert_eq!(status(&fake)["run"]["targets"], recorded, "the status goes on to say where it was");
    let calls = fake.calls().len();
    operator.pass().await;
    assert_eq!(fake.calls().len(), calls, "nothing is left to do");
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    nothing_is_left(&fake);
    check_protocol(&fake);
}

#[tokio::test]
async fn a_run_that_is_deleted_or_lost_loses_its_rights_there() {
    for is_deleted in [true, false] {
        let (fake, mut operator) = begin_with(&json!({}));
        settle(&fake, &mut operator, None).await;
        assert_eq!(bound(&fake), ["shop"]);
        if is_deleted {
            fake.delete(EXPERIMENT);
        } else {
            fake.vanish(POD);
        }
        settle(&fake, &mut operator, None).await;
        assert_eq!(bound(&fake), [""; 0], "{is_deleted}");
    }
}

#[tokio::test]
async fn without_a_namespace_a_run_waits_and_starts_once_one_has_opted_in() {
    let (fake, mut operator) = begin_with(&json!({}));
    opt(&fake, "shop", "no");
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Blocked/none/NoTargetNamespace");
    assert_eq!(status(&fake)["message"], "no namespace has the annotations chaos=yes");
    assert!(operator.again, "it looks again by itself");
    assert_eq!(pods_created(&fake), 0);
    let changes = fake.changes();
    operator.pass().await;
    assert_eq!(fake.changes(), changes, "waiting costs no write");
    opt(&fake, "bank", "yes");
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    assert_eq!(status(&fake)["run"]["targets"]["drawn"], "bank");
}

#[tokio::test]
async fn a_frozen_namespace_is_not_found() {
    let (fake, mut operator) = begin_with(&json!({}));
    opt(&fake, "mail", "yes");
    fake.put(json!({"apiVersion": "chaostoolkit.org/v1", "kind": "ChaosToolkitFreeze",
        "metadata": {"namespace": "shop", "name": "f"}, "spec": {}}));
    settle(&fake, &mut operator, None).await;
    assert_eq!(bound(&fake), ["mail"]);
}

#[tokio::test]
async fn a_rerun_has_the_namespaces_of_its_own_start() {
    let (fake, mut operator) = begin_with(&json!({}));
    settle(&fake, &mut operator, Some(0)).await;
    opt(&fake, "shop", "no");
    opt(&fake, "bank", "yes");
    rerun(&fake, "1");
    stamp(&fake, "author");
    settle(&fake, &mut operator, None).await;
    assert_eq!(bound(&fake), ["bank"]);
    assert_eq!(status(&fake)["history"][0]["targets"]["drawn"], "shop");
    assert_eq!(status(&fake)["run"]["targets"]["drawn"], "bank");
}

#[tokio::test]
async fn the_author_needs_the_rights_of_the_run_in_each_of_them() {
    let (fake, mut operator) = begin_with(&json!({}));
    fake.forbid(&["create rolebindings shop"]);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Blocked/none/AuthorForbidden");
    assert!(status(&fake)["message"].as_str().unwrap().contains("namespace shop"), "{}", status(&fake));
    assert_eq!((bound(&fake), pods_created(&fake)), (vec![], 0));
}

#[tokio::test]
async fn a_policy_that_sees_only_the_request_cannot_judge_it() {
    let fake = judged(cluster_for_runs());
    opt(&fake, "shop", "yes");
    let (fake, mut operator) = begin_in(fake, &spec(&json!({})));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Blocked/none/AuthorUnknown");
    assert_eq!(pods_created(&fake), 0);
}

#[tokio::test]
async fn the_rescue_of_a_run_acts_where_the_run_was() {
    let fields = with_rollbacks(json!({"rescue": true, "pod": null}));
    let (fake, mut operator) = begin_with(&fields);
    settle(&fake, &mut operator, None).await;
    opt(&fake, "shop", "no");
    fake.end(POD, 137, None);
    for _ in 0..6 {
        operator.pass().await;
    }
    assert_eq!(bound(&fake), ["shop"], "the rollbacks need it");
    let rescue = fake
        .list("Pod")
        .into_iter()
        .find(|pod| pod["metadata"]["name"].as_str().unwrap().ends_with("-rescue"));
    assert_eq!(told(&rescue.unwrap()), ["shop", "shop"]);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(bound(&fake), [""; 0]);
}

async fn begin_schedule(fields: &Value) -> (FakeApi, Operator) {
    let mut schedule = schedule::spec()["schedule"].clone();
    schedule.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let (fake, mut operator) = begin_with(&json!({"schedule": schedule}));
    settle(&fake, &mut operator, None).await;
    (fake, operator)
}

#[tokio::test]
async fn each_run_of_a_schedule_has_rights_in_the_namespaces_of_its_start() {
    let (fake, mut operator) = begin_schedule(&json!({})).await;
    assert_eq!(bound(&fake), [""; 0], "no run goes on");
    let first = schedule::tick(&fake, &mut operator).await;
    settle(&fake, &mut operator, None).await;
    assert_eq!(bound(&fake), ["shop"]);
    assert_eq!(told(&fake.get(&first).unwrap()), ["shop", "shop"]);
    assert_eq!(status(&fake)["run"]["targets"]["namespaces"], json!(["shop"]));
    assert_eq!(status(&fake)["schedule"]["released"][0]["targets"]["drawn"], "shop");
    end_run(&fake, &mut operator, &first).await;
    assert_eq!(bound(&fake), [""; 0]);
    assert_eq!(past(&fake)["targets"]["drawn"], "shop");
    opt(&fake, "shop", "no");
    opt(&fake, "bank", "yes");
    let second = schedule::tick(&fake, &mut operator).await;
    settle(&fake, &mut operator, None).await;
    assert_eq!(
        (bound(&fake), told(&fake.get(&second).unwrap())),
        (vec!["bank".to_owned()], ["bank", "bank"])
    );
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_run_that_overlaps_keeps_its_rights_until_its_own_end() {
    let (fake, mut operator) = begin_schedule(&json!({"concurrencyPolicy": "Allow"})).await;
    let first = schedule::tick(&fake, &mut operator).await;
    settle(&fake, &mut operator, None).await;
    opt(&fake, "bank", "yes");
    let second = schedule::tick(&fake, &mut operator).await;
    settle(&fake, &mut operator, None).await;
    assert_eq!(bound(&fake), ["bank", "shop"]);
    assert_eq!(
        [told(&fake.get(&first).unwrap())[0], told(&fake.get(&second).unwrap())[0]],
        ["shop", "bank,shop"]
    );
    end_run(&fake, &mut operator, &second).await;
    assert_eq!(bound(&fake), ["shop"], "the other one goes on");
    end_run(&fake, &mut operator, &first).await;
    assert_eq!(bound(&fake), [""; 0]);
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn without_a_namespace_a_run_of_a_schedule_is_skipped_for_that_reason() {
    let (fake, mut operator) = begin_schedule(&json!({})).await;
    opt(&fake, "shop", "no");
    let job = fake.due(CRON_JOB);
    settle(&fake, &mut operator, None).await;
    let skipped = past(&fake);
    assert_eq!([&skipped["phase"], &skipped["reason"]], ["Skipped", "NoTargetNamespace"]);
    assert_eq!(fake.get(&job), None);
    assert_eq!(status(&fake)["counters"]["skipped"], 1);
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn rights_of_a_run_go_although_the_next_one_cannot_be_decided_on() {
    let (fake, mut operator) = begin_schedule(&json!({})).await;
    let pod = schedule::tick(&fake, &mut operator).await;
    settle(&fake, &mut operator, None).await;
    set(&fake, "pod", json!(7));
    end_run(&fake, &mut operator, &pod).await;
    assert_eq!(bound(&fake), [""; 0]);
    assert_eq!(status(&fake)["reason"], "InvalidSpec");
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn with_the_flag_a_run_is_held_until_each_namespace_has_opted_in() {
    let fields = json!({"role": {"binds_to_namespaces": ["bank"]}, "targets": null});
    let (fake, mut operator) = begin_with(&fields);
    with_opt_in(&mut operator);
    settle(&fake, &mut operator, Some(0)).await;
    for (name, next) in [("bank", "chaostoolkit-run"), ("chaostoolkit-run", "")] {
        assert_eq!(found(&fake), "Blocked/none/NamespaceNotOptedIn", "{next}");
        let said = format!("namespace {name} has not opted in by the annotation chaos=yes");
        assert_eq!(status(&fake)["message"], said);
        assert_eq!(
            (pods_created(&fake), condition(&fake, "Startable").as_str()),
            (0, "False/NamespaceNotOptedIn")
        );
        opt(&fake, name, "yes");
        operator.pass().await;
    }
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
}

#[tokio::test]
async fn with_the_flag_the_operator_opts_in_for_a_namespace_that_it_creates() {
    let (fake, mut operator) = begin(&json!({"pod": {"experiment": {"asFile": false}}}));
    assert!(fake.forget(RUN));
    with_opt_in(&mut operator);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    assert_eq!(fake.get(RUN).unwrap()["metadata"]["annotations"]["chaos"], "yes");
}

#[tokio::test]
async fn with_the_flag_no_run_has_rights_in_the_whole_cluster() {
    let (fake, mut operator) =
        begin_with(&json!({"role": {"clusterRole": "view", "clusterWide": true}, "targets": null}));
    opt(&fake, "chaostoolkit-run", "yes");
    with_opt_in(&mut operator);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Blocked/none/NamespaceNotOptedIn");
    assert_eq!(pods_created(&fake), 0);
}

#[tokio::test]
async fn with_the_flag_only_namespaces_are_found_that_have_opted_in() {
    let selector = json!({"targets": {"namespaceSelector": {"matchLabels": {"team": "a"}}}});
    let (fake, mut operator) = begin_with(&selector);
    for (name, value) in [("chaostoolkit-run", "yes"), ("mail", "yes"), ("blog", "no")] {
        opt(&fake, name, value);
        fake.edit(&format!("/api/v1/namespaces/{name}"), |one| {
            one["metadata"]["labels"] = json!({"team": "a"});
        });
    }
    with_opt_in(&mut operator);
    settle(&fake, &mut operator, None).await;
    assert_eq!(bound(&fake), ["mail"]);
    assert_eq!(told(&fake.get(POD).unwrap())[0], "chaostoolkit-run,mail");
}

/// The stories in which every call fails once.
const TRIED: [(Story, Pace); 2] =
    [(Story::Targets, Pace::FastKubelet), (Story::TargetsScheduled, Pace::SlowKubelet)];

#[tokio::test]
async fn rights_in_namespaces_that_were_found_go_though_any_call_is_refused_once() {
    try_all(&TRIED, "refused", Hangs::Crash, refused_in_turns).await;
}

#[tokio::test]
async fn rights_in_namespaces_that_were_found_go_though_the_operator_is_killed_before_or_after_any_call() {
    try_all(&TRIED, "killed", Hangs::Crash, before_and_after).await;
}

#[tokio::test(start_paused = true)]
async fn rights_in_namespaces_that_were_found_go_while_an_operator_sleeps_in_any_call() {
    try_all(&TRIED, "asleep", Hangs::Sleep, before_and_after).await;
}
