//! What an author can ask of a run that goes on or has ended: to stop, to wait, to come again, to be rescued, to leave.

use chaostoolkit_journal::message::{Message, State};
use chaostoolkit_journal::{Summary, parse};
use serde_json::{Value, json};

use super::*;

/// The pod of the second run.
const SECOND: &str = "/api/v1/namespaces/chaostoolkit-run/pods/chaostoolkit-a235f4ad3e-2";
/// The pod that plays the rollbacks of the first.
const RESCUE: &str = "/api/v1/namespaces/chaostoolkit-run/pods/chaostoolkit-a235f4ad3e-rescue";

/// A spec with an experiment in it that has something to roll back.
pub fn with_rollbacks(mut spec: Value) -> Value {
    let python = |name: &str| json!({"type": "action", "name": name, "provider": {"type": "python", "module": "m", "func": "f"}});
    spec["experiment"] =
        json!({"title": "t", "description": "d", "method": [python("break")], "rollbacks": [python("mend")]});
    spec
}

/// Asks for one more run.
pub fn rerun(fake: &FakeApi, value: &str) {
    fake.edit(EXPERIMENT, |experiment| {
        experiment["metadata"]["annotations"][names::RERUN_ANNOTATION] = json!(value);
    });
}

pub fn set(fake: &FakeApi, field: &str, value: Value) {
    fake.edit(EXPERIMENT, |experiment| experiment["spec"][field] = value);
}

/// An experiment with this spec, and everything that it needs.
fn begin(spec: &Value) -> (FakeApi, Operator) {
    let fake = cluster_for_runs();
    fake.put(experiment(spec));
    let operator = Operator::new(&fake, Hangs::Crash);
    (fake, operator)
}

/// Phase, outcome and reason.
pub fn found(fake: &FakeApi) -> String {
    let status = status(fake);
    let word = |key: &str| status[key].as_str().unwrap_or("none").to_owned();
    [word("phase"), word("outcome"), word("reason")].join("/")
}

/// `True/Reason` of a condition.
pub fn condition(fake: &FakeApi, type_: &str) -> String {
    let conditions = status(fake)["conditions"].as_array().cloned().unwrap_or_default();
    let found = conditions.iter().find(|condition| condition["type"] == type_);
    found.map_or_else(
        || "none".to_owned(),
        |found| format!("{}/{}", found["status"].as_str().unwrap(), found["reason"].as_str().unwrap()),
    )
}

fn events(fake: &FakeApi, reason: &str) -> usize {
    fake.events().iter().filter(|event| event["reason"] == reason).count()
}

fn deletions(fake: &FakeApi, path: &str) -> usize {
    fake.writes().iter().filter(|call| call.method == "DELETE" && call.path == path).count()
}

/// As if the run had been asked for long ago.
fn age(fake: &FakeApi) {
    fake.edit(EXPERIMENT, |experiment| {
        let run = &mut experiment["status"]["run"];
        assert!(!run["requestedAt"].is_null());
        run["requestedAt"] = json!("2020-01-01T00:00:00Z");
    });
}

/// An end stays what it is, whatever becomes of the experiment besides, and nothing is left of it in the end.
async fn is_over(fake: &FakeApi, operator: &mut Operator) {
    settle(fake, operator, Some(0)).await;
    let ended = |operator: &Operator| {
        let mut status = status(fake);
        status["observedGeneration"] = Value::Null;
        mask(&mut status);
        (status, pods_created(fake), operator_counts(operator))
    };
    let expected = ended(operator);
    for spec in [json!({"pod": 7}), json!({"namespace": "kube-system"}), json!({"verbose": true})] {
        fake.edit(EXPERIMENT, |experiment| {
            let old = experiment["spec"].clone();
            experiment["spec"] = spec;
            for kept in ["cleanup", "rescue", "ttlSecondsAfterFinished"] {
                if !old[kept].is_null() {
                    experiment["spec"][kept] = old[kept].clone();
                }
            }
        });
        // The first call of the pass is refused, and the second.
        for call in [0, 1] {
            fake.fail(fake.calls().len() + call, Fault::Before(403, "Forbidden"));
            operator.pass().await;
        }
        settle(fake, operator, Some(0)).await;
        assert_eq!(ended(operator), expected);
    }
    let before = fake.calls().len();
    let mut other = Operator::new(fake, Hangs::Crash);
    other.pass().await;
    assert_eq!(fake.calls().len(), before, "a run that has ended costs a restarted operator no call");
    assert!(!other.again, "and there is nothing to come back for");
    fake.delete(EXPERIMENT);
    settle(fake, operator, Some(0)).await;
    nothing_is_left(fake);
    check_protocol(fake);
}

