//! An experiment and one of its runs for somebody who asks how it is.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]

mod common;

use chaostoolkit_api::Experiment;
use chaostoolkit_report::{Options, Overview, Run, Style, join, terminal};
use serde_json::{Value, json};

const NOW: &str = "2026-11-26T01:46:20Z";

fn experiment(status: &Value) -> Experiment {
    let metadata = json!({"name": "pod-kill", "namespace": "chaostoolkit-crd"});
    serde_json::from_value(json!({"metadata": metadata, "status": status})).unwrap()
}

fn shown(experiment: &Experiment, run: Option<&Run>) -> Vec<String> {
    let overview = Overview::of(experiment);
    let text = terminal::overview(&overview, run, NOW.parse().unwrap(), Style::default());
    text.lines().map(str::to_owned).collect()
}

/// The newest run, from the status alone.
fn newest(status: &Value) -> Vec<String> {
    let experiment = experiment(status);
    shown(&experiment, Run::from_status(&experiment).last())
}

fn status() -> Value {
    json!({"phase": "Completed", "result": "Deviated", "outcome": "Deviated", "warnings": ["ActivityForbidden"],
        "message": "the steady state did not hold", "reason": "Deviated", "conclusive": true, "runNamespace": "run",
        "run": {"number": 2, "trigger": "Rerun", "requestedBy": "dev", "podName": "p", "podUid": "u", "nodeName": "n",
            "requestedAt": "2026-11-26T01:43:10Z", "startedAt": "2026-11-26T01:43:20Z",
            "finishedAt": "2026-11-26T01:43:29Z", "durationSeconds": 9,
            "experiment": {"title": "The shop", "source": "inline"}, "toolkit": {"version": "1.21.4", "lib": "1.45.1"},
            "steadyState": {"before": "Met", "during": "NotEvaluated", "after": "NotMet"},
            "activities": {"total": 2, "succeeded": 1, "failed": 1},
            "rollbacks": {"strategy": "always", "state": "Played", "total": 1, "failed": 0},
            "journal": {"configMap": "chaostoolkit-journal-x-2", "sha256": "", "bytes": 1, "truncated": false}},
        "history": [{"number": 1, "podName": "p", "phase": "Completed", "outcome": "Passed", "result": "Passed", "reason": "Passed",
            "conclusive": true, "finishedAt": "2026-11-26T01:40:29Z"}],
        "counters": {"runs": 2, "passed": 1, "deviated": 1, "failed": 0, "aborted": 0, "skipped": 0},
        "conditions": [{"type": "Authorized", "status": "False", "reason": "ActivityForbidden", "message": "may not\n- rules\u{1b}[2J",
            "lastTransitionTime": NOW}]})
}

#[test]
fn a_run_without_a_journal_is_told_by_its_status() {
    let expected = [
        "✘ Deviated The shop chaostoolkit-crd/pod-kill@2 (Completed)",
        "  ! ActivityForbidden: an activity lacked a right",
        "  the steady state did not hold",
        "  started 2026-11-26 01:43:20 UTC, took 9.00 s",
        "  asked for by dev (Rerun, 2026-11-26 01:43:10 UTC), 3m10s ago",
        "  Chaos Toolkit 1.21.4, chaostoolkit-lib 1.45.1",
        "  pod run/p on node n",
        "  hypothesis",
        "  ├─ before ✔ met",
        "  └─ after ✘ not met",
        "  method ✘ 2 activities, 1 succeeded, 1 failed",
        "  rollbacks ✔ 1 played strategy always",
        "  ! ActivityForbidden: may not",
        "  └─ - rules",
        "  2 runs: 1 passed, 1 deviated",
    ];
    assert_eq!(newest(&status()), expected);
}

#[test]
fn a_run_with_a_journal_is_told_with_its_activities() {
    let experiment = experiment(&status());
    let journal = common::read("x", &common::journal("ssh-after-dev@1.21.4"), false);
    let journal = Run { id: Some("u".to_owned()), ..journal };
    let runs = join(Run::from_status(&experiment), vec![journal]);
    let lines = shown(&experiment, runs.last());
    assert_eq!(lines[0], "✘ Deviated deviates chaostoolkit-crd/pod-kill@2 (Completed)");
    let has = |text: &str| assert!(lines.iter().any(|line| line.contains(text)), "{text}: {lines:#?}");
    has("✔ succeeded");
    has("✘ not met");
    assert!(lines.len() <= 40 && !lines.iter().any(|line| line.contains("activities, ")), "{lines:#?}");
}

