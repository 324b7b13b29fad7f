//! Journals of real runs of four versions are judged as the toolkit itself judges them.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]

mod common;

use std::time::{Duration, Instant};

use chaostoolkit_journal::{
    MAX_BYTES, Outcome, RollbackState, SteadyState, Summary, Warning, classify, parse,
};
use common::{Case, cases};
use serde_json::{Value, json};

/// Translates the toolkit's word for an outcome.
fn outcome(word: &Value) -> Outcome {
    match word.as_str().unwrap() {
        "passed" => Outcome::Passed,
        "deviated" => Outcome::Deviated,
        "baseline-not-met" => Outcome::BaselineNotMet,
        "probe-error" => Outcome::ProbeError,
        "aborted" => Outcome::Aborted,
        "interrupted" => Outcome::Interrupted,
        other => panic!("{other}"),
    }
}

/// Translates the toolkit's word for a warning.
fn warning(word: &Value) -> Warning {
    match word.as_str().unwrap() {
        "method-activity-failed" => Warning::ActivityFailed,
        "rollback-failed" => Warning::RollbackFailed,
        "rollbacks-not-played" => Warning::RollbacksNotPlayed,
        "no-steady-state-hypothesis" => Warning::NoHypothesis,
        "dry-run" => Warning::DryRun,
        other => panic!("{other}"),
    }
}

#[test]
fn each_verdict_matches_the_toolkit() {
    for Case { name, journal, expected } in cases() {
        let verdict = classify(&parse(journal.to_string().as_bytes()).unwrap());
        let mut warnings: Vec<Warning> =
            expected["warnings"].as_array().unwrap().iter().map(warning).collect();
        warnings.sort();
        assert_eq!(verdict.outcome, outcome(&expected["outcome"]), "{name}: {:?}", verdict.doubt);
        assert_eq!(verdict.warnings, warnings, "{name}");
        assert_eq!(Value::from(verdict.conclusive), expected["conclusive"], "{name}");
        assert_eq!(verdict.doubt, None, "{name}");
    }
}

#[test]
fn each_summary_is_complete_and_fits() {
    for Case { name, journal, .. } in cases() {
        let summary = Summary::of(&parse(journal.to_string().as_bytes()).unwrap());
        let text = summary.to_json(MAX_BYTES);
        assert!(text.len() <= MAX_BYTES);
        assert_eq!(serde_json::from_str::<Summary>(&text).unwrap(), summary, "{name}");
        assert_eq!(json!(summary.experiment.title), journal["experiment"]["title"], "{name}");
        assert_eq!(json!(summary.toolkit.lib), journal["chaoslib-version"], "{name}");
        assert_eq!(json!(summary.status), journal["status"], "{name}");
        assert_eq!(summary.activities.played, journal["run"].as_array().unwrap().len(), "{name}");
        assert_eq!(summary.steps.len(), summary.activities.played, "{name}");
        let start = journal["start"].as_str().unwrap().trim_end_matches("+00:00");
        assert_eq!(
            summary.started_at.unwrap().trim_end_matches('Z').trim_end_matches('0'),
            start.trim_end_matches('0')
        );
        assert!(summary.finished_at.is_some() && summary.duration_seconds.is_some(), "{name}");
    }
}

fn summary_of(name: &str) -> Summary {
    let case = cases().iter().find(|case| case.name == name).unwrap();
    Summary::of(&parse(case.journal.to_string().as_bytes()).unwrap())
}

#[test]
fn steady_states_and_rollbacks_are_distinguished() {
    use RollbackState::{Failed, NotPlayed, Played};
    use SteadyState::{Met, NotEvaluated, NotMet, ProbeError};
    let cases = [
        ("ok@1.0.0", [Met, NotEvaluated, Met], Played),
        ("during-continuously@1.9.4", [Met, NotMet, Met], Played),
        ("ssh-after-dev@1.9.4", [Met, NotEvaluated, NotMet], NotPlayed),
        ("ssh-before-tol@1.21.4", [NotMet, NotEvaluated, NotEvaluated], Played),
        ("ssh-before-crash@1.21.4", [ProbeError, NotEvaluated, NotEvaluated], NotPlayed),
        ("nossh@1.19.0", [NotEvaluated, NotEvaluated, NotEvaluated], Played),
        ("rb-fail@1.19.0", [Met, NotEvaluated, Met], Failed),
    ];
    for (name, [before, during, after], rollbacks) in cases {
        let summary = summary_of(name);
        let state = summary.steady_state;
        assert_eq!([state.before, state.during, state.after], [before, during, after], "{name}");
        assert_eq!(summary.rollbacks.state, rollbacks, "{name}");
    }
}

/// Results, arguments and exceptions of activities can hold secrets. The experiment declares this one.
#[test]
fn a_summary_holds_no_secrets() {
    const SECRET: &str = "hunter2";
    for declared in ["secrets", "configuration"] {
        for Case { name, journal, .. } in cases() {
            let mut journal = journal.clone();
            let experiment = journal["experiment"].as_object_mut().unwrap();
            experiment.retain(|key, _| !["secrets", "configuration"].contains(&key.as_str()));
            experiment.insert(declared.to_owned(), json!({}));
            plant(&mut journal, SECRET);
            let text = journal.to_string();
            assert!(text.contains(SECRET), "{name}");
            let summary = Summary::of(&parse(text.as_bytes()).unwrap());
            assert!(!summary.to_json(MAX_BYTES).contains(SECRET), "{name} {declared}");
        }
    }
}

/// Puts a secret at each place that can hold one.
fn plant(value: &mut Value, secret: &str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| plant(item, secret)),
        Value::Object(fields) => {
            for (key, value) in fields {
                match key.as_str() {
                    "output" | "provider" | "configuration" | "secrets" | "tolerance" | "controls" => {
                        *value = json!({"a": [secret]});
                    }
                    "exception" => *value = json!([secret]),
                    "reason" | "description" | "node" | "platform" => *value = json!(secret),
                    _ => plant(value, secret),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn six_megabytes_of_output_are_parsed_quickly() {
    let mut journal = cases().iter().find(|case| case.name == "ok@1.21.4").unwrap().journal.clone();
    journal["run"][0]["output"] = Value::from("\0".repeat(1 << 20));
    let text = journal.to_string();
    assert!(text.len() > 6 << 20);
    let started = Instant::now();
    assert_eq!(classify(&parse(text.as_bytes()).unwrap()).outcome, Outcome::Passed);
    // The limit holds without optimization and on a busy machine, too.
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}
