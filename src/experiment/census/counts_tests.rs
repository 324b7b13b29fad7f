use super::*;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

fn experiment(metadata: Value, spec: Value, status: Value) -> Experiment {
    let mut metadata = metadata;
    metadata["name"] = json!("e");
    serde_json::from_value(json!({"metadata": metadata, "spec": spec, "status": status})).unwrap()
}

fn of(status: Value) -> Experiment {
    experiment(json!({}), json!({}), status)
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn counted(experiments: &[Experiment]) -> Counts {
    Counts::of(experiments.iter().map(Some), time("2026-12-01T12:00:00Z"))
}

#[test]
fn those_that_wait_are_counted_by_their_reasons_and_the_first_of_them_is_known() {
    let condition = |reason: &str, at: &str| json!({"type": "Provisioned", "status": "False", "reason": reason, "message": "", "lastTransitionTime": at});
    let all = vec![
        of(json!({"phase": "Blocked", "reason": "ConfigMapMissing",
            "conditions": [condition("ConfigMapMissing", "2026-12-01T09:00:00Z")]})),
        of(json!({"phase": "Blocked", "reason": "RoleMissing",
            "conditions": [condition("ConfigMapMissing", "2026-12-01T09:00:00Z")]})),
        of(
            json!({"phase": "Blocked", "reason": "Frozen", "hold": {"reason": "Frozen", "since": "2026-12-01T11:00:00Z"}}),
        ),
        of(
            json!({"phase": "Scheduled", "reason": "Scheduled", "hold": {"reason": "Frozen", "since": "2026-12-01T10:00:00Z"}}),
        ),
        of(json!({"phase": "Scheduled", "reason": "Scheduled", "hold": {"reason": "Frozen"}})),
        of(json!({"phase": "Scheduled", "reason": "Scheduled"})),
        of(json!({"phase": "Blocked", "reason": "Something"})),
        of(json!({"phase": "Blocked", "reason": "GateClosed", "hold": {"reason": "Something"}})),
        of(json!({"phase": "Completed", "reason": "Passed"})),
        // The freeze is over, and something else blocks the run.
        of(json!({"phase": "Blocked", "reason": "ConfigMapMissing",
            "hold": {"reason": "Frozen", "since": "2026-12-01T01:00:00Z"},
            "conditions": [condition("ConfigMapMissing", "2026-12-01T11:30:00Z")]})),
        // The condition was false for another reason before.
        of(json!({"phase": "Blocked", "reason": "Forbidden",
            "conditions": [condition("Forbidden", "2026-12-01T02:00:00Z"), condition("Forbidden", "2026-12-01T11:00:00Z")]})),
    ];
    let waiting = |count, since: Option<&str>| Waiting { count, since: since.map(time) };
    let expected = BTreeMap::from([
        ("ConfigMapMissing", waiting(2, Some("2026-12-01T09:00:00Z"))),
        ("Forbidden", waiting(1, Some("2026-12-01T11:00:00Z"))),
        ("RoleMissing", waiting(1, None)),
        ("GateClosed", waiting(1, None)),
        ("Frozen", waiting(3, Some("2026-12-01T10:00:00Z"))),
    ]);
    let counts = counted(&all);
    assert_eq!(counts.waiting, expected);
    assert_eq!((counts.waiting_for(Reason::Frozen), counts.waiting_for(Reason::GateClosed)), (3, 1));
}

#[test]
fn every_phase_has_a_number() {
    let counts = Counts::of(
        [Some(&of(json!({"phase": "Running"}))), Some(&of(json!(null))), None].into_iter(),
        Timestamp::UNIX_EPOCH,
    );
    let phase = |name: &str| counts.phases.get(name).copied();
    assert_eq!((phase("Running"), phase("None"), phase("Blocked")), (Some(1), Some(2), Some(0)));
    assert_eq!((phase("Skipped"), counts.phases.len()), (None, 12));
}

#[rstest]
#[case::planned(json!({"run": {"number": 1, "podName": "p"}}), None)]
#[case::goes_on(json!({"run": {"number": 1, "podName": "p", "startedAt": "2026-12-01T11:00:00Z"}}), Some(("ns", 1)))]
#[case::being_deleted(json!({"phase": "Terminating", "run": {"number": 1, "podName": "p", "startedAt": "2026-12-01T11:00:00Z"}}), Some(("ns", 1)))]
#[case::ended(json!({"run": {"number": 1, "podName": "p", "startedAt": "2026-12-01T11:00:00Z", "finishedAt": "2026-12-01T11:00:00Z"}}), None)]
#[case::of_schedule(json!({"schedule": {"cron": "* * * * *", "active": ["a", "b"]}}), Some(("ns", 2)))]
#[case::of_idle_schedule(json!({"schedule": {"cron": "* * * * *"}}), None)]
#[case::of_a_bad_name(json!({"runNamespace": "A\"\n", "schedule": {"cron": "* * * * *", "active": ["a"]}}), Some(("", 1)))]
fn runs_that_go_on_are_counted_by_their_namespace(
    #[case] mut status: Value,
    #[case] expected: Option<(&str, i64)>,
) {
    if status["runNamespace"].is_null() {
        status["runNamespace"] = json!("ns");
    }
    let found = counted(&[of(status)]).active;
    assert_eq!(found, expected.into_iter().map(|(name, count)| (name.to_owned(), count)).collect());
}

/// A schedule that is due each hour, at twelve o'clock and two minutes.
#[rstest]
#[case::started(json!({"schedule": {"lastScheduleTime": "2026-12-01T12:00:00Z"}}), json!({}), false)]
#[case::missing(json!({"schedule": {"lastScheduleTime": "2026-12-01T11:00:00Z"}}), json!({}), true)]
#[case::the_next_time_moves_on(
    json!({"schedule": {"lastScheduleTime": "2026-12-01T11:00:00Z", "nextScheduleTime": "2026-12-01T13:00:00Z"}}),
    json!({}),
    true
)]
#[case::never_started(json!({"schedule": {}}), json!({}), true)]
#[case::resumed(
    json!({"schedule": {"lastScheduleTime": "2026-12-01T03:00:00Z"},
        "conditions": [{"type": "Suspended", "status": "False", "reason": "X", "message": "", "lastTransitionTime": "2026-12-01T12:00:30Z"}]}),
    json!({}),
    false
)]
#[case::goes_on(json!({"schedule": {"lastScheduleTime": "2026-12-01T11:00:00Z", "active": ["p"]}}), json!({}), false)]
#[case::went_on_until_now(
    json!({"schedule": {"lastScheduleTime": "2026-12-01T11:00:00Z"},
        "run": {"number": 1, "podName": "p", "finishedAt": "2026-12-01T12:01:00Z"}}),
    json!({}),
    false
)]
#[case::delayed(
    json!({"schedule": {"lastScheduleTime": "2026-12-01T11:00:00Z"}}),
    json!({"schedule": {"jitterSeconds": 86_400}}),
    false
)]
#[case::held(
    json!({"schedule": {"lastScheduleTime": "2026-12-01T11:00:00Z"}, "hold": {"reason": "Frozen"}}),
    json!({}),
    false
)]
#[case::suspended(
    json!({"schedule": {"lastScheduleTime": "2026-12-01T11:00:00Z"}, "phase": "Suspended"}),
    json!({}),
    false
)]
fn a_schedule_is_overdue_if_nothing_starts_its_run_within_a_minute(
    #[case] more: Value,
    #[case] spec: Value,
    #[case] expected: bool,
) {
    let resumed = json!({"type": "Suspended", "status": "False", "reason": "X", "message": "",
        "lastTransitionTime": "2026-12-01T09:00:00Z"});
    let mut status = json!({"phase": "Scheduled", "conditions": [resumed]});
    status.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    status["schedule"]["cron"] = json!("0 * * * *");
    let experiment = experiment(json!({"uid": "some-uid"}), spec, status);
    let counts = Counts::of([Some(&experiment)].into_iter(), time("2026-12-01T12:02:00Z"));
    assert_eq!(counts.overdue, i64::from(expected));
}