/// The lines of the metric about runs that have ended.
fn operator_counts(operator: &Operator) -> Vec<String> {
    let text = operator.context.metrics.text();
    text.lines()
        .filter(|line| line.starts_with("chaostoolkit_operator_runs_finished_total"))
        .map(str::to_owned)
        .collect()
}

/// What the runner reports of a run that was interrupted and has played its rollbacks.
fn interrupted() -> Message {
    let journal = include_bytes!("../journals/long-proc-always-sigint@1.21.4.json");
    let journal: Value = serde_json::from_slice(journal).unwrap();
    let summary = Summary::of(&parse(journal["journal"].to_string().as_bytes()).unwrap());
    Message {
        exit_code: Some(1),
        stopped_by: Some("SIGTERM".to_owned()),
        summary: Some(summary),
        ..Message::new(State::Ended)
    }
}

// ------------------------------------------------------------------------------------------------------------ abort

#[tokio::test]
async fn an_abort_stops_the_run_once_and_its_end_says_what_was_rolled_back() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, None).await;
    assert_eq!(status(&fake)["phase"], "Running");
    set(&fake, "abort", json!(true));
    operator.pass().await;
    assert_eq!(found(&fake), "Aborting/Unknown/AbortRequested");
    assert_eq!(condition(&fake, "Finished"), "False/AbortRequested");
    let changes = fake.changes();
    for _ in 0..3 {
        operator.pass().await;
    }
    assert_eq!((deletions(&fake, POD), events(&fake, "AbortRequested")), (1, 1));
    assert_eq!(fake.changes(), changes, "it only looks whether the pod has ended");
    fake.end(POD, 1, Some(&interrupted()));
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Aborted/Interrupted/AbortRequested");
    assert_eq!(condition(&fake, "Finished"), "True/AbortRequested");
    assert_eq!(condition(&fake, "Succeeded"), "False/AbortRequested");
    assert_eq!(condition(&fake, "RolledBack"), "True/RollbacksPlayed");
    assert_eq!(status(&fake)["run"]["rollbacks"]["state"], "Played");
    assert_eq!(
        status(&fake)["counters"],
        json!({"runs": 1, "passed": 0, "deviated": 0, "failed": 0, "aborted": 1, "skipped": 0})
    );
    assert_eq!(operator_counts(&operator).len(), 1);
    assert_eq!(fake.get(POD), None, "it was deleted, and nothing holds it any more");
    assert_eq!(
        (deletions(&fake, POD), events(&fake, "Aborted"), events(&fake, "RollbacksPlayed")),
        (1, 1, 1)
    );
    // Neither does it come back when the abort is taken back.
    set(&fake, "abort", json!(false));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!((pods_created(&fake), status(&fake)["phase"].clone()), (1, json!("Aborted")));
    is_over(&fake, &mut operator).await;
}

