//! Whether a run that is waited for has ended.

use super::*;
use rstest::rstest;
use serde_json::{Value, json};

const TIME: &str = "2026-01-01T00:00:00Z";

fn experiment(spec: &Value, status: &Value) -> Experiment {
    let metadata = json!({"name": "x", "namespace": "n", "generation": 1});
    serde_json::from_value(json!({"metadata": metadata, "spec": spec, "status": status})).unwrap()
}

/// Returns the phase of what goes on, the exit code of what has ended, or the reason of what is stuck.
fn word(experiment: &Experiment, goal: &Goal) -> String {
    match seen(experiment, goal) {
        Seen::Going(going) => going.word,
        Seen::Ended(ended) => ended.code.number().to_string(),
        Seen::Stuck { reason, .. } => format!("stuck: {reason}"),
    }
}

fn ended_run() -> Value {
    json!({"number": 1, "podName": "p", "podUid": "u", "startedAt": TIME, "finishedAt": TIME,
        "rollbacks": {"state": "NotPlayed", "strategy": "always", "total": 1, "failed": 0}})
}

fn condition(type_: &str, status: &str, reason: &str) -> Value {
    json!({"type": type_, "status": status, "reason": reason, "message": "m", "lastTransitionTime": TIME})
}

#[rstest]
#[case::nobody_has_looked(json!({}), json!({}), "Pending")]
#[case::runs(json!({}), json!({"observedGeneration": 1, "phase": "Running", "run": {"number": 1, "podName": "p"}}), "Running")]
#[case::waits_for_something(json!({}), json!({"observedGeneration": 1, "phase": "Blocked"}), "Blocked")]
#[case::has_ended(json!({}), json!({"observedGeneration": 1, "phase": "Completed", "outcome": "Deviated",
    "run": {"number": 1, "podName": "p", "finishedAt": TIME}}), "10")]
#[case::suspended(json!({"suspend": true}), json!({"observedGeneration": 1, "phase": "Suspended", "reason": "Suspended"}), "stuck: Suspended")]
#[case::restored(json!({}), json!({"observedGeneration": 1, "phase": "Suspended", "reason": "Restored"}), "stuck: Restored")]
#[case::may_not(json!({}), json!({"observedGeneration": 1, "phase": "Blocked",
    "conditions": [condition("Permitted", "False", "AuthorForbidden")]}), "stuck: AuthorForbidden")]
#[case::not_understood(json!({}), json!({"observedGeneration": 1, "phase": "Failed",
    "conditions": [condition("Finished", "True", "InvalidSpec")]}), "14")]
#[case::an_edit_was_not_seen(json!({}), json!({"observedGeneration": 0, "phase": "Failed",
    "conditions": [condition("Finished", "True", "InvalidSpec")]}), "Failed")]
fn a_run_is_waited_for(#[case] spec: Value, #[case] status: Value, #[case] expected: &str) {
    assert_eq!(word(&experiment(&spec, &status), &Goal::Run), expected);
}

#[test]
fn a_rescue_is_waited_for_also_before_it_has_begun() {
    let mut status =
        json!({"observedGeneration": 1, "phase": "Aborted", "outcome": "Interrupted", "run": ended_run()});
    assert_eq!(word(&experiment(&json!({}), &status), &Goal::Run), "18");
    let rescued = json!({"rescue": true});
    assert_eq!(word(&experiment(&rescued, &status), &Goal::Run), "Rescue");
    status["run"]["rescue"] = json!({"podName": "r"});
    assert_eq!(word(&experiment(&rescued, &status), &Goal::Run), "Rescue");
    status["run"]["rescue"]["finishedAt"] = TIME.into();
    assert_eq!(word(&experiment(&rescued, &status), &Goal::Run), "18");
}

#[test]
fn the_end_of_the_run_before_is_not_that_of_a_rerun() {
    let status = |rerun: &str| {
        json!({"observedGeneration": 1, "phase": "Completed", "outcome": "Passed", "rerun": rerun,
        "run": {"number": 1, "podName": "p", "finishedAt": TIME}})
    };
    let mut asked = experiment(&json!({}), &status("1"));
    asked.metadata.annotations = Some([("chaostoolkit.org/rerun".to_owned(), "2".to_owned())].into());
    assert_eq!(word(&asked, &Goal::Run), "Pending");
    asked.status = experiment(&json!({}), &status("2")).status;
    assert_eq!(word(&asked, &Goal::Run), "0");
}

fn scheduled(history: &Value, more: &Value) -> Experiment {
    let mut status = json!({"observedGeneration": 1, "phase": "Scheduled", "runNamespace": "run", "history": history,
        "schedule": {"cron": "@daily", "nextScheduleTime": TIME}});
    for (key, value) in more.as_object().unwrap() {
        status[key] = value.clone();
    }
    experiment(&json!({"schedule": {"kind": "cronJob", "value": "@daily"}}), &status)
}

fn past(number: i32, outcome: &str, trigger: &str) -> Value {
    json!({"number": number, "podName": "p", "finishedAt": TIME, "phase": "Completed", "outcome": outcome,
        "result": outcome, "reason": outcome, "trigger": trigger})
}

#[test]
fn of_a_schedule_the_next_run_counts() {
    let before =
        scheduled(&json!([past(2, "Passed", "Schedule"), past(1, "Deviated", "Schedule")]), &json!({}));
    let goal = goal(&before, None);
    assert_eq!(goal, Goal::Scheduled { after: 2, skipped: vec![], trigger: None });
    assert_eq!(word(&before, &goal), "Scheduled");
    let after = json!([
        past(4, "Passed", "Schedule"),
        past(3, "Deviated", "Schedule"),
        past(2, "Passed", "Schedule")
    ]);
    assert_eq!(word(&scheduled(&after, &json!({})), &goal), "10", "the first one after");
}

#[test]
fn of_a_rerun_of_a_schedule_only_reruns_count() {
    let goal = Goal::Scheduled { after: 2, skipped: vec![], trigger: Some(Trigger::Rerun) };
    let other = json!([past(3, "Deviated", "Schedule")]);
    assert_eq!(word(&scheduled(&other, &json!({})), &goal), "Scheduled");
    let both = json!([past(4, "Passed", "Rerun"), past(3, "Deviated", "Schedule")]);
    assert_eq!(word(&scheduled(&both, &json!({})), &goal), "0");
}

#[test]
fn a_run_that_was_skipped_ends_the_wait() {
    let skipped = |job: &str| {
        json!({"number": 0, "jobName": job, "podName": "", "phase": "Skipped", "outcome": "Unknown",
        "reason": "AuthorForbidden", "message": "may not"})
    };
    let before = scheduled(&json!([skipped("a")]), &json!({}));
    let goal = goal(&before, None);
    assert_eq!(word(&before, &goal), "Scheduled");
    assert_eq!(word(&scheduled(&json!([skipped("b"), skipped("a")]), &json!({})), &goal), "19");
}

#[test]
fn a_suspended_schedule_is_stuck_unless_a_run_goes_on() {
    let goal = Goal::Scheduled { after: 0, skipped: vec![], trigger: None };
    let still = json!({"phase": "Suspended", "reason": "Suspended"});
    assert_eq!(word(&scheduled(&json!([]), &still), &goal), "stuck: Suspended");
    let running = json!({"phase": "Suspended", "schedule": {"cron": "@daily", "active": ["p"]}});
    let Seen::Going(going) = seen(&scheduled(&json!([]), &running), &goal) else { panic!("it goes on") };
    assert_eq!(going.pod, Some(PodAddress { namespace: "run".to_owned(), name: "p".to_owned() }));
}
