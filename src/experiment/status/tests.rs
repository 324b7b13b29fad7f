use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use k8s_openapi::jiff::Timestamp;

use super::*;
use crate::experiment::build;
use crate::experiment::decide::plan::{self, Facts};
use crate::experiment::decide::templates::tests::shipped;
use crate::experiment::intent::Intent;
use crate::experiment::judge::evidence::Evidence;
use crate::experiment::judge::pod_state::End;
use chaostoolkit_api::condition::{self, Type};
use chaostoolkit_api::{
    Counters, Experiment, JournalRef, Outcome, Phase, RunResult, ScheduleStatus, Spec, Status, Warning,
};
use chaostoolkit_journal::Summary;
use chaostoolkit_journal::message::{self, Message};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn pod(number: usize) -> Pod {
    let (name, uid) = (format!("pod-{number}"), format!("uid-{number}"));
    Pod {
        metadata: ObjectMeta { name: Some(name), uid: Some(uid), ..ObjectMeta::default() },
        ..Pod::default()
    }
}

fn end(exit_code: i32) -> End {
    End { exit_code: Some(exit_code), finished_at: Some(Time(at(60))), ..End::default() }
}

/// Runs of these exit codes end, as a pass records them: those that the history knows are not recorded again.
fn next(experiment: &Experiment, now: i64, codes: &[i32]) -> Experiment {
    let mut draft = Draft::of(experiment, at(now));
    draft.scheduled(ScheduleStatus { cron: "* * * * *".into(), ..ScheduleStatus::default() }, false, 0);
    for (number, code) in codes.iter().enumerate() {
        if draft.past_run(&pod(number)).is_none() {
            draft.run_ended(&pod(number), &end(*code), &Evidence::default(), &Intent::default());
        }
    }
    Experiment { status: Some(draft.status), ..experiment.clone() }
}

#[test]
fn the_same_pass_over_the_same_world_makes_the_same_status() {
    let once = next(&Experiment::default(), 100, &[1, 1, 1]);
    assert_eq!(next(&once, 200, &[1, 1, 1]).status, once.status);
}

#[test]
fn runs_are_counted_and_the_last_ones_kept() {
    let codes: Vec<i32> = (0..20).map(|number| i32::from(number < 5)).collect();
    let status = next(&Experiment::default(), 100, &codes).status.unwrap();
    assert_eq!(status.counters, Some(Counters { runs: 20, failed: 5, ..Counters::default() }));
    let numbers: Vec<i32> = status.history.iter().map(|past| past.run.number).collect();
    assert_eq!(numbers, (11..=20).rev().collect::<Vec<_>>());
}

/// A run whose journal is still to come has its pod held: out of the history, it would be recorded a second time.
#[test]
fn the_history_keeps_what_is_still_held() {
    let mut experiment = next(&Experiment::default(), 100, &[0]);
    let due = Some(JournalRef { sha256: "f".into(), ..JournalRef::default() });
    experiment.status.as_mut().unwrap().history[0].run.journal = due;
    let status = next(&experiment, 200, &[0; 20]).status.unwrap();
    assert_eq!(status.counters.unwrap().runs, 20);
    assert_eq!(status.history.len(), MAX_HISTORY);
    assert_eq!(status.history.last().unwrap().run.number, 1);
}

#[test]
fn deleting_is_no_edit_of_the_spec() {
    let mut experiment = Experiment::default();
    experiment.metadata.generation = Some(2);
    experiment.status = Some(Status { observed_generation: Some(1), ..Status::default() });
    assert_eq!(Draft::of(&experiment, at(1)).status.observed_generation, Some(2));
    experiment.metadata.deletion_timestamp = Some(Time(at(1)));
    assert_eq!(Draft::of(&experiment, at(1)).status.observed_generation, Some(1));
}

#[test]
fn what_the_last_run_of_a_schedule_found_stays_when_the_schedule_is_looked_at_again() {
    let mut experiment: Experiment = serde_json::from_value(serde_json::json!({
        "apiVersion": "chaostoolkit.org/v1", "kind": "ChaosToolkitExperiment", "metadata": {"name": "exp", "uid": "u"},
        "spec": {"schedule": {"kind": "cronJob", "value": "* * * * *"}},
    }))
    .unwrap();
    let parsed = Spec::parse(experiment.spec.as_ref()).unwrap();
    let plan = plan::plan(&experiment, &parsed, &Facts::default()).unwrap();
    let resources = build::build(&plan, &shipped()).unwrap();
    let looked_at = |experiment: &Experiment| {
        let mut draft = Draft::of(experiment, at(100));
        draft.planned(&plan, &resources);
        Experiment { status: Some(draft.status), ..experiment.clone() }
    };
    experiment = looked_at(&experiment);
    assert_eq!(experiment.status.as_ref().unwrap().outcome, Some(Outcome::Unknown), "none has ended yet");
    experiment.status.as_mut().unwrap().outcome = Some(Outcome::Deviated);
    assert_eq!(looked_at(&experiment).status.unwrap().outcome, Some(Outcome::Deviated));
}

