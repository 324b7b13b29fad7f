//! The activity that decided a run: what it returned, what was expected, and what is left out.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]
#![allow(clippy::needless_pass_by_value, reason = "tables of cases are easier to read with values")]

mod common;

use chaostoolkit_journal::{Outcome, Summary, Warning, parse};
use common::cases;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

fn detail(journal: &Value) -> Option<String> {
    let detail = Summary::of(&parse(journal.to_string().as_bytes()).unwrap()).detail?;
    let text = serde_json::to_string(&detail).unwrap();
    assert!(text.len() <= 200, "{} bytes: {text}", text.len());
    Some(detail.to_string())
}

#[test]
fn real_runs_name_the_activity() {
    const REFUSED: &str = "failed to connect to http://127.0.0.1:1/…: [Errno 111] Connection refused";
    let expected = [
        ("act-http", format!("the activity \"http-conn-refused\" failed: {REFUSED}")),
        ("act-pyraise", "the activity \"py-raises\" failed: ValueError: boom".to_owned()),
        ("during-continuously", "the probe \"check\" returned 1 during the method, expected 0".to_owned()),
        ("rb-fail", format!("the rollback \"rb-http\" failed: {REFUSED}")),
        ("ssh-after-dev", "the probe \"check\" returned 1 after the method, expected 0".to_owned()),
        ("ssh-before-crash", format!("the probe \"crashing-probe\" failed before the method: {REFUSED}")),
        ("ssh-before-tol", "the probe \"check\" returned 3 before the method, expected 0".to_owned()),
    ];
    let mut seen = 0;
    for case in cases() {
        let (name, _) = case.name.split_once('@').unwrap();
        let found = detail(&case.journal);
        match expected.iter().find(|(known, _)| *known == name) {
            Some((_, text)) => {
                seen += 1;
                assert_eq!(found.as_ref(), Some(text), "{}", case.name);
            }
            None if case.expected["outcome"] == "passed" => assert_eq!(found, None, "{}", case.name),
            None => {}
        }
    }
    assert_eq!(seen, 27);
}

/// Three versions ran an experiment whose probe can be executed before the method, and raises after it. The toolkit writes
/// `deviated: true`, and its own classifier (1.21) calls the same journal `probe-error`.
#[test]
fn a_probe_that_raises_after_the_method_is_a_deviation_as_the_toolkit_says() {
    let runs: Vec<Value> = serde_json::from_str(include_str!("probe-raises.json")).unwrap();
    assert_eq!(runs.len(), 3);
    for run in runs {
        assert_eq!(run["journal"]["deviated"], json!(true), "{}", run["toolkit"]);
        let summary = Summary::of(&parse(run["journal"].to_string().as_bytes()).unwrap());
        assert_eq!((summary.outcome, summary.conclusive), (Outcome::Deviated, false), "{}", run["toolkit"]);
        assert_eq!(summary.warnings, [Warning::ProbeFailed], "{}", run["toolkit"]);
        let found = detail(&run["journal"]).unwrap();
        assert!(
            found.starts_with("the probe \"well\" failed after the method: subprocess.CalledProcessError"),
            "{found}"
        );
    }
}

/// Returns the journal of a run that deviated after the method.
fn deviated(probe: Value, experiment: Value) -> Value {
    let met = json!({"steady_state_met": true, "probes": [{"status": "succeeded", "tolerance_met": true, "output": "other"}]});
    let mut journal = json!({
        "chaoslib-version": "1.45.1", "status": "completed", "deviated": true,
        "experiment": {"title": "t", "steady-state-hypothesis": {"probes": [{}]}, "method": [], "rollbacks": []},
        "steady_states": {"before": met, "during": [], "after": {"steady_state_met": false, "probes": [probe]}},
        "run": [], "rollbacks": [],
    });
    for (key, value) in experiment.as_object().unwrap() {
        journal["experiment"][key] = value.clone();
    }
    journal
}

fn unmet(output: Value, tolerance: Value) -> Value {
    json!({"activity": {"name": "page", "tolerance": tolerance}, "status": "succeeded", "tolerance_met": false, "output": output})
}

#[rstest]
#[case(json!(false), json!(true), "returned false after the method, expected true")]
#[case(json!(null), json!([1, 2.5]), "returned null after the method, expected [1, 2.5]")]
#[case::http(json!({"status": 500, "headers": {"a": "b"}, "body": "x"}), json!(200), "returned 500 after the method, expected 200")]
#[case::http_list(json!({"status": 500, "body": "x"}), json!([200, 201]), "returned 500 after the method, expected [200, 201]")]
#[case::process(json!({"status": 1, "stdout": "", "stderr": "gone"}), json!({"type": "regex", "pattern": "^up$", "target": "stdout"}),
    "returned {status: 1, stderr: 'gone', stdout: ''} after the method, expected {pattern: '^up$', target: 'st…")]