#[tokio::test]
async fn an_abort_before_the_start_is_the_end_and_no_pod_ever_exists() {
    // From the start, and while the run waits for its `ConfigMap`.
    for is_waiting in [false, true] {
        let fake = cluster();
        let mut operator = Operator::new(&fake, Hangs::Crash);
        fake.put(experiment(&json!({"abort": !is_waiting})));
        if is_waiting {
            settle(&fake, &mut operator, Some(0)).await;
            assert_eq!(status(&fake)["reason"], "ConfigMapMissing");
            set(&fake, "abort", json!(true));
        }
        settle(&fake, &mut operator, Some(0)).await;
        assert_eq!(status(&fake)["phase"], "Aborted", "{}", status(&fake));
        assert_eq!(condition(&fake, "Finished"), "True/AbortRequested");
        assert_eq!(condition(&fake, "RolledBack"), "Unknown/NotStarted");
        assert_eq!(status(&fake)["counters"]["runs"], 1);
        assert!(!operator.again);
        let versions = fake.versions().len();
        operator.pass().await;
        assert_eq!(fake.versions().len(), versions, "nothing is written about it any more");
        // What it waited for, and the end of the abort, come too late.
        fake.put(namespace("chaostoolkit-run"));
        fake.put(config_map("chaostoolkit-run"));
        set(&fake, "abort", json!(false));
        settle(&fake, &mut operator, Some(0)).await;
        assert_eq!((pods_created(&fake), status(&fake)["phase"].clone()), (0, json!("Aborted")));
        assert_eq!(operator_counts(&operator).len(), 1);
        // But for a run that is asked for.
        rerun(&fake, "now");
        settle(&fake, &mut operator, Some(0)).await;
        assert_eq!((pods_created(&fake), status(&fake)["phase"].clone()), (1, json!("Completed")));
        assert_eq!(status(&fake)["run"]["podName"], "chaostoolkit-a235f4ad3e-2");
        is_over(&fake, &mut operator).await;
    }
}

#[tokio::test]
async fn an_abort_while_the_container_is_about_to_start_is_its_end() {
    let (fake, mut operator) = begin(&json!({}));
    while status(&fake)["phase"] != "Starting" {
        operator.pass().await;
    }
    set(&fake, "abort", json!(true));
    operator.pass().await;
    operator.pass().await;
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Aborted/Interrupted/AbortRequested");
    assert_eq!(condition(&fake, "RolledBack"), "Unknown/NotStarted");
    assert_eq!((fake.get(POD), deletions(&fake, POD), pods_created(&fake)), (None, 1, 1));
    is_over(&fake, &mut operator).await;
}

#[tokio::test]
async fn an_abort_needs_no_valid_spec() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, None).await;
    fake.edit(EXPERIMENT, |experiment| experiment["spec"] = json!({"abort": true, "pod": 7}));
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Aborted/Interrupted/AbortRequested");
}

/// The call that creates the pod may arrive when the run was given up meanwhile.
#[tokio::test(start_paused = true)]
async fn a_pod_that_comes_too_late_is_stopped_and_does_not_change_the_end() {
    let (fake, mut operator) = begin(&json!({}));
    let mut slow = Operator::new(&fake, Hangs::Sleep);
    let posts = {
        let (fake, mut operator) = begin(&json!({}));
        settle(&fake, &mut operator, Some(0)).await;
        fake.calls().iter().position(|call| short(call) == "POST pods").unwrap()
    };
    fake.fail(posts, Fault::HangBefore);
    while slow.asleep.is_none() {
        slow.pass().await;
    }
    set(&fake, "abort", json!(true));
    settle(&fake, &mut operator, None).await;
    assert_eq!((status(&fake)["phase"].clone(), fake.get(POD)), (json!("Aborted"), None));
    slow.wake_up().await;
    assert_eq!(pods_created(&fake), 1);
    settle(&fake, &mut operator, None).await;
    assert_eq!((status(&fake)["phase"].clone(), fake.get(POD)), (json!("Aborted"), None));
    is_over(&fake, &mut operator).await;
}

// ---------------------------------------------------------------------------------------------------------- suspend