#[test]
fn a_run_has_a_result_once_it_has_ended_and_takes_it_along_to_the_history() {
    let experiment: Experiment = serde_json::from_value(serde_json::json!({
        "apiVersion": "chaostoolkit.org/v1", "kind": "ChaosToolkitExperiment", "metadata": {"name": "exp", "uid": "u"},
    }))
    .unwrap();
    let plan = plan::plan(&experiment, &Spec::parse(None).unwrap(), &Facts::default()).unwrap();
    let resources = build::build(&plan, &shipped()).unwrap();
    let mut draft = Draft::of(&experiment, at(100));
    draft.planned(&plan, &resources);
    assert_eq!((draft.status.outcome, draft.status.result), (Some(Outcome::Unknown), None));
    let summary =
        Summary { outcome: Outcome::Passed, warnings: vec![Warning::ActivityFailed], ..Summary::default() };
    let message = Message { exit_code: Some(0), ..Message::new(message::State::Ended) };
    let evidence = Evidence { message: Some(message), summary: Some(summary), ..Evidence::default() };
    draft.ended(&End { has_runner: true, ..end(0) }, &evidence, &Intent::default());
    assert_eq!(draft.status.result, Some(RunResult::Inconclusive));
    let succeeded = condition::find(&draft.status.conditions, Type::Succeeded).unwrap();
    assert_eq!((succeeded.status.as_str(), succeeded.reason.as_str()), ("Unknown", "Inconclusive"));
    draft.rerun(&Intent::default());
    assert_eq!((draft.status.outcome, draft.status.result), (Some(Outcome::Unknown), None));
    let past = &draft.status.history[0];
    assert_eq!((past.outcome, past.result), (Outcome::Passed, Some(RunResult::Inconclusive)));
    assert_eq!(
        past.message.as_deref(),
        Some("the steady state held; 1 of 0 activities of the method failed"),
        "the message of its end"
    );
}

#[test]
fn each_run_of_a_schedule_has_its_result_in_the_history() {
    let status = next(&Experiment::default(), 100, &[0, 1]).status.unwrap();
    assert_eq!(status.result, Some(RunResult::Unknown));
    assert!(status.history.iter().all(|past| past.result == Some(RunResult::Unknown)));
}

/// Ends the run of a schedule, whose history then has the end.
fn ended_run(code: i32, message: Message, summary: Option<Summary>) -> (Status, Vec<String>) {
    let message = Message { exit_code: Some(code), ..message };
    let evidence = Evidence { message: Some(message), summary, ..Evidence::default() };
    let mut draft = Draft::of(&Experiment::default(), at(100));
    let end = End { has_runner: true, ..end(code) };
    draft.run_ended(&pod(1), &end, &evidence, &Intent::default());
    let old = Status { schedule: Some(ScheduleStatus::default()), ..Status::default() };
    let events = events::transitions(&old, &draft.status, false);
    let events = events.into_iter().filter(|event| event.action == "RecordOutcome");
    let told = events.map(|event| format!("{:?} {}", event.type_, event.reason)).collect();
    (draft.status, told)
}

#[test]
fn a_subcommand_that_succeeds_is_not_counted_as_failed() {
    let subcommand = Message { subcommand: Some("validate".into()), ..Message::new(message::State::Ended) };
    let (status, told) = ended_run(0, subcommand.clone(), None);
    assert_eq!(status.counters, Some(Counters { runs: 1, ..Counters::default() }));
    assert_eq!((status.history[0].phase, status.result), (Phase::Completed, Some(RunResult::Unknown)));
    assert_eq!(told, ["Normal SubcommandCompleted"]);
    let (status, told) = ended_run(1, subcommand, None);
    assert_eq!(status.counters, Some(Counters { runs: 1, failed: 1, ..Counters::default() }));
    assert_eq!(told, ["Warning RunFailed"]);
    let message = status.history[0].message.as_deref();
    assert_eq!(
        message,
        Some("chaos validate failed with exit code 1"),
        "nothing else has it with a schedule"
    );
}

#[test]
fn a_toolkit_that_crashed_has_failed_and_was_not_stopped() {
    let summary = Summary { outcome: Outcome::Aborted, ..Summary::default() };
    let (status, told) = ended_run(1, Message::new(message::State::Ended), Some(summary));
    assert_eq!((status.history[0].phase, status.outcome), (Phase::Failed, Some(Outcome::Aborted)));
    assert_eq!(status.counters, Some(Counters { runs: 1, failed: 1, ..Counters::default() }));
    assert_eq!(told, ["Warning RunFailed"]);
}
