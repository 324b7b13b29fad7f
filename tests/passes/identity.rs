//! Objects that somebody else has made and labeled as if they belonged to an experiment. A label is no identity.

use chaostoolkit_api::names;
use serde_json::{Value, json};

use super::control::{RESCUE, condition, found, rerun, set, with_rollbacks};
use super::jobs::{past, paths};
use super::schedule::{CRON_JOB, begin_run, spec, tick};
use super::*;

/// The annotation that shows that the operator has created an object.
pub const MARK: &str = "chaostoolkit.org/mark";
pub const SECOND: &str = "/api/v1/namespaces/chaostoolkit-run/pods/chaostoolkit-a235f4ad3e-2";

/// The metadata of an object that pretends to belong to the experiment.
fn pretended(name: &str) -> Value {
    json!({"name": name, "namespace": "chaostoolkit-run", "labels": {names::UID_LABEL: UID},
        "annotations": {names::EXPERIMENT_ANNOTATION: "chaostoolkit-crd/exp"}})
}

/// A pod that pretends to have passed.
fn forged_pod(name: &str, is_held: bool) -> Value {
    let mut metadata = pretended(name);
    if is_held {
        metadata["finalizers"] = json!([names::OUTCOME_FINALIZER]);
    }
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata,
        "spec": {"nodeName": "node", "containers": [{"name": "chaostoolkit", "command": [names::RUNNER]}]},
        "status": {"phase": "Succeeded", "containerStatuses": [{"name": "chaostoolkit", "state": {"terminated": {
            "exitCode": 0, "reason": "Completed", "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:01:00Z"}}}]}})
}

/// Nothing has happened to an object, and it does not hold up the deletion of the experiment.
async fn is_left_alone(fake: &FakeApi, operator: &mut Operator, path: &str, before: Option<Value>) {
    assert_eq!(fake.get(path), before, "{path}");
    fake.delete(EXPERIMENT);
    settle(fake, operator, None).await;
    assert_eq!(fake.get(path), before, "{path}");
    fake.vanish(path);
    nothing_is_left(fake);
}

