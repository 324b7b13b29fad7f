//! Tests each rule by itself, on handwritten journals.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]
#![allow(clippy::needless_pass_by_value, reason = "tables of cases are easier to read with values")]

use chaostoolkit_journal::{Doubt, Outcome, Phase, RollbackState, Summary, Warning, classify, parse};
use rstest::rstest;
use serde_json::{Value, json};

const INTERRUPTED: &str =
    "chaoslib.exceptions.ActivityFailed: chaoslib.exceptions.InterruptExecution: SIGTERM\n";

/// Returns the journal of a run that passed, with some values replaced.
fn journal(changes: Value) -> Value {
    let held = json!({"steady_state_met": true, "probes": [
        {"activity": {"name": "check"}, "status": "succeeded", "tolerance_met": true}
    ]});
    let mut journal = json!({
        "chaoslib-version": "1.45.1",
        "experiment": {
            "title": "t", "dry": null, "steady-state-hypothesis": {"title": "h", "probes": [{"name": "check"}]},
            "method": [{"name": "act"}], "rollbacks": [{"name": "undo"}],
        },
        "status": "completed",
        "deviated": false,
        "steady_states": {"before": held, "during": [], "after": held},
        "run": [{"activity": {"name": "act"}, "status": "succeeded"}],
        "rollbacks": [{"activity": {"name": "undo"}, "status": "succeeded"}],
    });
    for (path, value) in changes.as_object().unwrap() {
        let (parent, key) = path.rsplit_once('/').unwrap();
        match (journal.pointer_mut(parent).unwrap(), value) {
            (Value::Object(fields), value) => drop(fields.insert(key.to_owned(), value.clone())),
            (Value::Array(items), value) => items[key.parse::<usize>().unwrap()] = value.clone(),
            _ => panic!("{path}"),
        }
    }
    journal
}

fn judge(journal: &Value) -> (Outcome, Vec<Warning>, bool, Option<Doubt>) {
    let verdict = classify(&parse(journal.to_string().as_bytes()).unwrap());
    (verdict.outcome, verdict.warnings, verdict.conclusive, verdict.doubt)
}

/// Returns the result of one evaluation of the hypothesis.
fn state(met: bool, status: &str) -> Value {
    json!({"steady_state_met": met, "probes": [{"status": status, "tolerance_met": met}]})
}

#[rstest]
#[case::all(json!({}))]
#[case::before_method_only(json!({"/steady_states/after": null}))]
#[case::after_method_only(json!({"/steady_states/before": null}))]
#[case::during_method_only(json!({"/steady_states/before": null, "/steady_states/after": null,
    "/steady_states/during": [state(true, "succeeded"), state(true, "succeeded")]}))]
#[case::empty_method(json!({"/experiment/method": [], "/run": []}))]
#[case::a_probe_in_the_method(json!({"/run/0/tolerance_met": false}))]
#[case::unknown_fields(json!({"/safeguards": {"run": []}, "/run/0/x": [], "/experiment/extensions": [{}]}))]
#[case::no_times(json!({"/start": 5, "/end": "soon", "/duration": "long"}))]
#[case::names_of_the_wrong_type(json!({"/run/0/activity": [], "/experiment/title": 1}))]
fn passes(#[case] changes: Value) {
    assert_eq!(judge(&journal(changes)), (Outcome::Passed, vec![], true, None));
}

#[test]
fn only_versions_before_1_13_pass_without_during() {
    for (version, passes) in
        [("1.0.0", true), ("1.12.0", true), ("1.13.0", false), ("1.45.1", false), ("1", false)]
    {
        let mut journal = journal(json!({"/chaoslib-version": version}));
        journal["steady_states"].as_object_mut().unwrap().remove("during");
        assert_eq!(judge(&journal).0 == Outcome::Passed, passes, "{version}");
    }
}

