//! Gates: nothing starts while one is closed.

use super::control::{condition, found, rerun, set};
use super::jobs::{end, events, past};
use super::release::{begin_schedule, is_held, make_late};
use super::schedule::CRON_JOB;
use super::sources::{Source, signal, until};
use super::*;

fn gate(fields: &Value) -> Value {
    let mut gate = json!({"name": "slo", "prometheus": signal()});
    gate.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!([gate])
}

/// Returns an experiment with one gate, and an operator that may ask the source.
fn begin_gated(source: &Source, fields: &Value) -> (FakeApi, Operator) {
    let (fake, mut operator) = begin(&json!({"gates": gate(fields)}));
    source.known_to(&mut operator);
    (fake, operator)
}

fn is_closed(fake: &FakeApi) -> bool {
    condition(fake, "Startable") == "False/GateClosed"
}

fn has_ended(fake: &FakeApi) -> bool {
    condition(fake, "Finished").starts_with("True")
}

/// The hold began long ago.
fn age(fake: &FakeApi) {
    fake.edit(EXPERIMENT, |experiment| {
        experiment["status"]["hold"]["since"] = json!("2026-01-01T00:00:00Z");
    });
}

const CLOSED: &str = "gate slo is closed: expected >= 1; read: 0";

#[tokio::test]
async fn nothing_is_created_while_a_gate_is_closed_and_the_run_starts_once_it_opens() {
    let source = Source::of("0").await;
    let (fake, mut operator) = begin_gated(&source, &json!({}));
    operator.pass().await;
    assert!(operator.again && status(&fake)["hold"].is_null(), "it does not wait for the answer");
    assert_eq!(condition(&fake, "Reconciling"), "True/Provisioning", "tools wait for the answer");
    until(&fake, &mut operator, is_closed).await;
    assert_eq!(found(&fake), "Blocked/none/GateClosed");
    assert_eq!(status(&fake)["message"], CLOSED);
    assert_eq!((pods_created(&fake), status(&fake)["run"].clone()), (0, Value::Null));
    assert!(operator.again, "no change of a signal brings a pass");
    // The value changes, and the gate stays closed.
    source.set("0.5");
    source.known_to(&mut operator);
    let (changes, asked) = (fake.changes(), source.asked());
    until(&fake, &mut operator, |_| source.asked() > asked).await;
    for _ in 0..3 {
        operator.pass().await;
    }
    assert_eq!(fake.changes(), changes, "a gate that stays closed costs no write");
    source.set("1");
    source.known_to(&mut operator);
    until(&fake, &mut operator, |fake| pods_created(fake) == 1).await;
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    assert_eq!(condition(&fake, "Startable"), "none");
    let told = ["GateClosed", "Startable"].map(|reason| events(&fake, reason).len());
    assert_eq!(told, [1, 1]);
}

#[tokio::test]
async fn a_run_without_gates_asks_nobody() {
    let source = Source::of("0").await;
    let (fake, mut operator) = begin(&json!({}));
    source.known_to(&mut operator);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!((found(&fake).as_str(), source.asked()), ("Completed/Passed/Passed", 0));
}

#[tokio::test]
async fn a_run_is_skipped_if_its_gate_says_so_and_a_rerun_asks_again() {
    let source = Source::of("0").await;
    let (fake, mut operator) = begin_gated(&source, &json!({"onClosed": "Skip"}));
    until(&fake, &mut operator, has_ended).await;
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Skipped/none/GateClosed");
    assert_eq!(status(&fake)["message"], CLOSED);
    let counters = status(&fake)["counters"].clone();
    assert_eq!(
        (&counters["skipped"], &counters["runs"], &counters["failed"]),
        (&json!(1), &json!(0), &json!(0))
    );
    assert_eq!(condition(&fake, "RolledBack"), "Unknown/NotStarted");
    let told = ["Skipped", "RunFailed", "MissedSchedule"].map(|reason| events(&fake, reason).len());
    assert_eq!(told, [1, 0, 0]);
    assert_eq!((pods_created(&fake), fake.get(RUN).is_some()), (0, true));
    let calls = fake.calls().len();
    Operator::new(&fake, Hangs::Crash).pass().await;
    assert_eq!(fake.calls().len(), calls, "a run that was skipped costs no call");
    source.set("1");
    source.known_to(&mut operator);
    rerun(&fake, "again");
    until(&fake, &mut operator, |fake| pods_created(fake) == 1).await;
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    let past = past(&fake);
    assert_eq!([&past["phase"], &past["reason"]], ["Skipped", "GateClosed"]);
    assert_eq!(past["result"], Value::Null, "it has found nothing");
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    nothing_is_left(&fake);
}

