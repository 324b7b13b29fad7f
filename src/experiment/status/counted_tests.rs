use super::*;
use chaostoolkit_journal::RollbackState;
use rstest::rstest;
use serde_json::{Value, json};

fn status(value: Value) -> Status {
    serde_json::from_value(value).unwrap()
}

fn run(more: Value) -> Value {
    let mut run =
        json!({"number": 1, "podName": "p", "trigger": "Rerun", "requestedAt": "2026-01-01T00:00:00Z"});
    for (key, value) in more.as_object().unwrap() {
        run[key] = value.clone();
    }
    run
}

fn in_run(more: Value) -> Value {
    json!({"phase": "Running", "run": run(more)})
}

fn ended() -> Value {
    let mut status = in_run(json!({"podUid": "u", "startedAt": "2026-01-01T00:00:09Z",
        "finishedAt": "2026-01-01T00:01:09Z", "durationSeconds": 60,
        "rollbacks": {"state": "Played", "total": 1, "failed": 0}}));
    status["phase"] = json!("Completed");
    status["outcome"] = json!("Deviated");
    status["conditions"] = json!([{"type": "Finished", "status": "True", "reason": "Deviated", "message": "",
        "lastTransitionTime": "2026-01-01T00:01:09Z"}]);
    status
}

fn the_end() -> Counted {
    Counted::Ended(End {
        phase: Some(Phase::Completed),
        outcome: Outcome::Deviated,
        trigger: Trigger::Rerun,
        reason: Some(Reason::Deviated),
        duration: Some(Duration::from_secs(60)),
        rollbacks: Some(RollbackState::Played),
    })
}

fn took(seconds: u64) -> Counted {
    Counted::StartTook(Trigger::Rerun, Duration::from_secs(seconds))
}

#[rstest]
#[case::planned(json!({}), in_run(json!({})), vec![])]
#[case::created(in_run(json!({})), in_run(json!({"podUid": "u"})), vec![Counted::Started(Trigger::Rerun)])]
#[case::begun(
    in_run(json!({"podUid": "u"})),
    in_run(json!({"podUid": "u", "startedAt": "2026-01-01T00:00:09Z"})),
    vec![took(9)]
)]
#[case::held_before(
    in_run(json!({"podUid": "u"})),
    in_run(json!({"podUid": "u", "startedAt": "2026-01-01T00:00:09Z", "heldSeconds": 7})),
    vec![took(2)]
)]
#[case::begun_before_it_was_due(
    in_run(json!({"podUid": "u"})),
    in_run(json!({"podUid": "u", "startedAt": "2025-01-01T00:00:09Z"})),
    vec![took(0)]
)]
#[case::ended(
    in_run(json!({"podUid": "u", "startedAt": "2026-01-01T00:00:09Z"})),
    ended(),
    vec![the_end()]
)]
#[case::all_at_once(in_run(json!({})), ended(), vec![Counted::Started(Trigger::Rerun), took(9), the_end()])]
#[case::known(ended(), ended(), vec![])]
#[case::stopped(
    in_run(json!({"podUid": "u"})),
    in_run(json!({"podUid": "u", "stop": {"reason": "StopConditionMet"}})),
    vec![Counted::StopConditionMet]
)]
#[case::frozen(
    in_run(json!({"podUid": "u"})),
    in_run(json!({"podUid": "u", "stop": {"reason": "Frozen"}})),
    vec![]
)]
fn each_step_of_a_run_is_counted_once(
    #[case] old: Value,
    #[case] new: Value,
    #[case] expected: Vec<Counted>,
) {
    let (old, new) = (status(old), status(new));
    assert_eq!(counted(&old, &new), expected);
    assert_eq!(counted(&new, &new), [], "a write that is repeated");
}

#[rstest]
#[case("GateClosed", Some(Reason::GateClosed))]
#[case("Words of somebody else", None)]
fn a_run_that_does_not_start_is_skipped_for_a_reason(#[case] word: &str, #[case] expected: Option<Reason>) {
    let mut new = in_run(json!({"finishedAt": "2026-01-01T00:01:09Z"}));
    new["phase"] = json!("Skipped");
    new["reason"] = json!(word);
    let end = End {
        phase: Some(Phase::Skipped),
        outcome: Outcome::default(),
        trigger: Trigger::Rerun,
        reason: expected,
        duration: None,
        rollbacks: None,
    };
    let counted = counted(&status(in_run(json!({}))), &status(new));
    assert_eq!(counted, [Counted::Ended(end), Counted::Skipped(expected, 1)]);
}

fn of_schedule(history: &Value, skipped: i32, stopped: &[&str]) -> Status {
    let stopped: Vec<Value> =
        stopped.iter().map(|uid| json!({"podUid": uid, "reason": "StopConditionMet"})).collect();
    status(json!({"phase": "Scheduled", "schedule": {"cron": "* * * * *", "stopped": stopped},
        "history": history, "counters": {"skipped": skipped}}))
}

#[test]
fn each_run_of_a_schedule_is_counted_once() {
    let past = |uid: &str, phase: &str, reason: &str, started: Option<&str>| {
        let mut past = run(json!({"podUid": uid, "trigger": "Schedule"}));
        past["jobName"] = json!(uid);
        past["phase"] = json!(phase);
        past["outcome"] = json!("Unknown");
        past["reason"] = json!(reason);
        if let Some(started) = started {
            past["startedAt"] = json!(started);
            past["durationSeconds"] = json!(3);
        }
        past
    };
    let first = past("a", "Failed", "Evicted", Some("2026-01-01T00:00:30Z"));
    let skipped = past("b", "Skipped", "Frozen", None);
    let old = of_schedule(&json!([]), 4, &["x"]);
    let new = of_schedule(&json!([skipped, first]), 7, &["y", "x"]);
    let end = |phase, reason, duration, rollbacks| {
        let (phase, reason) = (Some(phase), Some(reason));
        Counted::Ended(End {
            phase,
            outcome: Outcome::Unknown,
            trigger: Trigger::Schedule,
            reason,
            duration,
            rollbacks,
        })
    };
    let expected = [
        end(Phase::Skipped, Reason::Frozen, None, None),
        Counted::Skipped(Some(Reason::Frozen), 1),
        Counted::StartTook(Trigger::Schedule, Duration::from_secs(30)),
        end(Phase::Failed, Reason::Evicted, Some(Duration::from_secs(3)), Some(RollbackState::Unknown)),
        Counted::Skipped(Some(Reason::MissedSchedule), 2),
        Counted::StopConditionMet,
    ];
    assert_eq!(counted(&old, &new), expected);
    assert_eq!(counted(&new, &new), []);
}