#[tokio::test]
async fn a_suspended_run_has_no_child_until_it_is_resumed_and_then_one_pod() {
    let (fake, mut operator) = begin(&json!({"suspend": true}));
    let before = fake.objects().len();
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Suspended/none/Suspended");
    assert_eq!(condition(&fake, "Suspended"), "True/Suspended");
    assert_eq!(condition(&fake, "Finished"), "False/Suspended");
    assert_eq!((fake.objects().len(), events(&fake, "Suspended")), (before, 1), "no child");
    assert!(!operator.again, "an edit brings the next pass");
    set(&fake, "suspend", json!(false));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    assert_eq!(condition(&fake, "Suspended"), "none");
    assert_eq!((pods_created(&fake), events(&fake, "Resumed")), (1, 1));
    is_over(&fake, &mut operator).await;
}

#[tokio::test]
async fn suspending_does_not_stop_a_run_that_goes_on() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, None).await;
    set(&fake, "suspend", json!(true));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
}

#[tokio::test]
async fn the_time_to_start_does_not_run_while_a_run_is_suspended() {
    let fake = cluster();
    let mut operator = Operator::new(&fake, Hangs::Crash);
    fake.put(experiment(&json!({"startDeadlineSeconds": 60})));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["reason"], "ConfigMapMissing");
    set(&fake, "suspend", json!(true));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["phase"], "Suspended");
    assert!(status(&fake)["run"]["requestedAt"].is_null());
    set(&fake, "suspend", json!(false));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Blocked/Unknown/ConfigMapMissing");
    assert!(!status(&fake)["run"]["requestedAt"].is_null());
}

// ------------------------------------------------------------------------------------------------------------ rerun

#[tokio::test]
async fn a_new_value_asks_for_one_more_run_and_the_last_one_is_history() {
    let (fake, mut operator) = begin(&json!({}));
    rerun(&fake, "from the start");
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!((pods_created(&fake), status(&fake)["rerun"].clone()), (1, json!("from the start")));
    assert_eq!(status(&fake)["run"]["trigger"], "Created");
    // An edit that comes with it has its effect, and nobody is told otherwise.
    fake.edit(EXPERIMENT, |experiment| experiment["spec"]["verbose"] = json!(true));
    rerun(&fake, "again");
    settle(&fake, &mut operator, Some(1)).await;
    let after = status(&fake);
    assert_eq!(found(&fake), "Failed/Invalid/ExperimentInvalid");
    assert_eq!(after["rerun"], "again");
    assert_eq!(
        [&after["run"]["number"], &after["run"]["podName"]],
        [&json!(2), &json!("chaostoolkit-a235f4ad3e-2")]
    );
    assert_eq!(after["run"]["trigger"], "Rerun");
    assert_eq!(
        [&after["counters"]["runs"], &after["counters"]["passed"], &after["counters"]["failed"]],
        [2, 1, 1]
    );
    let past = &after["history"][0];
    assert_eq!([&past["number"], &past["podName"]], [&json!(1), &json!("chaostoolkit-a235f4ad3e")]);
    assert_eq!([&past["phase"], &past["outcome"], &past["reason"]], ["Completed", "Passed", "Passed"]);
    assert_eq!(past["journal"]["configMap"], JOURNAL);
    assert_eq!(after["history"].as_array().unwrap().len(), 1);
    assert!(fake.get(SECOND).is_some() && fake.get(POD).is_some(), "both stay, for their logs");
    assert_eq!(events(&fake, "SpecChangeIgnored"), 0);
    assert_eq!(
        [events(&fake, "Passed"), events(&fake, "RunFailed"), events(&fake, "RerunRequested")],
        [1, 1, 1]
    );
    assert_eq!(operator_counts(&operator).len(), 2, "one of each kind");
    assert!(operator_counts(&operator).iter().all(|line| line.ends_with(" 1")), "each counted once");
    is_over(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_rerun_keeps_its_own_journal() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, Some(0)).await;
    rerun(&fake, "1");
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["run"]["journal"]["configMap"], format!("{JOURNALS}2"));
    assert_eq!(status(&fake)["history"][0]["journal"]["configMap"], JOURNAL);
    let journals = fake
        .list("ConfigMap")
        .into_iter()
        .filter(|map| map["metadata"]["name"].as_str().unwrap().starts_with(JOURNALS));
    assert_eq!(journals.count(), 2);
}

