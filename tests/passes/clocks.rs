//! Nodes whose clock is wrong. Nothing is counted from the times that they report.

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::control::found;
use super::helpers::wait;
use super::jobs::past;
use super::schedule::begin_run;
use super::*;

/// By how many seconds the clock of the node is ahead.
const OFF: [i64; 3] = [-3600, -120, 3600];

/// The kubelet has a wrong clock: it reports other times for the end of a pod.
fn shift_clock(fake: &FakeApi, pod: &str, seconds: i64) {
    fake.edit(pod, |pod| {
        let terminated = &mut pod["status"]["containerStatuses"][0]["state"]["terminated"];
        for time in ["startedAt", "finishedAt"] {
            let told: Timestamp = terminated[time].as_str().unwrap().parse().unwrap();
            terminated[time] = json!((told + SignedDuration::from_secs(seconds)).to_string());
        }
    });
}

/// Refuses to read logs from now on.
fn no_logs(fake: &FakeApi) {
    fake.refuse(Some(("GET", "/log", 500)));
}

#[tokio::test]
async fn the_end_of_the_log_is_waited_for_as_long_whatever_the_clock_of_the_node_says() {
    for off in OFF {
        for is_back in [true, false] {
            let (fake, mut operator) = begin(&json!({}));
            settle(&fake, &mut operator, None).await;
            no_logs(&fake);
            fake.end(POD, 2, None);
            shift_clock(&fake, POD, off);
            settle(&fake, &mut operator, None).await;
            assert_eq!(found(&fake), "Running/Unknown/Running", "{off}: the log may come back");
            // A restart does not begin the wait again.
            let mut operator = Operator::new(&fake, Hangs::Crash);
            if is_back {
                fake.refuse(None);
            } else {
                wait(&fake, 16);
            }
            settle(&fake, &mut operator, None).await;
            assert_eq!(found(&fake), "Failed/Invalid/ArgumentsInvalid", "{off}");
            assert_eq!(status(&fake)["run"]["logTail"].is_string(), is_back, "{off}");
            let told =
                fake.get(POD).unwrap()["status"]["containerStatuses"][0]["state"]["terminated"]["finishedAt"]
                    .clone();
            assert_eq!(status(&fake)["run"]["finishedAt"], told, "people see the time of the node");
        }
    }
}

#[tokio::test]
async fn a_journal_is_waited_for_as_long_whatever_the_clock_of_the_node_says() {
    for off in OFF {
        for is_back in [true, false] {
            let (fake, mut operator) = begin(&json!({}));
            settle(&fake, &mut operator, None).await;
            no_logs(&fake);
            fake.end(POD, 0, None);
            shift_clock(&fake, POD, off);
            settle(&fake, &mut operator, None).await;
            assert_eq!(found(&fake), "Completed/Passed/Passed", "{off}: the verdict does not wait");
            let journal = &status(&fake)["run"]["journal"];
            assert_eq!(
                [&journal["configMap"], &journal["problem"]],
                [&Value::Null, &Value::Null],
                "{off}: it is due"
            );
            let mut operator = Operator::new(&fake, Hangs::Crash);
            if is_back {
                fake.refuse(None);
            } else {
                wait(&fake, 121);
            }
            settle(&fake, &mut operator, None).await;
            let journal = &status(&fake)["run"]["journal"];
            assert_eq!(
                (journal["configMap"] == JOURNAL, journal["problem"].is_string()),
                (is_back, !is_back),
                "{off}"
            );
            assert_eq!(
                fake.get(POD).unwrap()["metadata"]["finalizers"],
                json!([]),
                "{off}: the pod is let go"
            );
            assert!(!operator.again, "{off}: nothing is read any more");
        }
    }
}

#[tokio::test]
async fn a_run_of_a_schedule_waits_for_its_log_and_its_journal_as_long() {
    for off in OFF {
        for (code, seconds) in [(2, 16), (0, 121)] {
            for is_back in [true, false] {
                let (fake, mut operator, pod) = begin_run().await;
                no_logs(&fake);
                fake.end(&pod, code, None);
                shift_clock(&fake, &pod, off);
                settle(&fake, &mut operator, None).await;
                let runs = status(&fake)["counters"]["runs"].as_i64().unwrap_or_default();
                assert_eq!(
                    runs,
                    i64::from(code == 0),
                    "{off}: only the verdict that needs the log waits for it"
                );
                let held = json!([chaostoolkit_api::names::OUTCOME_FINALIZER]);
                assert_eq!(fake.get(&pod).unwrap()["metadata"]["finalizers"], held, "{off}");
                let mut operator = Operator::new(&fake, Hangs::Crash);
                if is_back {
                    fake.refuse(None);
                } else {
                    wait(&fake, seconds);
                }
                settle(&fake, &mut operator, None).await;
                assert_eq!(status(&fake)["counters"]["runs"], 1, "{off}");
                let has_it = if code == 0 {
                    past(&fake)["journal"]["configMap"] == JOURNAL
                } else {
                    past(&fake)["logTail"].is_string()
                };
                assert_eq!(has_it, is_back, "{off} {code}");
                assert_eq!(fake.get(&pod).unwrap()["metadata"]["finalizers"], json!([]), "{off}");
                assert_eq!(status(&fake)["schedule"]["ended"], Value::Null, "nothing is waited for");
            }
        }
    }
}

#[tokio::test]
async fn helpers_have_their_time_whatever_the_clock_of_the_node_says() {
    for off in OFF {
        let (fake, mut operator) = begin(&json!({}));
        settle(&fake, &mut operator, None).await;
        fake.end_beside_helper(POD, -off);
        settle(&fake, &mut operator, None).await;
        assert!(fake.get(POD).unwrap()["spec"]["activeDeadlineSeconds"].is_null(), "{off}: it has its time");
        wait(&fake, 30);
        settle(&fake, &mut operator, None).await;
        assert_eq!(fake.get(POD).unwrap()["spec"]["activeDeadlineSeconds"], 1, "{off}: and no more");
    }
}
