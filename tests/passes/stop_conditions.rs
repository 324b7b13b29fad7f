//! Stop conditions: a run is stopped once one is met.

use super::control::{condition, deletions, found, interrupted, set};
use super::jobs::{end, events, past};
use super::sources::{Source, signal, until};
use super::*;

fn conditions() -> Value {
    json!([{"name": "slo", "prometheus": signal()}])
}

/// Returns a run that is watched, and an operator that may ask the source.
async fn begin_watched(source: &Source) -> (FakeApi, Operator) {
    let (fake, mut operator) = begin(&json!({"stopConditions": conditions()}));
    source.known_to(&mut operator);
    settle(&fake, &mut operator, None).await;
    assert_eq!(fake.get(POD).unwrap()["status"]["phase"], "Running");
    (fake, operator)
}

fn is_stopping(fake: &FakeApi) -> bool {
    status(fake)["phase"] == "Aborting"
}

const MET: &str = "stop condition slo is met: expected >= 1; read: 0.4";

#[tokio::test]
async fn a_condition_that_is_met_stops_the_run_once_and_the_status_says_so_and_what_was_rolled_back() {
    let source = Source::of("0.4").await;
    let (fake, mut operator) = begin_watched(&source).await;
    until(&fake, &mut operator, is_stopping).await;
    assert_eq!(found(&fake), "Aborting/Unknown/StopConditionMet");
    assert_eq!(status(&fake)["message"], MET);
    // It holds again, and the run ends all the same.
    source.set("1");
    let changes = fake.changes();
    operator.pass().await;
    assert_eq!((deletions(&fake, POD), fake.changes(), source.asked()), (1, changes, 1));
    fake.end(POD, 1, Some(&interrupted()));
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Aborted/Interrupted/StopConditionMet");
    assert_eq!(status(&fake)["message"], MET);
    assert_eq!(condition(&fake, "RolledBack"), "True/RollbacksPlayed");
    let stop = status(&fake)["run"]["stop"].clone();
    assert_eq!((&stop["reason"], &stop["message"]), (&json!("StopConditionMet"), &json!(MET)));
    assert!(stop["freeze"].is_null() && !stop["at"].is_null(), "{stop}");
    assert_eq!((events(&fake, "StopConditionMet").len(), pods_created(&fake)), (1, 1));
}

#[tokio::test]
async fn a_run_whose_conditions_hold_goes_on_to_its_end_and_is_forgotten() {
    let source = Source::of("1").await;
    let (fake, mut operator) = begin_watched(&source).await;
    let uid = fake.get(POD).unwrap()["metadata"]["uid"].as_str().unwrap().to_owned();
    until(&fake, &mut operator, |_| source.asked() == 1).await;
    assert!(operator.context.watches.has(&uid));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
    assert!(!operator.context.watches.has(&uid));
}

#[tokio::test]
async fn nobody_is_asked_before_the_container_runs() {
    let source = Source::of("0.4").await;
    let (fake, mut operator) = begin(&json!({"stopConditions": conditions()}));
    source.known_to(&mut operator);
    until(&fake, &mut operator, |fake| status(fake)["phase"] == "Starting").await;
    for _ in 0..3 {
        operator.pass().await;
    }
    let uid = fake.get(POD).unwrap()["metadata"]["uid"].as_str().unwrap().to_owned();
    assert!(!operator.context.watches.has(&uid) && source.asked() == 0);
}

#[tokio::test]
async fn a_restarted_operator_goes_on_to_watch() {
    let source = Source::of("1").await;
    let (fake, mut first) = begin_watched(&source).await;
    until(&fake, &mut first, |_| source.asked() == 1).await;
    drop(first);
    source.set("0.4");
    let mut operator = Operator::new(&fake, Hangs::Crash);
    source.known_to(&mut operator);
    until(&fake, &mut operator, is_stopping).await;
    assert_eq!(status(&fake)["reason"], "StopConditionMet");
}

