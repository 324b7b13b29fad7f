use super::*;
use What::{Finished, RollbacksMissing, Started};
use rstest::rstest;
use serde_json::{Value, json};

fn merged(mut whole: Value, more: &Value) -> Value {
    whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    whole
}

fn run(more: &Value) -> Value {
    merged(json!({"number": 1, "podName": "p", "trigger": "Created"}), more)
}

/// A run that goes on in its pod.
fn goes_on() -> Value {
    run(&json!({"podUid": "u", "startedAt": "2026-01-01T00:00:09Z"}))
}

/// A run that has ended, with its rollbacks in this state.
fn over(rollbacks: &str) -> Value {
    let more = json!({"exitCode": 1, "finishedAt": "2026-01-01T00:01:09Z",
        "rollbacks": {"state": rollbacks, "strategy": "always", "total": 1, "failed": 0}});
    merged(goes_on(), &more)
}

fn running() -> Value {
    json!({"phase": "Running", "run": goes_on()})
}

fn ended(outcome: &str, run: &Value) -> Value {
    let finished = json!({"type": "Finished", "status": "True", "reason": "Something", "message": "it is over",
        "lastTransitionTime": "2026-01-01T00:01:09Z"});
    json!({"phase": "Completed", "outcome": outcome, "run": run, "conditions": [finished]})
}

/// An end in which this pod was to play the rollbacks.
fn rescued(state: Option<&str>) -> Value {
    let finished = state.map(|_| "2026-01-01T00:02:09Z");
    let rollbacks = state.map(|state| json!({"state": state, "total": 1, "failed": 0}));
    let rescue = json!({"podName": "r", "finishedAt": finished, "rollbacks": rollbacks});
    ended("Interrupted", &merged(over("NotPlayed"), &json!({"rescue": rescue})))
}

fn skipped() -> Value {
    merged(ended("Unknown", &run(&json!({}))), &json!({"phase": "Skipped"}))
}

fn adopted() -> Value {
    let mut status = ended("Unknown", &over("Unknown"));
    status["conditions"][0]["reason"] = json!("Adopted");
    status
}

/// A schedule with these runs in its history.
fn schedule(history: &[Value]) -> Value {
    json!({"phase": "Scheduled", "schedule": {"cron": "* * * * *"}, "history": history})
}

fn past(job: &str, rollbacks: &str) -> Value {
    let more = json!({"jobName": job, "phase": "Completed", "outcome": "Interrupted", "reason": "Something"});
    merged(over(rollbacks), &more)
}

fn past_skipped() -> Value {
    let more = json!({"jobName": "j", "phase": "Skipped", "outcome": "Unknown", "reason": "Frozen"});
    merged(run(&json!({})), &more)
}

#[rstest]
#[case::planned(json!({}), json!({"phase": "Pending", "run": run(&json!({}))}), &[])]
#[case::container_starts(json!({"phase": "Starting", "run": run(&json!({"podUid": "u"}))}), running(), &[Started])]
#[case::goes_on(running(), running(), &[])]
#[case::another_run(ended("Passed", &over("Played")),
    json!({"phase": "Running", "run": merged(goes_on(), &json!({"podUid": "v"}))}), &[Started])]
#[case::ends(running(), ended("Passed", &over("Played")), &[Finished])]
#[case::nobody_saw_it_begin(json!({"phase": "Starting", "run": run(&json!({"podUid": "u"}))}), ended("Passed", &over("Played")),
    &[Started, Finished])]
#[case::never_started(json!({"phase": "Starting", "run": run(&json!({}))}), ended("Error", &run(&json!({"finishedAt": "2026-01-01T00:01:09Z"}))),
    &[Finished])]
#[case::ends_without_rollbacks(running(), ended("Interrupted", &over("NotPlayed")), &[Finished, RollbacksMissing])]
#[case::they_were_not_wanted(running(), ended("BaselineNotMet", &over("NotPlayed")), &[Finished])]
#[case::rescue_begins(running(), rescued(None), &[Finished])]
#[case::rescue_plays_them(rescued(None), rescued(Some("Played")), &[])]
#[case::rescue_fails(rescued(None), rescued(Some("Failed")), &[RollbacksMissing])]
#[case::was_told(ended("Interrupted", &over("NotPlayed")), ended("Interrupted", &over("NotPlayed")), &[])]
#[case::is_skipped(json!({"phase": "Blocked"}), skipped(), &[])]
#[case::is_adopted(json!({}), adopted(), &[])]
#[case::is_deleted(ended("Passed", &over("Played")), merged(ended("Passed", &over("Played")), &json!({"phase": "Terminating"})), &[])]
#[case::run_of_schedule_starts(schedule(&[]), merged(schedule(&[]), &json!({"run": goes_on()})), &[Started])]
#[case::run_of_schedule_ends(merged(schedule(&[]), &json!({"run": goes_on()})), schedule(&[past("j", "Played")]), &[Finished])]
#[case::two_runs_end(schedule(&[]), schedule(&[past("k", "NotPlayed"), past("j", "Played")]),
    &[Started, Finished, Started, Finished, RollbacksMissing])]
#[case::a_tick_is_skipped(schedule(&[]), schedule(&[past_skipped()]), &[])]
fn others_are_told_of_what_was_recorded(#[case] old: Value, #[case] new: Value, #[case] expected: &[What]) {
    let experiment: Experiment = serde_json::from_value(
        json!({"metadata": {"name": "e", "namespace": "n", "uid": "x"}, "spec": {"rescue": false}}),
    )
    .unwrap();
    let [old, new] = [old, new].map(|status| serde_json::from_value::<Status>(status).unwrap());
    let intent = Intent::of(&experiment);
    let found: Vec<What> =
        told(&experiment, (&old, &new), &intent).into_iter().map(|told| told.what).collect();
    assert_eq!(found, expected);
    let again = told(&experiment, (&new, &new), &intent);
    assert!(again.is_empty(), "what is written once more is not told once more: {again:?}");
}

#[rstest]
#[case::forbidden(true, &over("NotPlayed"), &[RollbacksMissing])]
#[case::not_edited(false, &over("NotPlayed"), &[])]
#[case::played(true, &over("Played"), &[])]
#[case::tried(true, &over("Failed"), &[])]
fn an_edit_that_forbids_a_rescue_before_it_begins_leaves_rollbacks_missing(
    #[case] is_edited: bool,
    #[case] run: &Value,
    #[case] expected: &[What],
) {
    let experiment: Experiment =
        serde_json::from_value(json!({"metadata": {"name": "e"}, "spec": {"rescue": false}})).unwrap();
    let [old, new] = [1, if is_edited { 2 } else { 1 }].map(|generation| {
        let status = merged(ended("Interrupted", run), &json!({"observedGeneration": generation}));
        serde_json::from_value::<Status>(status).unwrap()
    });
    let found = told(&experiment, (&old, &new), &Intent::of(&experiment));
    assert_eq!(found.iter().map(|told| told.what).collect::<Vec<_>>(), expected);
}

#[test]
fn what_a_rescue_may_still_play_is_not_missing() {
    let experiment: Experiment =
        serde_json::from_value(json!({"metadata": {"name": "e"}, "spec": {"rescue": true}})).unwrap();
    let [old, new] = [running(), ended("Interrupted", &over("NotPlayed"))]
        .map(|status| serde_json::from_value::<Status>(status).unwrap());
    let found = told(&experiment, (&old, &new), &Intent::of(&experiment));
    assert_eq!(found.iter().map(|told| told.what).collect::<Vec<_>>(), [Finished]);
}