#[tokio::test]
async fn a_rerun_that_is_asked_for_during_a_run_waits_for_its_end() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, None).await;
    rerun(&fake, "1");
    settle(&fake, &mut operator, None).await;
    assert_eq!((pods_created(&fake), status(&fake)["phase"].clone()), (1, json!("Running")));
    fake.kubelet(Some(0));
    settle(&fake, &mut operator, None).await;
    assert_eq!((pods_created(&fake), status(&fake)["phase"].clone()), (2, json!("Running")));
    assert_eq!(status(&fake)["run"]["number"], 2);
    settle(&fake, &mut operator, Some(0)).await;
    is_over(&fake, &mut operator).await;
}

/// What an earlier run needed must not pass for what this one needs.
#[tokio::test]
async fn a_rerun_elsewhere_leaves_nothing_where_the_last_one_was() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, Some(0)).await;
    fake.put(namespace("new"));
    fake.put(config_map("new"));
    set(&fake, "namespace", json!("new"));
    rerun(&fake, "1");
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    let left: Vec<String> = fake
        .objects()
        .into_keys()
        .filter(|path| path.starts_with(RUN) && path.contains("a235f4ad3e"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    nothing_is_left(&fake);
}

#[tokio::test]
async fn an_aborted_rerun_is_the_end_of_it() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, Some(0)).await;
    set(&fake, "suspend", json!(true));
    rerun(&fake, "1");
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Suspended/Unknown/Suspended");
    set(&fake, "abort", json!(true));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Aborted/Interrupted/AbortRequested");
    assert_eq!((pods_created(&fake), status(&fake)["counters"]["runs"].clone()), (1, json!(2)));
    is_over(&fake, &mut operator).await;
}

// -------------------------------------------------------------------------------------------------------- deadlines

#[tokio::test]
async fn a_run_that_waits_for_too_long_is_given_up() {
    let fake = cluster();
    let mut operator = Operator::new(&fake, Hangs::Crash);
    fake.put(experiment(&json!({})));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["reason"], "ConfigMapMissing");
    age(&fake);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Failed/Error/StartTimeout");
    assert!(
        status(&fake)["message"].as_str().unwrap().contains("chaostoolkit-experiment"),
        "it says what for"
    );
    assert_eq!(condition(&fake, "RolledBack"), "Unknown/NotStarted");
    fake.put(namespace("chaostoolkit-run"));
    fake.put(config_map("chaostoolkit-run"));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(pods_created(&fake), 0);
    is_over(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_run_that_cannot_even_be_decided_on_is_given_up_too() {
    let fake = FakeApi::new();
    fake.put(namespace("chaostoolkit-crd"));
    let mut operator = Operator::new(&fake, Hangs::Crash);
    fake.put(experiment(&json!({})));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["reason"], "TemplatesMissing");
    fake.edit(EXPERIMENT, |experiment| {
        for condition in experiment["status"]["conditions"].as_array_mut().unwrap() {
            condition["lastTransitionTime"] = json!("2020-01-01T00:00:00Z");
        }
    });
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Failed/Error/StartTimeout");
    fake.put(TEMPLATES.clone());
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!((pods_created(&fake), operator.again), (0, false));
}

#[tokio::test]
async fn a_run_without_a_deadline_waits_for_ever() {
    let fake = cluster();
    let mut operator = Operator::new(&fake, Hangs::Crash);
    fake.put(experiment(&json!({"startDeadlineSeconds": 0})));
    settle(&fake, &mut operator, Some(0)).await;
    age(&fake);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Blocked/Unknown/ConfigMapMissing");
}