#[test]
fn what_holds_now_is_not_said_of_an_earlier_run() {
    let experiment = experiment(&status());
    let lines = shown(&experiment, Run::from_status(&experiment).first());
    let expected = [
        "✔ Passed chaostoolkit-crd/pod-kill@1",
        "  asked for (Created)",
        "  pod run/p",
        "  2 runs: 1 passed, 1 deviated",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn an_experiment_without_a_run_says_what_it_waits_for() {
    assert_eq!(newest(&json!(null)), ["○ Pending chaostoolkit-crd/pod-kill"]);
    let blocked = json!({"phase": "Blocked", "reason": "ConfigMapMissing", "message": "no ConfigMap"});
    let expected = ["○ Blocked chaostoolkit-crd/pod-kill", "  ConfigMapMissing: no ConfigMap"];
    assert_eq!(newest(&blocked), expected);
    assert_eq!(shown(&experiment(&blocked), None), expected);
    let next = "2026-11-27T01:30:00Z";
    let schedule = json!({"cron": "30 2 * * 1-5", "timeZone": "Europe/Paris", "nextScheduleTime": next});
    let scheduled = json!({"phase": "Scheduled", "reason": "Scheduled", "message": "runs start by the schedule",
        "schedule": schedule});
    let expected = [
        "○ Scheduled chaostoolkit-crd/pod-kill",
        "  runs start by the schedule",
        "  schedule 30 2 * * 1-5 Europe/Paris, next run at 2026-11-27 01:30:00 UTC, in 23h",
    ];
    assert_eq!(newest(&scheduled), expected);
}

#[test]
fn a_schedule_is_told_beside_its_run() {
    let mut status = status();
    status["phase"] = "Suspended".into();
    status["message"] = "no run starts while the schedule is suspended".into();
    status["schedule"] = json!({"cron": "@daily"});
    status["run"] =
        json!({"number": 2, "podName": "p", "trigger": "Schedule", "startedAt": "2026-11-26T01:46:10Z"});
    status["conditions"] = json!([]);
    let expected = [
        "○ Running chaostoolkit-crd/pod-kill@2 (Suspended)",
        "  schedule @daily",
        "  started 2026-11-26 01:46:10 UTC, 10s so far",
        "  asked for (Schedule)",
        "  pod run/p",
        "  ! Suspended: no run starts while the schedule is suspended",
        "  2 runs: 1 passed, 1 deviated",
    ];
    assert_eq!(newest(&status), expected);
}

#[test]
fn whatever_a_status_says_40_lines_are_enough() {
    let mut status = status();
    let long = "line \u{1b}]0;x\u{7}\n".repeat(60);
    for pointer in ["/message", "/run/experiment/title", "/run/requestedBy", "/conditions/0/message"] {
        *status.pointer_mut(pointer).unwrap() = long.clone().into();
    }
    status["warnings"] = json!([
        "ActivityFailed",
        "RollbackFailed",
        "RollbacksNotPlayed",
        "NoHypothesis",
        "DryRun",
        "ProbeFailed",
        "ActivityForbidden"
    ]);
    status["run"]["rescue"] = json!({"podName": "r", "problem": long});
    status["run"]["steadyState"]["during"] = "Met".into();
    let experiment = experiment(&status);
    let activity = json!({"type": "action", "name": long, "provider": {"type": "process", "path": long}});
    let step = json!({"activity": activity, "status": "failed", "exception": [long], "duration": 1.0});
    let probe = json!({"activity": activity, "status": "succeeded", "tolerance_met": false});
    let state = json!({"steady_state_met": false, "probes": vec![probe; 30]});
    let journal = json!({"status": "completed", "deviated": true, "run": vec![step.clone(); 50],
        "rollbacks": vec![step; 50], "steady_states": {"before": state, "after": state, "during": [state, state]},
        "experiment": {"title": long, "description": long, "method": [], "steady-state-hypothesis": {"title": long}}});
    let journal = Run::from_journal("x", journal.to_string().as_bytes(), Options::default()).unwrap();
    let journal = Run { id: Some("u".to_owned()), ..journal };
    let runs = join(Run::from_status(&experiment), vec![journal]);
    for run in [Run::from_status(&experiment).last(), runs.last()] {
        let lines = shown(&experiment, run);
        assert!(lines.len() <= 40, "{}", lines.len());
        assert!(lines.iter().all(|line| !line.chars().any(char::is_control)));
        assert!(lines.iter().any(|line| line.contains("rollbacks ✔ 1 played")), "{lines:#?}");
    }
}
