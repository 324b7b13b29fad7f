//! Freezes: nothing starts while one holds, and what goes on is stopped if it says so.

use super::control::{condition, deletions, found, interrupted, set};
use super::jobs::{end, events, past};
use super::release::{begin_schedule, due_ago, is_held};
use super::schedule::CRON_JOB;
use super::*;

/// Creates a freeze of all runs.
pub fn freeze(fake: &FakeApi, fields: &Value) {
    freeze_in(fake, "chaostoolkit-crd", fields);
}

fn freeze_in(fake: &FakeApi, namespace: &str, fields: &Value) {
    fake.put(json!({"apiVersion": "chaostoolkit.org/v1", "kind": "ChaosToolkitFreeze",
        "metadata": {"namespace": namespace, "name": "year-end"}, "spec": fields}));
}

/// Deletes the freeze of all runs.
pub fn unfreeze(fake: &FakeApi) {
    assert!(fake.forget("/apis/chaostoolkit.org/v1/namespaces/chaostoolkit-crd/chaosfreezes/year-end"));
}

/// A run waits for the end of a freeze, and another freeze stops it.
pub async fn play(fake: &FakeApi, operators: &mut [Operator], pace: Pace) {
    freeze(fake, &json!({}));
    drive(fake, operators, pace, None).await;
    unfreeze(fake);
    drive(fake, operators, pace, None).await;
    stop(fake, operators, pace).await;
}

/// A run of a schedule waits for the end of a freeze, and another freeze stops it.
pub async fn play_scheduled(fake: &FakeApi, operators: &mut [Operator], pace: Pace) {
    drive(fake, operators, pace, None).await;
    freeze(fake, &json!({}));
    let job = fake.due(CRON_JOB);
    drive(fake, operators, pace, None).await;
    unfreeze(fake);
    drive(fake, operators, pace, None).await;
    fake.start_job(&job);
    drive(fake, operators, pace, None).await;
    stop(fake, operators, pace).await;
}

async fn stop(fake: &FakeApi, operators: &mut [Operator], pace: Pace) {
    freeze(fake, &json!({"abortRunning": true}));
    drive(fake, operators, pace, None).await;
    unfreeze(fake);
    drive(fake, operators, pace, None).await;
}

#[tokio::test]
async fn nothing_is_created_for_a_run_while_a_freeze_holds_and_it_starts_once_that_is_over() {
    let (fake, mut operator) = begin(&json!({}));
    freeze(&fake, &json!({"reason": "sale"}));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Blocked/none/Frozen");
    assert_eq!(status(&fake)["message"], "no run starts during the freeze chaostoolkit-crd/year-end: sale");
    assert_eq!(condition(&fake, "Startable"), "False/Frozen");
    assert_eq!(condition(&fake, "Finished"), "False/Frozen");
    assert_eq!((pods_created(&fake), status(&fake)["run"].clone()), (0, Value::Null));
    assert!(!operator.again, "only the end of the freeze brings the next pass");
    let changes = fake.changes();
    operator.pass().await;
    assert_eq!(fake.changes(), changes, "a freeze that lasts costs no write");
    unfreeze(&fake);
    operator.pass().await;
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    assert_eq!(status(&fake)["counters"]["runs"], 1);
    let told = ["Frozen", "Startable"].map(|reason| events(&fake, reason).len());
    assert_eq!(told, [1, 1]);
}

#[tokio::test]
async fn a_run_that_was_asked_for_again_waits_for_the_end_of_the_freeze_and_its_deadline_does_not_pass() {
    let (fake, mut operator) = begin(&json!({"startDeadlineSeconds": 60}));
    settle(&fake, &mut operator, Some(0)).await;
    freeze(&fake, &json!({}));
    control::rerun(&fake, "again");
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Blocked/Unknown/Frozen");
    // Both were long ago.
    fake.edit(EXPERIMENT, |experiment| {
        experiment["status"]["run"]["requestedAt"] = json!("2026-01-01T00:00:00Z");
        for condition in experiment["status"]["conditions"].as_array_mut().unwrap() {
            condition["lastTransitionTime"] = json!("2026-01-01T00:00:10Z");
        }
    });
    unfreeze(&fake);
    operator.pass().await;
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    assert!(status(&fake)["run"]["heldSeconds"].as_i64().unwrap() > 1_000_000);
}

#[tokio::test]
async fn a_freeze_counts_where_the_run_takes_place_and_nowhere_else() {
    for (namespace, expected) in [("chaostoolkit-run", "Blocked"), ("elsewhere", "Running")] {
        let (fake, mut operator) = begin(&json!({}));
        freeze_in(&fake, namespace, &json!({}));
        settle(&fake, &mut operator, None).await;
        assert_eq!(status(&fake)["phase"], expected, "{namespace}");
    }
}

#[tokio::test]
async fn nothing_starts_before_the_freezes_are_known() {
    let (fake, mut operator) = begin(&json!({}));
    operator.forget_freezes();
    for _ in 0..3 {
        operator.pass().await;
    }
    assert!(operator.again, "it looks again by itself");
    assert_eq!((pods_created(&fake), found(&fake)), (0, "Pending/none/Provisioning".to_owned()));
    operator.lists_freezes = true;
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
}

