//! Runs whose helpers go on after the toolkit has ended.

use chaostoolkit_api::names;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::{SignedDuration, Timestamp};

use super::control::{RESCUE, condition, found, rerun, set, with_rollbacks};
use super::schedule::{CRON_JOB, begin_run, tick};
use super::*;

/// How the pod of a run ended, and whether it is held.
fn pod_at(fake: &FakeApi, path: &str) -> (Value, Value) {
    let pod = fake.get(path).unwrap();
    (pod["status"]["reason"].clone(), pod["metadata"]["finalizers"].clone())
}

/// The pod was ended by its deadline, and nothing holds it.
fn ended() -> (Value, Value) {
    (json!("DeadlineExceeded"), json!([]))
}

/// Lets this many seconds pass since the operator saw the end of the runs.
pub fn wait(fake: &FakeApi, seconds: i64) {
    fn shift(value: &mut Value, seconds: i64) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| shift(item, seconds)),
            Value::Object(fields) => {
                for (key, value) in fields {
                    match (key.as_str(), value.as_str().and_then(|time| time.parse::<Timestamp>().ok())) {
                        ("recordedAt" | "seenAt", Some(time)) => {
                            *value = json!(Time(time - SignedDuration::from_secs(seconds)));
                        }
                        _ => shift(value, seconds),
                    }
                }
            }
            _ => {}
        }
    }
    // All of it was earlier: what the experiment was before has the same times.
    fake.edit_versions(|version| shift(&mut version["status"], seconds));
    fake.edit(EXPERIMENT, |experiment| shift(&mut experiment["status"], seconds));
}

/// The notes of the events that have this value in a field.
pub fn notes(fake: &FakeApi, field: &str, value: &str) -> Vec<Value> {
    let events = fake.events();
    events.iter().filter(|event| event[field] == value).map(|event| event["note"].clone()).collect()
}

fn stopped(fake: &FakeApi) -> Vec<Value> {
    notes(fake, "reason", "HelpersStopped")
}

/// The toolkit of a run is killed, while a helper beside it goes on.
fn kill_beside_helper(fake: &FakeApi) {
    fake.end_beside_helper(POD, 0);
    fake.edit(POD, |pod| {
        let terminated = &mut pod["status"]["containerStatuses"][0]["state"]["terminated"];
        terminated["exitCode"] = json!(137);
        terminated["message"] = json!("");
    });
}

#[tokio::test]
async fn the_pod_is_ended_once_its_helpers_had_their_time_and_the_outcome_stays() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, None).await;
    fake.end_beside_helper(POD, 10);
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed", "the outcome does not wait");
    assert_eq!(status(&fake)["run"]["journal"]["configMap"], JOURNAL);
    assert!(operator.again, "a pass comes when the time of the helper is over");
    assert_eq!(pod_at(&fake, POD), (Value::Null, json!([names::OUTCOME_FINALIZER])));
    // A restart does not forget the helper.
    let mut operator = Operator::new(&fake, Hangs::Crash);
    settle(&fake, &mut operator, None).await;
    assert!(operator.again && stopped(&fake).is_empty());
    wait(&fake, 30);
    settle(&fake, &mut operator, None).await;
    assert_eq!(pod_at(&fake, POD), ended());
    assert_eq!(found(&fake), "Completed/Passed/Passed", "the end of the pod is not that of the run");
    assert_eq!(condition(&fake, "Succeeded"), "True/Passed");
    let note = "ended pod chaostoolkit-run/chaostoolkit-a235f4ad3e: the toolkit had ended, and after 30 s this went on: helper";
    assert_eq!(stopped(&fake), [note]);
    let calls = fake.calls().len();
    let mut other = Operator::new(&fake, Hangs::Crash);
    other.pass().await;
    assert_eq!((fake.calls().len(), other.again), (calls, false), "nothing is left to do");
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    nothing_is_left(&fake);
    check_protocol(&fake);
}

#[tokio::test]
async fn the_author_says_how_long_helpers_may_go_on_and_may_change_that_later() {
    let (fake, mut operator) = begin(&json!({"report": {"helperGraceSeconds": 3600}}));
    settle(&fake, &mut operator, None).await;
    fake.end_beside_helper(POD, 300);
    settle(&fake, &mut operator, None).await;
    assert!(operator.again && stopped(&fake).is_empty());
    rerun(&fake, "1");
    settle(&fake, &mut operator, None).await;
    assert_eq!((pods_created(&fake), operator.again), (1, true), "one more run waits for the helpers");
    set(&fake, "report", json!({"helperGraceSeconds": 0}));
    settle(&fake, &mut operator, None).await;
    assert_eq!((pods_created(&fake), stopped(&fake).len()), (2, 1));
}

#[tokio::test]
async fn whatever_call_fails_the_pod_is_ended_and_let_go() {
    for call in 0.. {
        let (fake, mut operator) = begin(&json!({}));
        settle(&fake, &mut operator, None).await;
        fake.end_beside_helper(POD, 60);
        let before = fake.calls().len();
        fake.fail(before + call, if call % 2 == 0 { Fault::HangAfter } else { Fault::HangBefore });
        settle(&fake, &mut operator, None).await;
        wait(&fake, 30);
        settle(&fake, &mut operator, None).await;
        assert_eq!((found(&fake), pod_at(&fake, POD)), ("Completed/Passed/Passed".to_owned(), ended()));
        check_protocol(&fake);
        if before + call >= fake.calls().len() {
            assert!(call > 5, "{call}");
            return;
        }
    }
}

