//! A run as a tree.

use super::*;
use crate::model::select::Number;
use serde_json::{Value, json};

const NOW: &str = "2026-11-26T01:46:20Z";

fn shown(status: &Value, steps: &[Step]) -> Vec<String> {
    let metadata = json!({"name": "pod-kill", "namespace": "chaostoolkit-crd"});
    let experiment: Experiment =
        serde_json::from_value(json!({"metadata": metadata, "status": status})).unwrap();
    let view = runs::find(&experiment, Number::Latest).ok();
    let lines = tree(&experiment, view.as_ref(), Some(steps), NOW.parse().unwrap());
    lines.iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect()
}

fn status() -> Value {
    json!({"phase": "Completed", "result": "Deviated", "outcome": "Deviated", "warnings": ["ActivityForbidden"],
        "message": "the steady state did not hold", "runNamespace": "run",
        "run": {"number": 2, "trigger": "Rerun", "requestedBy": "dev", "podName": "p", "nodeName": "node",
            "requestedAt": "2026-11-26T01:43:10Z", "startedAt": "2026-11-26T01:43:20Z",
            "finishedAt": "2026-11-26T01:43:29Z", "durationSeconds": 9,
            "experiment": {"title": "The shop", "source": "inline"}, "toolkit": {"version": "1.21.4"},
            "steadyState": {"before": "Met", "during": "NotEvaluated", "after": "NotMet"},
            "activities": {"total": 2, "succeeded": 1, "failed": 1},
            "rollbacks": {"strategy": "always", "state": "Played", "total": 1, "failed": 0},
            "journal": {"configMap": "chaostoolkit-journal-x-2", "sha256": "", "bytes": 1, "truncated": false}},
        "counters": {"runs": 2, "passed": 1, "deviated": 1, "failed": 0, "aborted": 0, "skipped": 0},
        "conditions": [{"type": "Authorized", "status": "False", "reason": "ActivityForbidden", "message": "may not\n- rules\u{1b}[2J",
            "lastTransitionTime": NOW}]})
}

#[test]
fn a_run_is_told_from_its_hypothesis_to_its_rollbacks() {
    let step = |name: &str, status: StepStatus| Step { name: name.to_owned(), status };
    let steps = [step("kill-a-pod", StepStatus::Succeeded), step("look\u{1b}[31m", StepStatus::Failed)];
    let expected = [
        "chaostoolkit-crd/pod-kill Deviated (Completed)",
        "  the steady state did not hold",
        "  experiment The shop (inline)",
        "  run        @2, asked for by dev, 2026-11-26 01:43:10 UTC, 3m10s ago",
        "  pod        run/p on node",
        "  took       9s, from 2026-11-26 01:43:20 UTC",
        "  versions   toolkit 1.21.4",
        "  warning    ! ActivityForbidden: an activity lacked a right",
        "  journal    ConfigMap chaostoolkit-journal-x-2",
        "  ├─ hypothesis before the method: ✔ met",
        "  ├─ method: ✘ 2 activities, 1 succeeded, 1 failed",
        "  │  ├─ ✔ kill-a-pod: succeeded",
        "  │  └─ ✘ look: failed",
        "  ├─ hypothesis after the method: ✘ not met",
        "  └─ rollbacks: ✔ 1 played (strategy always)",
        "  note       ! ActivityForbidden: may not",
        "             - rules",
        "  runs       2 runs in all: 1 passed, 1 deviated, 0 failed, 0 aborted, 0 skipped",
    ];
    assert_eq!(shown(&status(), &steps), expected);
}

#[test]
fn an_experiment_that_nobody_has_looked_at_is_pending() {
    assert_eq!(shown(&json!({}), &[]), ["chaostoolkit-crd/pod-kill Pending"]);
}

#[test]
fn whatever_a_status_says_40_lines_are_enough() {
    let mut status = status();
    let long = "line \u{1b}]0;x\u{7}\n".repeat(500);
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
    let steps: Vec<Step> =
        (0..500).map(|at| Step { name: format!("{at}{long}"), status: StepStatus::Succeeded }).collect();
    let lines = shown(&status, &steps);
    assert!(lines.len() <= 40, "{}", lines.len());
    assert!(lines.iter().all(|line| !line.chars().any(char::is_control)));
}