#[tokio::test]
async fn a_freeze_that_aborts_stops_a_run_once_and_the_status_says_so_and_what_was_rolled_back() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, None).await;
    freeze(&fake, &json!({}));
    operator.pass().await;
    assert_eq!(status(&fake)["phase"], "Running", "without abortRunning, it goes on");
    freeze(&fake, &json!({"abortRunning": true, "reason": "sale"}));
    operator.pass().await;
    assert_eq!(found(&fake), "Aborting/Unknown/Frozen");
    let changes = fake.changes();
    operator.pass().await;
    assert_eq!((deletions(&fake, POD), fake.changes()), (1, changes));
    // The end says what has stopped the run, even if the freeze is over by then.
    unfreeze(&fake);
    fake.end(POD, 1, Some(&interrupted()));
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Aborted/Interrupted/Frozen");
    assert_eq!(status(&fake)["message"], "stopped by the freeze chaostoolkit-crd/year-end: sale");
    assert_eq!(condition(&fake, "RolledBack"), "True/RollbacksPlayed");
    assert_eq!(status(&fake)["run"]["stop"]["freeze"], "chaostoolkit-crd/year-end");
    assert_eq!(pods_created(&fake), 1, "it does not start again");
}

#[tokio::test]
async fn a_run_of_a_schedule_is_held_and_goes_if_the_freeze_ends_in_time() {
    let (fake, mut operator) = begin_schedule(&json!({})).await;
    freeze(&fake, &json!({}));
    let job = fake.due(CRON_JOB);
    operator.pass().await;
    assert!(is_held(&fake, &job));
    assert_eq!(condition(&fake, "Startable"), "False/Frozen");
    assert_eq!(status(&fake)["phase"], "Scheduled");
    assert!(status(&fake)["message"].as_str().unwrap().contains("waits: no run starts during the freeze"));
    unfreeze(&fake);
    operator.pass().await;
    assert!(!is_held(&fake, &job));
    assert_eq!(condition(&fake, "Startable"), "True/Startable");
    fake.start_job(&job);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(past(&fake)["reason"], "Passed");
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_run_of_a_schedule_that_a_freeze_has_held_for_too_long_is_skipped_for_that_reason() {
    let (fake, mut operator) = begin_schedule(&json!({})).await;
    freeze(&fake, &json!({}));
    let job = due_ago(&fake, 100);
    operator.pass().await;
    assert!(is_held(&fake, &job));
    release::make_late(&fake, &job);
    settle(&fake, &mut operator, Some(0)).await;
    let skipped = past(&fake);
    assert_eq!([&skipped["phase"], &skipped["reason"]], ["Skipped", "Frozen"]);
    assert!(skipped["message"].as_str().unwrap().contains("chaostoolkit-crd/year-end"), "{skipped}");
    assert_eq!((fake.get(&job), status(&fake)["counters"]["skipped"].clone()), (None, json!(1)));
    // It does not start later.
    unfreeze(&fake);
    operator.pass().await;
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(runner_pods(&fake).len(), 0);
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_run_that_could_only_start_too_late_is_skipped_at_once() {
    let (fake, mut operator) = begin_schedule(&json!({})).await;
    freeze(&fake, &json!({"until": "2999-01-01T00:00:00Z"}));
    let job = fake.due(CRON_JOB);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!((fake.get(&job), &past(&fake)["reason"]), (None, &json!("Frozen")));
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_freeze_that_aborts_stops_the_runs_of_a_schedule() {
    let (fake, mut operator, pod) = schedule::begin_run().await;
    freeze(&fake, &json!({"abortRunning": true}));
    operator.pass().await;
    assert_eq!(deletions(&fake, &pod), 1);
    assert_eq!(status(&fake)["schedule"]["stopped"].as_array().map(Vec::len), Some(1));
    operator.pass().await;
    assert_eq!(deletions(&fake, &pod), 1, "once");
    unfreeze(&fake);
    fake.end(&pod, 1, Some(&interrupted()));
    settle(&fake, &mut operator, None).await;
    let stopped = past(&fake);
    assert_eq!([&stopped["phase"], &stopped["reason"]], ["Aborted", "Frozen"]);
    assert_eq!(stopped["stop"]["freeze"], "chaostoolkit-crd/year-end");
    assert_eq!(status(&fake)["schedule"]["stopped"], Value::Null, "its run is recorded");
}

#[tokio::test]
async fn an_abort_by_the_author_goes_before_the_freeze() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, None).await;
    set(&fake, "abort", json!(true));
    freeze(&fake, &json!({"abortRunning": true}));
    operator.pass().await;
    fake.end(POD, 1, Some(&interrupted()));
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Aborted/Interrupted/AbortRequested");
}

/// The stories in which every call fails once.
const TRIED: [(Story, Pace); 2] =
    [(Story::Frozen, Pace::FastKubelet), (Story::FrozenScheduled, Pace::SlowKubelet)];

#[tokio::test]
async fn what_a_freeze_holds_and_stops_ends_alike_though_any_call_is_refused_once() {
    try_all(&TRIED, "refused", Hangs::Crash, refused_in_turns).await;
}

#[tokio::test]
async fn what_a_freeze_holds_and_stops_ends_alike_though_the_operator_is_killed_before_or_after_any_call() {
    try_all(&TRIED, "killed", Hangs::Crash, before_and_after).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_freeze_holds_and_stops_ends_alike_while_an_operator_sleeps_in_any_call() {
    try_all(&TRIED, "asleep", Hangs::Sleep, before_and_after).await;
}