#[tokio::test]
async fn a_run_fails_at_once_if_its_gate_says_so() {
    let source = Source::of("0").await;
    let (fake, mut operator) = begin_gated(&source, &json!({"onClosed": "Fail"}));
    until(&fake, &mut operator, has_ended).await;
    assert_eq!(found(&fake), "Failed/Error/GateClosed");
    assert_eq!(status(&fake)["message"], CLOSED);
    assert_eq!(condition(&fake, "Succeeded"), "False/GateClosed");
    assert_eq!(condition(&fake, "RolledBack"), "Unknown/NotStarted");
    assert_eq!((pods_created(&fake), events(&fake, "RunFailed").len()), (0, 1));
}

#[tokio::test]
async fn a_run_that_waits_for_too_long_fails_and_its_message_has_what_was_read() {
    let source = Source::of("0").await;
    let (fake, mut operator) = begin_gated(&source, &json!({"timeoutSeconds": 60}));
    until(&fake, &mut operator, is_closed).await;
    age(&fake);
    source.set("0.7");
    source.known_to(&mut operator);
    until(&fake, &mut operator, has_ended).await;
    assert_eq!(found(&fake), "Failed/Error/GateClosed");
    let message = status(&fake)["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("the run has waited for ") && message.ends_with("read: 0.7"), "{message}");
    assert_eq!(pods_created(&fake), 0);
}

#[tokio::test]
async fn a_run_waits_for_ever_if_its_author_wants_that() {
    let source = Source::of("0").await;
    let (fake, mut operator) = begin_gated(&source, &json!({"timeoutSeconds": 0}));
    until(&fake, &mut operator, is_closed).await;
    age(&fake);
    for _ in 0..3 {
        operator.pass().await;
    }
    assert_eq!(found(&fake), "Blocked/none/GateClosed");
}

#[tokio::test]
async fn a_signal_that_cannot_be_read_closes_the_gate_unless_its_author_says_otherwise() {
    for (on_error, expected) in [("Closed", "Blocked"), ("Open", "Completed")] {
        let source = Source::of("NaN").await;
        let (fake, mut operator) = begin_gated(&source, &json!({"onError": on_error}));
        until(&fake, &mut operator, |fake| is_closed(fake) || pods_created(fake) == 1).await;
        settle(&fake, &mut operator, Some(0)).await;
        assert_eq!(status(&fake)["phase"], expected, "{on_error}");
        if expected == "Blocked" {
            let message = status(&fake)["message"].as_str().unwrap().to_owned();
            assert!(
                message.starts_with("gate slo is closed, since its signal cannot be read: "),
                "{message}"
            );
        }
    }
}

#[tokio::test]
async fn without_sources_the_message_says_what_is_missing() {
    let (fake, mut operator) = begin(&json!({"gates": gate(&json!({}))}));
    operator.pass().await;
    let message = status(&fake)["message"].as_str().unwrap().to_owned();
    assert!(is_closed(&fake) && message.contains("no source prom is configured"), "{message}");
}

#[tokio::test]
async fn a_source_that_never_answers_holds_up_no_other_experiment() {
    let source = Source::of("0").await;
    source.hang();
    let (fake, mut operator) = begin_gated(&source, &json!({}));
    let mut other = experiment(&json!({}));
    other["metadata"]["name"] = json!("other");
    other["metadata"]["uid"] = json!("00000000-0000-0000-0000-000000000001");
    fake.put(other);
    until(&fake, &mut operator, |_| source.asked() == 1).await;
    operator.experiment = "/apis/chaostoolkit.org/v1/namespaces/chaostoolkit-crd/chaosexperiments/other";
    for _ in 0..3 {
        operator.pass().await;
    }
    assert_eq!(pods_created(&fake), 1, "the one that asks nobody has started");
    operator.experiment = EXPERIMENT;
    operator.pass().await;
    assert_eq!((pods_created(&fake), source.asked(), operator.again), (1, 1, true));
}

#[tokio::test]
async fn a_run_of_a_schedule_waits_for_its_gate_until_it_is_late() {
    let source = Source::of("0").await;
    let (fake, mut operator) = begin_schedule(&json!({})).await;
    set(&fake, "gates", gate(&json!({"timeoutSeconds": 1})));
    settle(&fake, &mut operator, None).await;
    source.known_to(&mut operator);
    let job = fake.due(CRON_JOB);
    until(&fake, &mut operator, is_closed).await;
    assert!(is_held(&fake, &job));
    assert_eq!(status(&fake)["phase"], "Scheduled");
    let message = status(&fake)["message"].as_str().unwrap().to_owned();
    assert!(message.ends_with(&format!("waits: {CLOSED}")), "{message}");
    // While the signal is read again, nothing changes.
    source.known_to(&mut operator);
    let changes = fake.changes();
    operator.pass().await;
    assert_eq!((fake.changes(), operator.again), (changes, true));
    source.set("1");
    source.known_to(&mut operator);
    until(&fake, &mut operator, |fake| !is_held(fake, &job)).await;
    fake.start_job(&job);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(past(&fake)["reason"], "Passed");
    // The next one is late.
    source.set("0");
    source.known_to(&mut operator);
    let job = fake.due(CRON_JOB);
    until(&fake, &mut operator, is_closed).await;
    make_late(&fake, &job);
    until(&fake, &mut operator, |fake| fake.get(&job).is_none()).await;
    settle(&fake, &mut operator, Some(0)).await;
    let skipped = past(&fake);
    assert_eq!([&skipped["phase"], &skipped["reason"]], ["Skipped", "GateClosed"]);
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_run_of_a_schedule_is_skipped_at_once_if_its_gate_does_not_wait() {
    for on_closed in ["Skip", "Fail"] {
        let source = Source::of("0").await;
        let (fake, mut operator) = begin_schedule(&json!({})).await;
        set(&fake, "gates", gate(&json!({"onClosed": on_closed})));
        settle(&fake, &mut operator, None).await;
        source.known_to(&mut operator);
        let job = fake.due(CRON_JOB);
        until(&fake, &mut operator, |fake| fake.get(&job).is_none()).await;
        settle(&fake, &mut operator, Some(0)).await;
        let skipped = past(&fake);
        assert_eq!([&skipped["phase"], &skipped["reason"]], ["Skipped", "GateClosed"], "{on_closed}");
        assert_eq!((&skipped["message"], &status(&fake)["counters"]["skipped"]), (&json!(CLOSED), &json!(1)));
        end(&fake, &mut operator).await;
    }
}

/// Returns an experiment whose gate is the condition of a Job, in a cluster that names the author.
async fn begin_resource() -> (FakeApi, Operator) {
    let resource =
        json!({"apiVersion": "batch/v1", "kind": "Job", "name": "migration", "condition": "Complete"});
    let gates = json!([{"name": "migrated", "resource": resource}]);
    let (fake, mut operator) = begin(&json!({"gates": gates}));
    Source::of("0").await.known_to(&mut operator);
    (fake, operator)
}

fn migrate(fake: &FakeApi, status: &str) {
    let conditions = json!([{"type": "Complete", "status": status}]);
    fake.put(json!({"apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": "migration", "namespace": "chaostoolkit-run"}, "status": {"conditions": conditions}}));
}

#[tokio::test]
async fn a_condition_of_an_object_opens_a_gate() {
    let (fake, mut operator) = begin_resource().await;
    stamp_requests(&fake);
    stamp(&fake, "jane");
    operator.pass().await;
    let message = |fake: &FakeApi| status(fake)["message"].as_str().unwrap().to_owned();
    assert!(message(&fake).ends_with("Job migration does not exist"), "{}", message(&fake));
    migrate(&fake, "False");
    operator.pass().await;
    assert_eq!(message(&fake), "gate migrated is closed: expected Complete=True; read: Complete is False");
    migrate(&fake, "True");
    operator.pass().await;
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    let asked = fake.reviews();
    assert!(asked.contains(&"jane get jobs/migration chaostoolkit-run".to_owned()), "{asked:?}");
}

#[tokio::test]
async fn a_condition_is_only_read_for_an_author_who_may_read_it() {
    for is_known in [true, false] {
        let (fake, mut operator) = begin_resource().await;
        migrate(&fake, "True");
        if is_known {
            stamp_requests(&fake);
            stamp(&fake, "jane");
            fake.forbid(&["get jobs/migration chaostoolkit-run"]);
        }
        operator.pass().await;
        let message = status(&fake)["message"].as_str().unwrap().to_owned();
        let expected = if is_known {
            "the author of the run may not get jobs.batch"
        } else {
            "it is not known who asked"
        };
        assert!(is_closed(&fake) && message.contains(expected), "{message}");
        let read = fake.calls().iter().filter(|call| call.path.ends_with("/jobs/migration")).count();
        assert_eq!((read, pods_created(&fake)), (0, 0));
    }
}

/// Adds another experiment whose gate waits for the end of this one.
fn put_other(fake: &FakeApi, name: &str, waits_for: Option<&str>, status: &Value) {
    let gates = waits_for.map(|other| json!([{"name": "after", "experiment": {"name": other}}]));
    let mut other = experiment(&json!({"gates": gates}));
    other["metadata"]["name"] = json!(name);
    other["metadata"]["uid"] = json!(format!("00000000-0000-0000-0000-0000000000{}", name.len()));
    other["status"] = status.clone();
    fake.put(other);
}

#[tokio::test]
async fn experiments_run_in_a_row() {
    let gates =
        json!([{"name": "after", "experiment": {"name": "first", "outcome": ["Passed", "Deviated"]}}]);
    let (fake, mut operator) = begin(&json!({"gates": gates}));
    let message = |fake: &FakeApi| status(fake)["message"].as_str().unwrap().to_owned();
    operator.pass().await;
    assert!(is_closed(&fake) && message(&fake).ends_with("the experiment first does not exist"));
    put_other(&fake, "first", None, &json!({"phase": "Running"}));
    operator.pass().await;
    assert!(message(&fake).ends_with("first has no result yet (phase Running)"), "{}", message(&fake));
    put_other(&fake, "first", None, &json!({"phase": "Completed", "result": "Inconclusive"}));
    operator.pass().await;
    assert!(is_closed(&fake));
    put_other(&fake, "first", None, &json!({"phase": "Completed", "result": "Deviated"}));
    operator.pass().await;
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
}

#[tokio::test]
async fn experiments_that_wait_for_each_other_are_refused_with_their_circle() {
    let fake = cluster_for_runs();
    put_other(&fake, "a", Some("bb"), &json!({}));
    put_other(&fake, "bb", Some("exp"), &json!({}));
    let gates = json!([{"name": "after", "experiment": {"name": "a"}}]);
    let (fake, mut operator) = begin_in(fake, &json!({"gates": gates}));
    for _ in 0..2 {
        operator.pass().await;
        assert_eq!(found(&fake), "Failed/none/InvalidSpec");
        let message = status(&fake)["message"].as_str().unwrap().to_owned();
        assert!(message.starts_with("spec.gates: ") && message.ends_with("exp → a → bb → exp"), "{message}");
    }
    put_other(&fake, "bb", None, &json!({"phase": "Completed", "result": "Passed"}));
    operator.pass().await;
    assert_eq!(found(&fake), "Blocked/none/GateClosed", "it waits for one that waits for nobody here");
}
