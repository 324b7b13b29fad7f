//! What an author can ask for: to stop a run, to suspend it, to run again, to be rescued, to clean up.

use chaostoolkit_api::names;
use chaostoolkit_journal::message::{Message, State};
use chaostoolkit_journal::{Summary, parse};
use serde_json::{Value, json};

use super::*;

mod abort;
mod deadlines;
mod rerun;
mod rescue;
mod restored;
mod retention;
mod suspend;

/// The path of the pod of the second run.
const SECOND: &str = "/api/v1/namespaces/chaostoolkit-run/pods/chaostoolkit-a235f4ad3e-2";
/// The path of the pod that plays the rollbacks of the first run.
pub const RESCUE: &str = "/api/v1/namespaces/chaostoolkit-run/pods/chaostoolkit-a235f4ad3e-rescue";

/// Adds an experiment with rollbacks to a spec.
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

/// Returns phase, outcome and reason of the status.
pub fn found(fake: &FakeApi) -> String {
    let status = status(fake);
    let word = |key: &str| status[key].as_str().unwrap_or("none").to_owned();
    [word("phase"), word("outcome"), word("reason")].join("/")
}

/// Returns status and reason of a condition, such as `True/Passed`, or `none`.
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

pub fn deletions(fake: &FakeApi, path: &str) -> usize {
    fake.writes().iter().filter(|call| call.method == "DELETE" && call.path == path).count()
}

/// Changes the status as if the run had been requested long ago.
fn age(fake: &FakeApi) {
    fake.edit(EXPERIMENT, |experiment| {
        let run = &mut experiment["status"]["run"];
        assert!(!run["requestedAt"].is_null());
        run["requestedAt"] = json!("2020-01-01T00:00:00Z");
    });
}

/// Checks that the end of a run never changes, whatever happens to the experiment afterwards, and that deletion leaves
/// nothing.
async fn is_over(fake: &FakeApi, operator: &mut Operator) {
    settle(fake, operator, Some(0)).await;
    let ended = |operator: &Operator| {
        let mut status = status(fake);
        // Whether to wait for the experiment is said of each generation, and not of the run alone.
        status["observedGeneration"] = Value::Null;
        for condition in status["conditions"].as_array_mut().into_iter().flatten() {
            if condition["type"] == "Stalled" {
                condition["observedGeneration"] = Value::Null;
            }
        }
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
        // First the first call of a pass is refused, then the second.
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
    assert!(!other.again, "no further pass is needed");
    fake.delete(EXPERIMENT);
    settle(fake, operator, Some(0)).await;
    nothing_is_left(fake);
    check_protocol(fake);
}

/// Returns the lines of the metric about runs that have ended.
fn operator_counts(operator: &Operator) -> Vec<String> {
    let text = operator.context.metrics.text();
    text.lines()
        .filter(|line| line.starts_with("chaostoolkit_operator_runs_finished_total"))
        .map(str::to_owned)
        .collect()
}

/// Returns the report of the runner about an interrupted run whose rollbacks were played.
pub fn interrupted() -> Message {
    let journal = include_bytes!("../../journals/long-proc-always-sigint@1.21.4.json");
    let journal: Value = serde_json::from_slice(journal).unwrap();
    let summary = Summary::of(&parse(journal["journal"].to_string().as_bytes()).unwrap());
    Message {
        exit_code: Some(1),
        stopped_by: Some("SIGTERM".to_owned()),
        summary: Some(summary),
        ..Message::new(State::Ended)
    }
}

/// The stories in which every call fails once.
const TRIED: [(Story, Pace); 5] = [
    (Story::Stopped, Pace::FastKubelet),
    (Story::Reruns, Pace::SlowKubelet),
    (Story::Rescued, Pace::SlowKubelet),
    (Story::RescuedAtLast, Pace::FastKubelet),
    (Story::CleansUp, Pace::SlowKubelet),
];

#[tokio::test]
async fn what_an_author_asks_for_is_done_though_any_call_is_refused_once() {
    try_all(&TRIED, "refused", Hangs::Crash, refused_in_turns).await;
}

#[tokio::test]
async fn what_an_author_asks_for_is_done_though_the_operator_is_killed_before_or_after_any_call() {
    try_all(&TRIED, "killed", Hangs::Crash, before_and_after).await;
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
    try_all(&TRIED, "asleep", Hangs::Sleep, before_and_after).await;
}