#[tokio::test]
async fn a_container_that_does_not_start_in_time_never_does() {
    let (fake, mut operator) = begin(&json!({}));
    while status(&fake)["phase"] != "Starting" {
        operator.pass().await;
    }
    fake.edit(POD, |pod| {
        let waiting = json!({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}});
        pod["spec"]["nodeName"] = json!("node");
        pod["status"]["containerStatuses"] = json!([{"name": "chaostoolkit", "state": waiting}]);
    });
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Starting/Unknown/ImagePullBackOff");
    assert!(operator.again, "it comes back when the time is over");
    age(&fake);
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Failed/Error/StartTimeout");
    assert_eq!(condition(&fake, "RolledBack"), "Unknown/NotStarted");
    assert_eq!((fake.get(POD), deletions(&fake, POD), events(&fake, "StartTimeout")), (None, 1, 1));
    is_over(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_run_that_has_started_is_past_its_deadline() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, None).await;
    age(&fake);
    settle(&fake, &mut operator, None).await;
    assert_eq!((status(&fake)["phase"].clone(), operator.again), (json!("Running"), false));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
}

// ---------------------------------------------------------------------------------------------------------- the end

#[tokio::test]
async fn an_experiment_is_deleted_when_its_time_is_over() {
    let (fake, mut operator) = begin(&json!({"ttlSecondsAfterFinished": 3600}));
    settle(&fake, &mut operator, Some(0)).await;
    assert!(operator.again, "it comes back for the end of its time");
    let calls = fake.calls().len();
    let mut other = Operator::new(&fake, Hangs::Crash);
    other.pass().await;
    assert_eq!((fake.calls().len(), other.again), (calls, true), "and needs no call until then");
    set(&fake, "ttlSecondsAfterFinished", json!(0));
    settle(&fake, &mut operator, Some(0)).await;
    nothing_is_left(&fake);
    check_protocol(&fake);
    assert_eq!(deletions(&fake, EXPERIMENT), 1);
}

#[tokio::test]
async fn after_its_end_a_run_leaves_what_it_is_asked_to() {
    let rights = ["ServiceAccount", "Role", "RoleBinding"];
    for (code, when) in [(0, "onSuccess"), (1, "onFailure")] {
        for (keep, has_pod, has_rights) in
            [("keep", true, true), ("keepPod", true, false), ("delete", false, false)]
        {
            for asked in ["onSuccess", "onFailure"] {
                let (fake, mut operator) = begin(&json!({"cleanup": {asked: keep}}));
                settle(&fake, &mut operator, Some(code)).await;
                let what = format!("{asked}: {keep} after code {code}");
                let (has_pod, has_rights) = if asked == when { (has_pod, has_rights) } else { (true, true) };
                assert_eq!(fake.get(POD).is_some(), has_pod, "{what}");
                for kind in rights {
                    assert_eq!(fake.list(kind).len(), usize::from(has_rights), "{what}: {kind}");
                }
                assert_eq!(status(&fake)["resources"].is_null(), !has_rights, "{what}");
                if code == 0 {
                    let journal =
                        fake.list("ConfigMap").into_iter().any(|map| map["metadata"]["name"] == JOURNAL);
                    assert!(journal, "{what}: the journal stays");
                }
                is_over(&fake, &mut operator).await;
            }
        }
    }
}

// ----------------------------------------------------------------------------------------------------------- rescue

/// A run that was killed, and what came of that.
async fn killed(spec: &Value) -> (FakeApi, Operator) {
    let (fake, mut operator) = begin(spec);
    settle(&fake, &mut operator, None).await;
    fake.end(POD, 137, None);
    settle(&fake, &mut operator, None).await;
    (fake, operator)
}