#[tokio::test]
async fn an_object_made_beforehand_with_our_label_is_not_ours() {
    let rbac = "rbac.authorization.k8s.io/v1";
    let everything = json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]);
    let theirs = json!([{"kind": "ServiceAccount", "name": "theirs", "namespace": "chaostoolkit-run"}]);
    let forged = [
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": pretended("chaostoolkit-a235f4ad3e")}),
        json!({"apiVersion": rbac, "kind": "Role", "metadata": pretended("chaostoolkit-experiment-a235f4ad3e"), "rules": everything}),
        json!({"apiVersion": rbac, "kind": "RoleBinding", "metadata": pretended("chaostoolkit-experiment-a235f4ad3e"),
            "subjects": theirs, "roleRef": {"kind": "Role", "name": "chaostoolkit-experiment-a235f4ad3e"}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": pretended("chaostoolkit-env-a235f4ad3e"), "data": {"A": "b"}}),
        forged_pod("chaostoolkit-a235f4ad3e", false),
        forged_pod("chaostoolkit-a235f4ad3e", true),
    ];
    for object in forged {
        let fake = cluster_for_runs();
        let path = fake.put(object);
        let before = fake.get(&path);
        let (fake, mut operator) = begin_in(fake, &json!({}));
        settle(&fake, &mut operator, Some(0)).await;
        assert_eq!(found(&fake), "Blocked/Unknown/NameConflict", "{path}");
        assert_eq!(pods_created(&fake), 0);
        is_left_alone(&fake, &mut operator, &path, before).await;
    }
}

#[tokio::test]
async fn a_cron_job_made_beforehand_is_not_ours_whatever_hash_it_has() {
    let (genuine, mut operator) = begin(&spec());
    settle(&genuine, &mut operator, None).await;
    let mut forged = genuine.get(CRON_JOB).unwrap();
    forged["metadata"]["annotations"].as_object_mut().unwrap().remove(MARK);
    forged["metadata"]["uid"] = json!("forged");
    forged["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["image"] = json!("theirs");
    let fake = cluster_for_runs();
    fake.put(forged);
    let before = fake.get(CRON_JOB);
    let (fake, mut operator) = begin_in(fake, &spec());
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Blocked/Unknown/NameConflict");
    is_left_alone(&fake, &mut operator, CRON_JOB, before).await;
}

#[tokio::test]
async fn a_pod_made_beforehand_under_the_next_name_is_not_the_pod_of_a_rerun() {
    for is_held in [false, true] {
        let (fake, mut operator) = begin(&json!({}));
        settle(&fake, &mut operator, Some(0)).await;
        fake.put(forged_pod("chaostoolkit-a235f4ad3e-2", is_held));
        // Not even with the mark of the pod before it.
        let mark = fake.get(POD).unwrap()["metadata"]["annotations"][MARK].clone();
        fake.edit(SECOND, |pod| pod["metadata"]["annotations"][MARK] = mark);
        let before = fake.get(SECOND);
        rerun(&fake, "1");
        settle(&fake, &mut operator, Some(0)).await;
        assert_eq!(found(&fake), "Blocked/Unknown/NameConflict");
        assert_eq!(status(&fake)["counters"]["runs"], 1, "nothing was recorded");
        assert_eq!(fake.get(SECOND), before);
        fake.vanish(SECOND);
        settle(&fake, &mut operator, Some(1)).await;
        assert_eq!(found(&fake), "Failed/Invalid/ExperimentInvalid", "the genuine run says what it found");
        fake.delete(EXPERIMENT);
        settle(&fake, &mut operator, None).await;
        nothing_is_left(&fake);
    }
}

#[tokio::test]
async fn a_pod_made_beforehand_is_not_the_pod_of_a_rescue() {
    let (fake, mut operator) = begin(&with_rollbacks(json!({"rescue": true})));
    settle(&fake, &mut operator, None).await;
    fake.put(forged_pod("chaostoolkit-a235f4ad3e-rescue", true));
    let before = fake.get(RESCUE);
    fake.end(POD, 137, None);
    settle(&fake, &mut operator, None).await;
    assert_eq!(condition(&fake, "RolledBack"), "Unknown/NameConflict", "it waits for its name");
    assert_eq!(fake.get(RESCUE), before);
    fake.vanish(RESCUE);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(condition(&fake, "RolledBack"), "True/RescuePlayed");
}

#[tokio::test]
async fn once_its_uid_is_recorded_no_other_pod_is_that_of_the_run() {
    for has_mark in [false, true] {
        let (fake, mut operator) = begin(&json!({}));
        settle(&fake, &mut operator, None).await;
        let mark = fake.get(POD).unwrap()["metadata"]["annotations"][MARK].clone();
        fake.vanish(POD);
        fake.put(forged_pod("chaostoolkit-a235f4ad3e", true));
        if has_mark {
            fake.edit(POD, |pod| pod["metadata"]["annotations"][MARK] = mark);
        }
        let before = fake.get(POD);
        settle(&fake, &mut operator, None).await;
        assert_eq!(found(&fake), "Failed/Unknown/PodLost", "{has_mark}");
        assert_eq!(status(&fake)["run"]["journal"], Value::Null);
        if has_mark {
            assert_eq!(
                fake.get(POD),
                None,
                "the operator may have created it by a late call, so it is stopped"
            );
        } else {
            is_left_alone(&fake, &mut operator, POD, before).await;
        }
    }
}

#[tokio::test]
async fn a_journal_made_beforehand_is_not_that_of_the_run() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, None).await;
    let mut metadata = pretended(JOURNAL);
    metadata["namespace"] = json!("chaostoolkit-crd");
    metadata["labels"][names::OUTCOME_LABEL] = json!("Passed");
    metadata["annotations"][names::POD_UID_ANNOTATION] = fake.get(POD).unwrap()["metadata"]["uid"].clone();
    let path = fake.put(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "binaryData": {"journal.json.gz": "eA=="}}));
    fake.end(POD, 0, None);
    operator.pass().await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    assert_eq!(status(&fake)["run"]["journal"]["configMap"], Value::Null);
    assert_eq!(fake.get(&path).unwrap()["binaryData"]["journal.json.gz"], "eA==");
}

/// Returns pods and Jobs that pretend to be runs of a schedule, each with what becomes of its finalizer.
fn forged_runs() -> Vec<Vec<Value>> {
    let job = |uid: &str, owner: Value| {
        let mut metadata = pretended("chaostoolkit-a235f4ad3e-29384756");
        metadata["uid"] = json!(uid);
        metadata["ownerReferences"] = json!([owner]);
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": {}}})
    };
    let pod_of = |uid: &str, is_held: bool| {
        let mut pod = forged_pod("forged", is_held);
        pod["metadata"]["ownerReferences"] = json!([{"apiVersion": "batch/v1", "kind": "Job",
            "name": "chaostoolkit-a235f4ad3e-29384756", "uid": uid, "controller": true}]);
        pod
    };
    let other = json!({"apiVersion": "batch/v1", "kind": "CronJob", "name": "theirs", "uid": "theirs", "controller": true});
    let mut forged = Vec::new();
    for is_held in [false, true] {
        forged.push(vec![forged_pod("forged", is_held)]);
        forged.push(vec![job("j", other.clone()), pod_of("j", is_held)]);
    }
    forged.push(vec![pod_of("nobody", false)]);
    forged
}