#[tokio::test]
async fn rollbacks_that_were_not_played_do_not_wait_for_helpers() {
    let spec = with_rollbacks(json!({"rescue": true, "report": {"helperGraceSeconds": 3600}}));
    let (fake, mut operator) = begin(&spec);
    settle(&fake, &mut operator, None).await;
    kill_beside_helper(&fake);
    settle(&fake, &mut operator, None).await;
    assert!(fake.get(RESCUE).is_some());
    fake.end_beside_helper(RESCUE, 0);
    settle(&fake, &mut operator, None).await;
    assert_eq!(pod_at(&fake, RESCUE), ended(), "the helper of the rescue has nothing to wait for");
    assert_eq!(pod_at(&fake, POD).1, json!([names::OUTCOME_FINALIZER]), "that of the run still has its time");
    assert!(operator.again);
}

#[tokio::test]
async fn one_more_run_waits_for_the_helpers_of_a_run_that_was_rescued() {
    // With another title, no other pod can play the rollbacks.
    for is_possible in [true, false] {
        let spec = with_rollbacks(json!({"rescue": true, "report": {"helperGraceSeconds": 3600}}));
        let (fake, mut operator) = begin(&spec);
        settle(&fake, &mut operator, None).await;
        if !is_possible {
            fake.edit(EXPERIMENT, |experiment| experiment["spec"]["experiment"]["title"] = json!("another"));
        }
        rerun(&fake, "1");
        kill_beside_helper(&fake);
        settle(&fake, &mut operator, None).await;
        if is_possible {
            fake.end_beside_helper(RESCUE, 0);
            settle(&fake, &mut operator, None).await;
        }
        let expected = if is_possible { "True/RescuePlayed" } else { "False/RescueFailed" };
        assert_eq!(condition(&fake, "RolledBack"), expected);
        let before = pods_created(&fake);
        assert_eq!((before, operator.again), (1 + usize::from(is_possible), true));
        assert_eq!(pod_at(&fake, POD).1, json!([names::OUTCOME_FINALIZER]), "its helper still has its time");
        wait(&fake, 3601);
        settle(&fake, &mut operator, None).await;
        assert_eq!((pod_at(&fake, POD), pods_created(&fake)), (ended(), before + 1));
        fake.delete(EXPERIMENT);
        settle(&fake, &mut operator, Some(0)).await;
        nothing_is_left(&fake);
        check_protocol(&fake);
    }
}

#[tokio::test]
async fn a_scheduled_run_ends_too_and_is_counted_once() {
    let (fake, mut operator, pod) = begin_run().await;
    fake.end_beside_helper(&pod, 10);
    settle(&fake, &mut operator, None).await;
    let count = |fake: &FakeApi| status(fake)["counters"]["runs"].clone();
    assert_eq!((found(&fake), count(&fake)), ("Scheduled/Passed/Scheduled".to_owned(), json!(1)));
    assert!(stopped(&fake).is_empty());
    wait(&fake, 60);
    settle(&fake, &mut operator, None).await;
    assert_eq!(pod_at(&fake, &pod), ended());
    assert_eq!((found(&fake), count(&fake)), ("Scheduled/Passed/Scheduled".to_owned(), json!(1)));
    assert_eq!(stopped(&fake).len(), 1);
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    nothing_is_left(&fake);
    check_protocol(&fake);
}

#[tokio::test]
async fn a_rejected_spec_keeps_no_helper_alive() {
    let (fake, mut operator, pod) = begin_run().await;
    set(&fake, "pod", json!(7));
    settle(&fake, &mut operator, None).await;
    assert_eq!((found(&fake).as_str(), operator.again), ("Failed/Unknown/InvalidSpec", false));
    fake.end_beside_helper(&pod, 0);
    settle(&fake, &mut operator, None).await;
    assert!(operator.again, "a pass comes when the time of the helper is over");
    assert_eq!(pod_at(&fake, &pod), (Value::Null, json!([])));
    wait(&fake, 60);
    settle(&fake, &mut operator, None).await;
    assert_eq!((pod_at(&fake, &pod), operator.again), (ended(), false));
    assert_eq!(status(&fake)["counters"]["runs"], 1);
}

#[tokio::test]
async fn helpers_are_left_alone_if_the_job_would_repeat_the_run() {
    let (fake, mut operator, pod) = begin_run().await;
    fake.edit(CRON_JOB, |cron_job| cron_job["spec"]["jobTemplate"]["spec"]["backoffLimit"] = json!(3));
    fake.end_beside_helper(&pod, 60);
    settle(&fake, &mut operator, None).await;
    assert_eq!(pod_at(&fake, &pod), (Value::Null, json!([])), "recorded and let go, but not ended");
    assert!(stopped(&fake).is_empty());
}

#[tokio::test]
async fn pods_whose_helpers_have_time_keep_no_later_run_from_being_recorded() {
    let (fake, mut operator, first) = begin_run().await;
    set(&fake, "report", json!({"helperGraceSeconds": 3600}));
    fake.end_beside_helper(&first, 0);
    for _ in 0..11 {
        let pod = tick(&fake, &mut operator).await;
        settle(&fake, &mut operator, None).await;
        fake.end_beside_helper(&pod, 0);
        settle(&fake, &mut operator, None).await;
    }
    assert_eq!(status(&fake)["counters"]["runs"], 12);
    assert!(operator.again && stopped(&fake).is_empty());
    let mut operator = Operator::new(&fake, Hangs::Crash);
    set(&fake, "report", json!({"helperGraceSeconds": 0}));
    settle(&fake, &mut operator, None).await;
    assert_eq!((status(&fake)["counters"]["runs"].clone(), stopped(&fake).len()), (json!(12), 12));
    check_protocol(&fake);
}