#[tokio::test]
async fn a_source_that_never_answers_neither_stops_a_run_nor_holds_up_its_end() {
    let source = Source::of("0.4").await;
    source.hang();
    let (fake, mut operator) = begin_watched(&source).await;
    until(&fake, &mut operator, |_| source.asked() == 1).await;
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(found(&fake), "Completed/Passed/Passed");
}

#[tokio::test]
async fn an_edit_during_the_run_counts_unless_it_cannot_be_read() {
    let source = Source::of("0.4").await;
    let (fake, mut operator) = begin(&json!({}));
    source.known_to(&mut operator);
    settle(&fake, &mut operator, None).await;
    let invalid = json!({"source": "prom", "query": "slo", "expect": "good"});
    set(&fake, "stopConditions", json!([{"name": "slo", "prometheus": invalid}]));
    settle(&fake, &mut operator, None).await;
    assert_eq!((found(&fake).as_str(), source.asked()), ("Running/Unknown/Running", 0));
    set(&fake, "stopConditions", conditions());
    until(&fake, &mut operator, is_stopping).await;
    assert_eq!(events(&fake, "SpecChangeIgnored").len(), 0);
}

#[tokio::test]
async fn conditions_that_are_taken_back_stop_nothing() {
    let source = Source::of("1").await;
    let (fake, mut operator) = begin_watched(&source).await;
    fake.edit(EXPERIMENT, |experiment| {
        experiment["spec"].as_object_mut().unwrap().remove("stopConditions");
    });
    settle(&fake, &mut operator, None).await;
    let uid = fake.get(POD).unwrap()["metadata"]["uid"].as_str().unwrap().to_owned();
    assert!(!operator.context.watches.has(&uid));
}

#[tokio::test]
async fn an_abort_by_the_author_goes_before_a_condition() {
    let source = Source::of("0.4").await;
    let (fake, mut operator) = begin(&json!({"stopConditions": conditions()}));
    settle(&fake, &mut operator, None).await;
    source.known_to(&mut operator);
    set(&fake, "abort", json!(true));
    operator.pass().await;
    fake.end(POD, 1, Some(&interrupted()));
    settle(&fake, &mut operator, None).await;
    assert_eq!((found(&fake).as_str(), source.asked()), ("Aborted/Interrupted/AbortRequested", 0));
}

#[tokio::test]
async fn a_condition_that_is_met_stops_the_run_of_a_schedule() {
    let source = Source::of("1").await;
    let mut spec = schedule::spec();
    spec["stopConditions"] = conditions();
    let (fake, mut operator) = begin(&spec);
    source.known_to(&mut operator);
    settle(&fake, &mut operator, None).await;
    source.set("0.4");
    let pod = schedule::tick(&fake, &mut operator).await;
    settle(&fake, &mut operator, None).await;
    until(&fake, &mut operator, |fake| deletions(fake, &pod) == 1).await;
    assert_eq!(status(&fake)["schedule"]["stopped"][0]["reason"], "StopConditionMet");
    operator.pass().await;
    assert_eq!(deletions(&fake, &pod), 1, "once");
    fake.end(&pod, 1, Some(&interrupted()));
    settle(&fake, &mut operator, None).await;
    let stopped = past(&fake);
    assert_eq!([&stopped["phase"], &stopped["reason"]], ["Aborted", "StopConditionMet"]);
    assert_eq!((&stopped["message"], &stopped["stop"]["message"]), (&json!(MET), &json!(MET)));
    assert_eq!(status(&fake)["schedule"]["stopped"], Value::Null, "its run is recorded");
    end(&fake, &mut operator).await;
}

#[tokio::test]
async fn a_mistake_is_found_before_the_run() {
    let mut wrong = conditions();
    wrong[0]["intervalSeconds"] = json!(1);
    let (fake, mut operator) = begin(&json!({"stopConditions": wrong}));
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Failed/none/InvalidSpec");
    let message = status(&fake)["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("spec.stopConditions[0].intervalSeconds: "), "{message}");
}