#[tokio::test]
async fn what_only_has_the_label_is_no_run_of_a_schedule() {
    for objects in forged_runs() {
        let (fake, mut operator) = begin(&spec());
        settle(&fake, &mut operator, None).await;
        let paths: Vec<String> = objects.iter().map(|object| fake.put(object.clone())).collect();
        let before: Vec<_> = paths.iter().map(|path| fake.get(path)).collect();
        let all = || paths.iter().map(|path| fake.get(path)).collect::<Vec<_>>();
        settle(&fake, &mut operator, None).await;
        assert_eq!(
            (found(&fake), status(&fake)["counters"].clone()),
            ("Scheduled/Unknown/Scheduled".to_owned(), Value::Null)
        );
        assert_eq!(
            (status(&fake)["run"].clone(), status(&fake)["schedule"]["stalledJob"].clone()),
            (Value::Null, Value::Null)
        );
        set(&fake, "abort", json!(true));
        settle(&fake, &mut operator, None).await;
        assert_eq!(all(), before, "neither released nor stopped");
        fake.delete(EXPERIMENT);
        settle(&fake, &mut operator, None).await;
        assert_eq!(all(), before, "{paths:?}");
        for path in &paths {
            fake.vanish(path);
        }
        nothing_is_left(&fake);
    }
}

#[tokio::test]
async fn forged_runs_do_not_push_out_the_genuine_ones() {
    let (fake, mut operator, pod) = begin_run().await;
    for number in 0..12 {
        fake.put(forged_pod(&format!("forged-{number}"), true));
    }
    fake.end(&pod, 1, None);
    settle(&fake, &mut operator, None).await;
    assert_eq!(status(&fake)["counters"]["runs"], 1);
    assert_eq!(
        [&past(&fake)["outcome"], &past(&fake)["podName"]],
        [&json!("Invalid"), &json!(pod.rsplit('/').next().unwrap())]
    );
}

#[tokio::test]
async fn runs_of_a_cron_job_that_was_replaced_still_count() {
    let (fake, mut operator, pod) = begin_run().await;
    let old = fake.get(CRON_JOB).unwrap()["metadata"]["uid"].clone();
    fake.edit(CRON_JOB, |cron_job| cron_job["metadata"]["uid"] = json!("the-next"));
    settle(&fake, &mut operator, None).await;
    fake.end(&pod, 0, None);
    settle(&fake, &mut operator, None).await;
    assert_eq!([&status(&fake)["counters"]["runs"], &past(&fake)["outcome"]], [&json!(1), &json!("Passed")]);
    assert_eq!(status(&fake)["schedule"]["cronJobUids"], json!(["the-next", old]));
    for number in 0..20 {
        fake.edit(CRON_JOB, |cron_job| cron_job["metadata"]["uid"] = json!(format!("{number}")));
        settle(&fake, &mut operator, None).await;
    }
    assert_eq!(status(&fake)["schedule"]["cronJobUids"].as_array().unwrap().len(), 10, "few are kept");
}

#[tokio::test]
async fn the_pod_of_a_job_that_was_seen_counts_once_the_job_is_gone() {
    let (fake, mut operator, pod) = begin_run().await;
    let job = paths(&fake)[0].clone();
    fake.vanish(&job);
    fake.end(&pod, 0, None);
    settle(&fake, &mut operator, None).await;
    assert_eq!([&status(&fake)["counters"]["runs"], &past(&fake)["outcome"]], [&json!(1), &json!("Passed")]);
    assert_eq!(status(&fake)["schedule"]["jobUids"], Value::Null, "its run is recorded");
}

#[tokio::test]
async fn a_pod_whose_job_came_and_went_unseen_counts_by_the_mark_of_its_schedule() {
    let (fake, mut operator) = begin(&spec());
    settle(&fake, &mut operator, None).await;
    let pod = tick(&fake, &mut operator).await;
    fake.vanish(&paths(&fake)[0]);
    fake.end(&pod, 0, None);
    settle(&fake, &mut operator, None).await;
    assert_eq!([&status(&fake)["counters"]["runs"], &past(&fake)["outcome"]], [&json!(1), &json!("Passed")]);
    assert_eq!(fake.get(&pod).unwrap()["metadata"]["finalizers"], json!([]), "it is released");
}

#[tokio::test]
async fn a_pod_without_a_mark_whose_job_came_and_went_unseen_is_let_go_and_not_recorded() {
    let (fake, mut operator) = begin(&spec());
    settle(&fake, &mut operator, None).await;
    let pod = tick(&fake, &mut operator).await;
    fake.edit(&pod, |pod| pod["metadata"]["annotations"][names::MARK_ANNOTATION] = json!("of somebody else"));
    fake.vanish(&paths(&fake)[0]);
    settle(&fake, &mut operator, None).await;
    assert_eq!(
        fake.get(&pod).unwrap()["metadata"]["finalizers"],
        json!([names::OUTCOME_FINALIZER]),
        "it goes on"
    );
    fake.end(&pod, 0, None);
    settle(&fake, &mut operator, None).await;
    assert_eq!(fake.get(&pod).unwrap()["metadata"]["finalizers"], json!([]), "it blocks nobody");
    assert_eq!((status(&fake)["counters"].clone(), status(&fake)["run"].clone()), (Value::Null, Value::Null));
}