#[rstest]
#[case::interrupted_first(json!({"/status": "interrupted", "/steady_states/before": state(false, "failed"), "/deviated": true}), Outcome::Interrupted)]
#[case::interruption_reported_as_failure(json!({"/run/0/status": "failed", "/run/0/exception": ["x", INTERRUPTED]}), Outcome::Interrupted)]
#[case::indented(json!({"/run/0/status": "failed", "/run/0/exception": [format!("  {INTERRUPTED}")]}), Outcome::Interrupted)]
#[case::in_a_rollback(json!({"/rollbacks/0/status": "failed", "/rollbacks/0/exception": [INTERRUPTED]}), Outcome::Interrupted)]
#[case::in_a_probe(json!({"/steady_states/after/probes/0": {"status": "failed", "exception": [INTERRUPTED]}}), Outcome::Interrupted)]
#[case::interrupted_before_aborted(json!({"/status": "aborted", "/run/0/exception": [INTERRUPTED]}), Outcome::Interrupted)]
#[case::aborted_before_probes(json!({"/status": "aborted", "/steady_states/before": state(false, "failed")}), Outcome::Aborted)]
#[case::probe_before_baseline(json!({"/steady_states/before": state(false, "failed")}), Outcome::ProbeError)]
#[case::probe_during(json!({"/steady_states/during": [state(true, "succeeded"), state(false, "failed")]}), Outcome::ProbeError)]
#[case::probe_after(json!({"/status": "failed", "/steady_states/after": state(false, "failed")}), Outcome::ProbeError)]
#[case::probe_without_an_end(json!({"/steady_states/after/probes/0": {}}), Outcome::ProbeError)]
#[case::baseline_completed(json!({"/run": [], "/steady_states/before": state(false, "succeeded"), "/steady_states/after": null}), Outcome::BaselineNotMet)]
#[case::baseline_failed(json!({"/status": "failed", "/run": [], "/steady_states/before": state(false, "succeeded")}), Outcome::BaselineNotMet)]
#[case::after_completed(json!({"/deviated": true, "/steady_states/after": state(false, "succeeded")}), Outcome::Deviated)]
#[case::after_failed(json!({"/status": "failed", "/deviated": true, "/steady_states/after": state(false, "succeeded")}), Outcome::Deviated)]
#[case::during_alone(json!({"/steady_states/during": [state(true, "succeeded"), state(false, "succeeded")]}), Outcome::Deviated)]
#[case::fail_fast(json!({"/status": "failed", "/run": [], "/steady_states/during": [state(false, "succeeded")]}), Outcome::Deviated)]
#[case::deviated_says_so(json!({"/deviated": true, "/steady_states/after": null}), Outcome::Deviated)]
fn the_first_rule_applies(#[case] changes: Value, #[case] expected: Outcome) {
    let (outcome, _, _, doubt) = judge(&journal(changes));
    assert_eq!((outcome, doubt), (expected, None));
}

/// The baseline was met, a probe failed after that, and the toolkit says that the system deviated.
#[rstest]
#[case::after(json!({"/status": "failed", "/steady_states/after": state(false, "failed")}))]
#[case::after_in_newer_versions(json!({"/steady_states/after": state(false, "failed")}))]
#[case::during(json!({"/steady_states/during": [state(true, "succeeded"), state(false, "failed")]}))]
#[case::during_and_measured_after(json!({"/steady_states/during": [state(false, "failed")], "/steady_states/after": state(false, "succeeded")}))]
fn a_probe_that_fails_after_the_baseline_is_a_deviation(#[case] changes: Value) {
    let mut journal = journal(changes);
    for deviated in [json!(false), Value::Null, json!("yes")] {
        journal["deviated"] = deviated;
        assert_eq!(judge(&journal), (Outcome::ProbeError, vec![], false, None), "only the toolkit says that");
    }
    journal["deviated"] = json!(true);
    assert_eq!(judge(&journal), (Outcome::Deviated, vec![Warning::ProbeFailed], false, None));
    for unmet in [
        Value::Null,
        json!({}),
        state(false, "succeeded"),
        state(true, "failed"),
        json!({"steady_state_met": true, "probes": []}),
    ] {
        journal["steady_states"]["before"] = unmet.clone();
        assert_eq!(judge(&journal).0, Outcome::ProbeError, "{unmet}");
    }
}