#[case::nested(json!([[1], {"a": 1}, "b\n\"c\""]), json!("d"), "returned […, …, 'b 'c''] after the method, expected 'd'")]
#[case::long(json!("x".repeat(1000)), json!(1), &format!("returned '{}… after the method, expected 1", "x".repeat(44)))]
fn a_deviation_says_what_was_returned_and_expected(
    #[case] output: Value,
    #[case] tolerance: Value,
    #[case] expected: &str,
) {
    let found = detail(&deviated(unmet(output, tolerance), json!({}))).unwrap();
    assert_eq!(found, format!("the probe \"page\" {expected}"));
}

#[rstest]
#[case(json!(["Traceback\n", "  File x\n", "OSError: gone\nsecond line\n"]), " failed after the method: OSError: gone")]
#[case(json!(["chaoslib.exceptions.ActivityFailed: failed to connect to http://u:p@h:1/token?x=y: refused\n"]),
    " failed after the method: failed to connect to http://h:1/…: refused")]
#[case(json!([]), " failed after the method")]
fn a_probe_that_fails_says_why(#[case] exception: Value, #[case] expected: &str) {
    let probe =
        json!({"activity": {"name": "page"}, "status": "failed", "exception": exception, "output": null});
    assert_eq!(detail(&deviated(probe, json!({}))).unwrap(), format!("the probe \"page\"{expected}"));
}

/// The first value is a secret, or may be one. Without it, the outputs are shown.
#[rstest]
#[case(json!({"secrets": {"s": {"token": {"type": "env", "key": "TOKEN"}}}}), false)]
#[case(json!({"secrets": {}}), true)]
#[case(json!({"configuration": {"token": "hunter2"}}), false)]
#[case(json!({"configuration": {"token": {"type": "env", "key": "TOKEN", "default": "hunter2"}}}), false)]
#[case(json!({"configuration": {"token": {"deep": {"er": "hunter2"}}}}), false)]
#[case(json!({"configuration": {"token": ["x", "hunter2"]}}), false)]
#[case(json!({"configuration": {"host": "elsewhere", "port": 80, "on": true}}), true)]
#[case(json!({"configuration": {"url": "http://there/hunter2"}}), false)]
#[case(json!({"configuration": {"url": "http://hunter2@there:80"}}), false)]
#[case(json!({"configuration": {"port": 8080}}), true)]
#[case(json!({"configuration": "hunter2"}), false)]
fn known_secrets_are_left_out(#[case] experiment: Value, #[case] is_shown: bool) {
    let probe = unmet(json!("the token is hunter2"), json!("hunter2 or so"));
    let found = detail(&deviated(probe, experiment.clone())).unwrap();
    assert_eq!(found.contains("hunter2"), is_shown, "{found}");
    assert!(found.starts_with("the probe \"page\""), "{found}");
    let url = unmet(json!("see http://there/hunter2"), json!(1));
    assert!(!detail(&deviated(url, experiment.clone())).unwrap().contains("hunter2"));
    let failed = json!({"activity": {"name": "page"}, "status": "failed", "exception": ["OSError: hunter2"]});
    let found = detail(&deviated(failed, experiment)).unwrap();
    assert_eq!(found.contains("hunter2"), is_shown, "{found}");
}

/// A journal is still judged if its outputs cannot be shown.
#[test]
fn an_output_that_cannot_be_read_again_does_not_matter() {
    let journal = deviated(unmet(json!("NUMBER"), json!(1)), json!({})).to_string();
    let huge = journal.replace("\"NUMBER\"", &"9".repeat(400));
    let summary = Summary::of(&parse(huge.as_bytes()).unwrap());
    assert_eq!((summary.outcome, summary.detail), (Outcome::Deviated, None));
    let deep = journal.replace("\"NUMBER\"", &format!("{}{}", "[".repeat(9999), "]".repeat(9999)));
    let summary = Summary::of(&parse(deep.as_bytes()).unwrap());
    assert_eq!(summary.detail.unwrap().returned.unwrap(), "[…]");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn every_detail_fits(name in ".{0,200}", output in ".{0,400}", tolerance in ".{0,400}", failed in any::<bool>()) {
        let status = if failed { "failed" } else { "succeeded" };
        let probe = json!({"activity": {"name": name, "tolerance": tolerance}, "status": status, "tolerance_met": false,
            "output": output, "exception": [output]});
        let journal = deviated(probe, json!({}));
        prop_assert!(detail(&journal).is_some());
    }
}
