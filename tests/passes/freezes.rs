//! Freezes: nothing starts while one holds, and what goes on is stopped if it says so.

use chaostoolkit_operator::experiment::freezes::known::Freezes;
use chaostoolkit_operator::experiment::freezes::over::Read;
use chaostoolkit_operator::process::health::ReadinessCheck;

use super::control::{condition, deletions, found, interrupted, set};
use super::jobs::{end, events, past};
use super::release::{begin_schedule, due_ago, is_held};
use super::schedule::CRON_JOB;
use super::*;

/// A freeze of all runs.
fn freeze(fields: &Value) -> Read {
    freeze_in("chaostoolkit-crd", fields)
}

fn freeze_in(namespace: &str, fields: &Value) -> Read {
    let object = json!({"apiVersion": "chaostoolkit.org/v1", "kind": "ChaosToolkitFreeze",
        "metadata": {"namespace": namespace, "name": "year-end"}, "spec": fields});
    Read::of(&serde_json::from_value(object).unwrap())
}

/// These are all freezes now, and each experiment gets a pass.
async fn set_freezes(operator: &mut Operator, freezes: Vec<Read>) {
    operator.context.freezes.replace(freezes);
    operator.pass().await;
}

#[tokio::test]
async fn nothing_is_created_for_a_run_while_a_freeze_holds_and_it_starts_once_that_is_over() {
    let (fake, mut operator) = begin(&json!({}));
    operator.context.freezes.replace(vec![freeze(&json!({"reason": "sale"}))]);
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
    set_freezes(&mut operator, Vec::new()).await;
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
    operator.context.freezes.replace(vec![freeze(&json!({}))]);
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
    set_freezes(&mut operator, Vec::new()).await;
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    assert!(status(&fake)["run"]["heldSeconds"].as_i64().unwrap() > 1_000_000);
}

#[tokio::test]
async fn a_freeze_counts_where_the_run_takes_place_and_nowhere_else() {
    for (namespace, expected) in [("chaostoolkit-run", "Blocked"), ("elsewhere", "Running")] {
        let (fake, mut operator) = begin(&json!({}));
        operator.context.freezes.replace(vec![freeze_in(namespace, &json!({}))]);
        settle(&fake, &mut operator, None).await;
        assert_eq!(status(&fake)["phase"], expected, "{namespace}");
    }
}

#[tokio::test]
async fn nothing_starts_before_the_freezes_are_known() {
    let (fake, mut operator) = begin(&json!({}));
    let context = std::sync::Arc::get_mut(&mut operator.context).unwrap();
    context.freezes = Freezes::new("chaostoolkit-crd", ReadinessCheck::default());
    for _ in 0..3 {
        operator.pass().await;
    }
    assert!(operator.again, "it looks again by itself");
    assert_eq!((pods_created(&fake), status(&fake)["reason"].clone()), (0, Value::Null));
    set_freezes(&mut operator, Vec::new()).await;
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
}

#[tokio::test]
async fn a_freeze_that_aborts_stops_a_run_once_and_the_status_says_so_and_what_was_rolled_back() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, None).await;
    set_freezes(&mut operator, vec![freeze(&json!({}))]).await;
    assert_eq!(status(&fake)["phase"], "Running", "without abortRunning, it goes on");
    set_freezes(&mut operator, vec![freeze(&json!({"abortRunning": true, "reason": "sale"}))]).await;
    assert_eq!(found(&fake), "Aborting/Unknown/Frozen");
    let changes = fake.changes();
    operator.pass().await;
    assert_eq!((deletions(&fake, POD), fake.changes()), (1, changes));
    // The end says what has stopped the run, even if the freeze is over by then.
    operator.context.freezes.replace(Vec::new());
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
    operator.context.freezes.replace(vec![freeze(&json!({}))]);
    let job = fake.due(CRON_JOB);
    operator.pass().await;
    assert!(is_held(&fake, &job));
    assert_eq!(condition(&fake, "Startable"), "False/Frozen");
    assert_eq!(status(&fake)["phase"], "Scheduled");
    assert!(status(&fake)["message"].as_str().unwrap().contains("waits: no run starts during the freeze"));
    set_freezes(&mut operator, Vec::new()).await;
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
    operator.context.freezes.replace(vec![freeze(&json!({}))]);
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
    set_freezes(&mut operator, Vec::new()).await;
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(runner_pods(&fake).len(), 0);
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_run_that_could_only_start_too_late_is_skipped_at_once() {
    let (fake, mut operator) = begin_schedule(&json!({})).await;
    operator.context.freezes.replace(vec![freeze(&json!({"until": "2999-01-01T00:00:00Z"}))]);
    let job = fake.due(CRON_JOB);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!((fake.get(&job), &past(&fake)["reason"]), (None, &json!("Frozen")));
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_freeze_that_aborts_stops_the_runs_of_a_schedule() {
    let (fake, mut operator, pod) = schedule::begin_run().await;
    set_freezes(&mut operator, vec![freeze(&json!({"abortRunning": true}))]).await;
    assert_eq!(deletions(&fake, &pod), 1);
    assert_eq!(status(&fake)["schedule"]["stopped"].as_array().map(Vec::len), Some(1));
    operator.pass().await;
    assert_eq!(deletions(&fake, &pod), 1, "once");
    operator.context.freezes.replace(Vec::new());
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
    set_freezes(&mut operator, vec![freeze(&json!({"abortRunning": true}))]).await;
    fake.end(POD, 1, Some(&interrupted()));
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Aborted/Interrupted/AbortRequested");
}