#[rstest]
#[case(json!({"/status": null}), Doubt::Status)]
#[case(json!({"/status": "deviated"}), Doubt::Status)]
#[case(json!({"/status": ["completed"], "/deviated": true}), Doubt::Status)]
#[case(json!({"/status": "failed"}), Doubt::Failed)]
#[case(json!({"/interruption": {"kind": "signal"}}), Doubt::Interruption)]
#[case(json!({"/deviated": "no"}), Doubt::Deviated)]
#[case(json!({"/experiment": null}), Doubt::Experiment)]
#[case(json!({"/experiment/steady-state-hypothesis": "x"}), Doubt::Experiment)]
#[case(json!({"/experiment/method": {}}), Doubt::Experiment)]
#[case(json!({"/steady_states": null}), Doubt::Unreadable(Phase::Before))]
#[case(json!({"/steady_states/before": {}}), Doubt::Unreadable(Phase::Before))]
#[case(json!({"/steady_states/during": null}), Doubt::Unreadable(Phase::During))]
#[case(json!({"/steady_states/during": [null]}), Doubt::Unreadable(Phase::During))]
#[case(json!({"/steady_states/after": []}), Doubt::Unreadable(Phase::After))]
#[case(json!({"/steady_states/after/steady_state_met": null}), Doubt::Unreadable(Phase::After))]
#[case(json!({"/steady_states/after/probes": []}), Doubt::Contradiction(Phase::After))]
#[case(json!({"/steady_states/after/probes/0/tolerance_met": false}), Doubt::Contradiction(Phase::After))]
#[case(json!({"/steady_states/before": null, "/steady_states/after": null}), Doubt::NotEvaluated)]
#[case(json!({"/run": []}), Doubt::Method)]
#[case(json!({"/run": null}), Doubt::Method)]
#[case(json!({"/run/0": {}}), Doubt::Unfinished)]
#[case(json!({"/run/0/status": "failed"}), Doubt::Unexplained)]
#[case(json!({"/run/0/status": "failed", "/run/0/exception": []}), Doubt::Unexplained)]
#[case(json!({"/run/0/status": "failed", "/run/0/exception": ["x", 5]}), Doubt::Unexplained)]
#[case(json!({"/rollbacks": {}}), Doubt::Rollbacks)]
fn a_doubtful_journal_is_unknown(#[case] changes: Value, #[case] expected: Doubt) {
    let (outcome, _, conclusive, doubt) = judge(&journal(changes));
    assert_eq!((outcome, conclusive, doubt), (Outcome::Unknown, false, Some(expected)));
    assert!(!expected.to_string().is_empty());
}

#[rstest]
#[case(json!({"/run/0/status": "failed", "/run/0/exception": ["x"]}), vec![Warning::ActivityFailed], false)]
#[case(json!({"/rollbacks/0/status": "failed", "/rollbacks/0/exception": ["x"]}), vec![Warning::RollbackFailed], true)]
#[case(json!({"/rollbacks": []}), vec![Warning::RollbacksNotPlayed], true)]
#[case(json!({"/experiment/dry": true}), vec![Warning::DryRun], false)]
#[case(json!({"/experiment/dry": "activities"}), vec![Warning::DryRun], false)]
#[case(json!({"/experiment/dry": ""}), vec![], true)]
#[case(json!({"/experiment/steady-state-hypothesis": null}), vec![Warning::NoHypothesis], false)]
#[case(json!({"/experiment/steady-state-hypothesis": {"title": "h"}}), vec![Warning::NoHypothesis], false)]
#[case(json!({"/experiment/steady-state-hypothesis": {"probes": []}}), vec![Warning::NoHypothesis], false)]
#[case(json!({"/experiment/runtime": {"hypothesis": {"strategy": "skip"}}, "/steady_states/before": null, "/steady_states/after": null}),
    vec![Warning::NoHypothesis], false)]
#[case(json!({"/experiment/runtime": {"hypothesis": {"strategy": "skip"}}}), vec![], true)]
fn passed_runs_have_warnings(
    #[case] changes: Value,
    #[case] warnings: Vec<Warning>,
    #[case] conclusive: bool,
) {
    assert_eq!(judge(&journal(changes)), (Outcome::Passed, warnings, conclusive, None));
}

#[rstest]
#[case(json!({}), RollbackState::Played)]
#[case(json!({"/rollbacks": []}), RollbackState::NotPlayed)]
#[case(json!({"/rollbacks/0": {}}), RollbackState::Unfinished)]
#[case(json!({"/rollbacks/0/status": "failed"}), RollbackState::Failed)]
#[case(json!({"/experiment/rollbacks": [{}, {}]}), RollbackState::Partial)]
#[case(json!({"/experiment/rollbacks": [], "/rollbacks": []}), RollbackState::NoneDeclared)]
#[case(json!({"/experiment/rollbacks": null, "/rollbacks": []}), RollbackState::NoneDeclared)]
#[case(json!({"/experiment/rollbacks": 3}), RollbackState::Unknown)]
#[case(json!({"/rollbacks": "x"}), RollbackState::Unknown)]
fn rollback_states_are_distinguished(#[case] changes: Value, #[case] expected: RollbackState) {
    let summary = Summary::of(&parse(journal(changes).to_string().as_bytes()).unwrap());
    assert_eq!(summary.rollbacks.state, expected);
}

#[test]
fn the_duration_falls_back_to_the_times() {
    let journal = journal(json!({"/start": "2026-11-21T07:51:32.5", "/end": "2026-11-21T07:51:34+00:00"}));
    let summary = Summary::of(&parse(journal.to_string().as_bytes()).unwrap());
    assert_eq!(summary.duration_seconds, Some(1.5));
}