#[tokio::test]
async fn rollbacks_that_a_run_did_not_come_to_are_played_by_another_pod() {
    let (fake, mut operator) = killed(&with_rollbacks(json!({"rescue": true}))).await;
    assert_eq!(found(&fake), "Failed/Error/ToolkitKilled");
    assert_eq!(condition(&fake, "RolledBack"), "Unknown/RescueStarted");
    let pod = fake.get(RESCUE).unwrap();
    assert_eq!(pod["metadata"]["finalizers"], json!([names::OUTCOME_FINALIZER]));
    let volumes = pod["spec"]["volumes"].as_array().unwrap();
    let map = volumes.iter().find_map(|volume| volume["configMap"]["name"].as_str()).unwrap();
    let map = fake.get(&format!("{RUN}/configmaps/{map}")).unwrap();
    let text = map["data"]["experiment.json"].as_str().unwrap();
    let played: Value = serde_json::from_str(text).unwrap();
    assert_eq!(played["rollbacks"][0]["name"], "mend");
    assert!(!text.contains("break"), "nothing that injects a fault is left: {text}");
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(condition(&fake, "RolledBack"), "True/RescuePlayed");
    assert_eq!(found(&fake), "Failed/Error/ToolkitKilled", "the outcome is that of the run");
    let rescue = &status(&fake)["run"]["rescue"];
    assert_eq!(rescue["podName"], "chaostoolkit-a235f4ad3e-rescue");
    assert_eq!(rescue["rollbacks"]["state"], "Played");
    assert_eq!([events(&fake, "RescueStarted"), events(&fake, "RescuePlayed")], [1, 1]);
    assert_eq!((pods_created(&fake), status(&fake)["counters"]["runs"].clone()), (2, json!(1)));
    is_over(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_rescue_that_fails_says_so_and_is_not_tried_again() {
    let (fake, mut operator) = killed(&with_rollbacks(json!({"rescue": true}))).await;
    fake.end(RESCUE, 137, None);
    settle(&fake, &mut operator, None).await;
    assert_eq!(condition(&fake, "RolledBack"), "False/RescueFailed");
    assert_eq!((pods_created(&fake), events(&fake, "RescueFailed")), (2, 1));
    is_over(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_rescue_that_is_not_possible_is_said_to_be_so() {
    for spec in [
        json!({"pod": {"experiment": {"asFile": false}}, "rescue": true}),
        json!({"experiment": {"title": "t", "description": "d", "method": []}, "rescue": true}),
    ] {
        let (fake, mut operator) = killed(&spec).await;
        assert_eq!(condition(&fake, "RolledBack"), "False/RescueFailed");
        assert_eq!((pods_created(&fake), events(&fake, "RescueFailed")), (1, 1));
        assert!(status(&fake)["run"]["rescue"]["problem"].is_string());
        is_over(&fake, &mut operator).await;
    }
}

#[tokio::test]
async fn an_experiment_that_is_not_what_it_was_is_not_rescued() {
    for change in [json!({"title": "another"}), json!({"namespace": "elsewhere"})] {
        let (fake, mut operator) = begin(&with_rollbacks(json!({"rescue": true})));
        settle(&fake, &mut operator, None).await;
        fake.put(namespace("elsewhere"));
        fake.edit(EXPERIMENT, |experiment| {
            if let Some(title) = change.get("title") {
                experiment["spec"]["experiment"]["title"] = title.clone();
            } else {
                experiment["spec"]["namespace"] = change["namespace"].clone();
            }
        });
        settle(&fake, &mut operator, None).await;
        fake.end(POD, 137, None);
        settle(&fake, &mut operator, None).await;
        assert_eq!(condition(&fake, "RolledBack"), "False/RescueFailed");
        assert_eq!(pods_created(&fake), 1);
    }
}

#[tokio::test]
async fn a_run_that_has_played_its_rollbacks_or_whose_author_does_not_ask_needs_no_rescue() {
    let (fake, _) = killed(&with_rollbacks(json!({}))).await;
    assert_eq!((pods_created(&fake), condition(&fake, "RolledBack")), (1, "Unknown/NoJournal".to_owned()));
    let (fake, mut operator) = begin(&with_rollbacks(json!({"rescue": true})));
    settle(&fake, &mut operator, None).await;
    set(&fake, "abort", json!(true));
    operator.pass().await;
    fake.end(POD, 1, Some(&interrupted()));
    settle(&fake, &mut operator, None).await;
    assert_eq!((pods_created(&fake), condition(&fake, "RolledBack")), (1, "True/RollbacksPlayed".to_owned()));
}

#[tokio::test]
async fn the_pod_of_a_rescue_goes_with_that_of_its_run() {
    let spec = with_rollbacks(json!({"rescue": true, "cleanup": {"onFailure": "delete"}}));
    let (fake, mut operator) = killed(&spec).await;
    assert!(!fake.list("RoleBinding").is_empty(), "the rescue needs them");
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!((fake.get(POD), fake.get(RESCUE), fake.list("RoleBinding").len()), (None, None, 0));
    is_over(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_deleted_experiment_stays_until_its_rollbacks_are_played() {
    let (fake, mut operator) = begin(&with_rollbacks(json!({"rescue": true})));
    settle(&fake, &mut operator, None).await;
    fake.delete(EXPERIMENT);
    operator.pass().await;
    fake.end(POD, 137, None);
    settle(&fake, &mut operator, None).await;
    assert!(fake.get(RESCUE).is_some());
    assert_eq!(condition(&fake, "RolledBack"), "Unknown/RescueStarted");
    assert_eq!((status(&fake)["phase"].clone(), fake.list("RoleBinding").len()), (json!("Terminating"), 1));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(events(&fake, "RescuePlayed"), 1);
    nothing_is_left(&fake);
    check_protocol(&fake);
}

#[tokio::test]
async fn a_rescue_whose_namespace_is_gone_does_not_hold_a_deleted_experiment() {
    let (fake, mut operator) = begin(&with_rollbacks(json!({"rescue": true})));
    settle(&fake, &mut operator, None).await;
    fake.delete(EXPERIMENT);
    for path in fake.objects().into_keys().filter(|path| path.starts_with(RUN)) {
        fake.vanish(&path);
    }
    settle(&fake, &mut operator, None).await;
    nothing_is_left(&fake);
    assert_eq!(events(&fake, "RescueFailed"), 1);
}

// ----------------------------------------------------------------------------------------------- whatever goes wrong

/// The stories in which every call goes wrong.
const TRIED: [(Story, Pace); 5] = [
    (Story::Stopped, Pace::FastKubelet),
    (Story::Reruns, Pace::SlowKubelet),
    (Story::Rescued, Pace::SlowKubelet),
    (Story::RescuedAtLast, Pace::FastKubelet),
    (Story::CleansUp, Pace::SlowKubelet),
];

#[tokio::test]
async fn what_an_author_asks_for_is_done_though_any_call_is_refused_once() {
    let faults = [Fault::Before(409, "Conflict"), Fault::Before(403, "Forbidden"), Fault::ResetBefore];
    try_all(&TRIED, "refused", Hangs::Crash, |_, number| [Some(faults[number % 3]), None]).await;
}

#[tokio::test]
async fn what_an_author_asks_for_is_done_though_the_operator_is_killed_before_or_after_any_call() {
    try_all(&TRIED, "killed", Hangs::Crash, |_, _| [Some(Fault::HangBefore), Some(Fault::HangAfter)]).await;
}

#[tokio::test(start_paused = true)]
async fn what_an_author_asks_for_is_done_though_any_call_runs_into_its_limit() {
    try_all(&TRIED, "timed out", Hangs::TimeOut, |_, number| {
        [Some(Fault::HangAfter), Some(Fault::HangBefore).filter(|_| number % 2 == 0)]
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_an_author_asks_for_is_done_while_an_operator_sleeps_in_any_call() {
    try_all(&TRIED, "asleep", Hangs::Sleep, |_, _| [Some(Fault::HangBefore), Some(Fault::HangAfter)]).await;
}