#[rstest]
#[case("True", true, 1)]
#[case("False", true, 0)]
#[case("True", false, 0)]
fn a_cleanup_is_blocked_while_the_experiment_is_being_deleted(
    #[case] state: &str,
    #[case] is_deleting: bool,
    #[case] expected: i64,
) {
    let metadata = if is_deleting { json!({"deletionTimestamp": "2026-12-01T10:00:00Z"}) } else { json!({}) };
    let said = json!({"type": "CleanupBlocked", "status": state, "reason": "CleanupBlocked", "message": "",
        "lastTransitionTime": "2026-12-01T10:00:00Z"});
    let counts = counted(&[experiment(metadata, json!({}), json!({"conditions": [said]}))]);
    assert_eq!(counts.cleanups_blocked, expected);
}

#[test]
fn the_number_of_namespaces_is_bounded() {
    let running = |number: usize| {
        of(json!({"runNamespace": format!("ns-{number}"), "schedule": {"cron": "x", "active": ["a"]}}))
    };
    let counts = counted(&(0..NAMESPACES + 50).map(running).collect::<Vec<_>>());
    assert_eq!((counts.active.len(), counts.active[""]), (NAMESPACES + 1, 50));
}

proptest! {
    #[test]
    fn whatever_a_status_says_the_labels_are_words_of_this_version(words in prop::array::uniform5(".{0,20}")) {
        let [phase, reason, hold, namespace, outcome] = words;
        let counts = counted(&[
            of(json!({"phase": phase, "reason": reason, "outcome": outcome, "hold": {"reason": hold},
                "runNamespace": namespace, "schedule": {"cron": "x", "active": ["a"]}})),
            of(json!({"phase": "Blocked", "reason": reason})),
        ]);
        prop_assert!(counts.phases.len() <= 12);
        prop_assert!(counts.waiting.keys().all(|reason| reason.parse::<Reason>().is_ok()));
        prop_assert!(counts.active.keys().all(|name| name.is_empty() || names::check_dns_label(name).is_ok()));
    }
}
