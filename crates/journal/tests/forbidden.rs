//! Rights that activities lacked, in the journals of real runs of four versions of chaosk8s against a real API server.
//!
//! `hack/chaosk8s/refused.py` made `forbidden.json`, and says how.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]

use chaostoolkit_journal::{MAX_BYTES, Outcome, Summary, Warning, parse};
use serde_json::{Value, json};

const ACCOUNT: &str = "system:serviceaccount:shop:nobody";

/// The runs with this name, by the version of chaosk8s.
fn runs(name: &str) -> Vec<(String, Value)> {
    let runs: Vec<Value> = serde_json::from_str(include_str!("forbidden.json")).unwrap();
    let of_name = runs.into_iter().filter(|run| run["run"] == name);
    let found: Vec<(String, Value)> = of_name
        .map(|mut run| (run["chaosk8s"].as_str().unwrap().to_owned(), run["journal"].take()))
        .collect();
    let versions: Vec<&str> = found.iter().map(|(version, _)| version.as_str()).collect();
    assert_eq!(versions, ["0.22.0", "0.26.4", "0.34.0", "0.39.0"]);
    found
}

fn summary(journal: &Value) -> Summary {
    Summary::of(&parse(journal.to_string().as_bytes()).unwrap())
}

fn rights(summary: &Summary) -> Vec<String> {
    assert!(summary.forbidden.iter().all(|right| right.user == ACCOUNT), "{:?}", summary.forbidden);
    summary.forbidden.iter().map(ToString::to_string).collect()
}

#[test]
fn each_right_that_an_activity_lacked_is_found_once() {
    for (version, journal) in runs("refused") {
        let summary = summary(&journal);
        // Later versions of chaosk8s scale the Deployment itself.
        let scaled = if version == "0.22.0" { "deployments/scale" } else { "deployments" };
        assert_eq!(
            rights(&summary),
            [
                "list pods in namespace shop".to_owned(),
                "patch statefulsets.apps \"web\" in namespace shop".to_owned(),
                "delete services \"web\" in namespace shop".to_owned(),
                format!("patch {scaled}.apps \"web\" in namespace shop"),
                "list nodes \"a\" in the whole cluster".to_owned(),
                "delete deployments.apps \"web\" in namespace shop".to_owned(),
            ],
            "{version}"
        );
        assert!(summary.warnings.contains(&Warning::ActivityForbidden), "{version}");
    }
}

#[test]
fn a_probe_of_the_hypothesis_counts() {
    for (version, journal) in runs("hypothesis") {
        let summary = summary(&journal);
        assert_eq!(rights(&summary), ["list pods in namespace shop"], "{version}");
        assert_eq!(summary.outcome, Outcome::ProbeError, "{version}");
    }
}

#[test]
fn what_a_probe_is_expected_to_return_does_not_count() {
    for (version, mut journal) in runs("tolerated") {
        let before = summary(&journal);
        assert_eq!((before.forbidden.len(), before.outcome), (0, Outcome::Passed), "{version}");
        assert!(!before.warnings.contains(&Warning::ActivityForbidden), "{version}");
        journal["steady_states"]["before"]["probes"][0]["tolerance_met"] = json!(false);
        assert_eq!(rights(&summary(&journal)), ["list secrets in namespace shop"], "{version}");
    }
}

#[test]
fn what_admission_refuses_is_no_missing_right() {
    for (version, journal) in runs("admission") {
        assert!(journal.to_string().matches("is forbidden: ").count() >= 3, "{version}");
        let summary = summary(&journal);
        assert_eq!(summary.forbidden, [], "{version}");
        assert_eq!(summary.activities.failed, 2, "{version}");
        assert!(!summary.warnings.contains(&Warning::ActivityForbidden), "{version}");
    }
}

#[test]
fn texts_elsewhere_in_a_journal_do_not_count() {
    let sentence = "pods is forbidden: User \"a\" cannot list resource \"pods\" in API group \"\" in the namespace \"x\"";
    let (_, mut journal) = runs("tolerated").remove(0);
    journal["experiment"]["description"] = json!(sentence);
    journal["experiment"]["method"] = json!([{"name": sentence, "provider": {"arguments": [sentence]}}]);
    let entry = |status: &str, output: Value| json!({"activity": {"name": sentence}, "status": status, "output": output});
    journal["run"] = json!([
        // The log of somebody else's program.
        entry("succeeded", json!(sentence)),
        entry("succeeded", json!({"logs": sentence})),
        entry("succeeded", json!([sentence])),
        entry("succeeded", json!({"status": 0, "stdout": sentence})),
        entry("succeeded", json!({"status": 200, "body": sentence})),
        entry("succeeded", json!({"status": "failed", "body": sentence})),
    ]);
    assert_eq!(summary(&journal).forbidden, []);
    journal["run"][3]["output"]["status"] = json!(1);
    assert_eq!(summary(&journal).forbidden.len(), 1);
}

#[test]
fn the_first_right_is_left_out_late() {
    let (_, journal) = runs("refused").remove(3);
    let summary = summary(&journal);
    let read = |limit| serde_json::from_str::<Summary>(&summary.to_json(limit)).unwrap();
    assert_eq!(read(MAX_BYTES).forbidden, summary.forbidden);
    let counts: Vec<usize> = (2..=MAX_BYTES).step_by(16).map(|limit| read(limit).forbidden.len()).collect();
    assert!(counts.is_sorted() && counts.contains(&1), "{counts:?}");
    let first = counts.iter().position(|count| *count == 1).unwrap() * 16 + 2;
    assert!(read(first).detail.is_none() && read(first).steps.is_empty());
}
