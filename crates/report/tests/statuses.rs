//! Runs from statuses and ConfigMaps, and both joined.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]

mod common;

use std::io::Write;

use chaostoolkit_api::Experiment;
use chaostoolkit_journal::{Outcome, RunResult};
use chaostoolkit_report::{Format, Options, Report, Run, Style, join, render, terminal};
use common::{journal, reports};
use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::{Value, json};

fn experiment(status: &Value) -> Experiment {
    serde_json::from_value(json!({
        "apiVersion": "chaostoolkit.org/v1", "kind": "ChaosToolkitExperiment",
        "metadata": {"name": "pay", "namespace": "shop"}, "status": status,
    }))
    .unwrap()
}

/// An experiment with a past run, a skipped one and a current one.
fn three() -> Experiment {
    let run = |number: i32, uid: &str| {
        json!({"number": number, "trigger": "Rerun", "requestedBy": "dev", "podName": format!("chaostoolkit-{number}"),
            "podUid": uid, "startedAt": "2026-11-21T08:35:10Z", "finishedAt": "2026-11-21T08:35:20Z", "durationSeconds": 10,
            "nodeName": "node-1", "toolkit": {"version": "1.21.4", "lib": "1.45.1"},
            "experiment": {"title": "ok", "source": "inline", "sha256": "abc"},
            "steadyState": {"before": "Met", "during": "NotEvaluated", "after": "NotMet"},
            "rollbacks": {"strategy": "always", "state": "NotPlayed", "total": 2, "failed": 0},
            "rescue": {"podName": "r", "requestedAt": "2026-11-21T08:36:00Z", "finishedAt": "2026-11-21T08:37:00Z",
                "rollbacks": {"state": "Played", "total": 2, "failed": 0}}})
    };
    let mut past = run(1, "uid-1");
    past["phase"] = json!("Completed");
    past["outcome"] = json!("Passed");
    past["result"] = json!("Passed");
    past["conclusive"] = json!(true);
    past["reason"] = json!("Passed");
    let skipped = json!({"number": 0, "trigger": "Schedule", "podName": "", "phase": "Skipped", "outcome": "Unknown",
        "reason": "AuthorForbidden", "message": "the author lacks a right; token=abcdef"});
    experiment(&json!({
        "phase": "Aborted", "result": "Interrupted", "outcome": "Interrupted", "warnings": ["RollbacksNotPlayed"],
        "conclusive": false, "reason": "AbortRequested", "message": "somebody asked for it",
        "run": run(2, "uid-2"), "history": [skipped, past],
    }))
}

fn gzip(journal: &Value) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(journal.to_string().as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn config_map(uid: &str, run: i32, journals: &[(&str, &Value)]) -> ConfigMap {
    let mut map: ConfigMap = serde_json::from_value(json!({"metadata": {
        "name": format!("chaostoolkit-journal-x-{run}"), "namespace": "shop",
        "labels": {"chaostoolkit.org/run": run.to_string()},
        "annotations": {"chaostoolkit.org/experiment": "shop/pay", "chaostoolkit.org/pod-uid": uid, "chaostoolkit.org/truncated": "true"},
    }}))
    .unwrap();
    let data =
        journals.iter().map(|(key, journal)| ((*key).to_owned(), k8s_openapi::ByteString(gzip(journal))));
    map.binary_data = Some(data.collect());
    map
}

#[test]
fn the_runs_of_a_status_are_listed_from_the_oldest_on() {
    let runs = Run::from_status(&three());
    let labels: Vec<String> = runs.iter().map(|run| format!("{} {}", run.label(), run.word())).collect();
    assert_eq!(labels, ["shop/pay@1 Passed", "shop/pay Skipped", "shop/pay@2 Interrupted"]);
    assert_eq!(runs[1].message.as_deref(), Some("the author lacks a right; token=***"));
    for (format, text) in reports(runs) {
        for shown in ["AuthorForbidden", "the author lacks a right", "somebody asked for it", "shop/pay@2"] {
            let text = text.replace('│', "").split_whitespace().collect::<Vec<&str>>().join(" ");
            assert!(text.contains(shown), "{format} lacks {shown}: {text}");
        }
    }
}

#[test]
fn a_run_without_a_journal_shows_what_the_status_knows() {
    let runs = Run::from_status(&three());
    insta::assert_snapshot!("status.terminal", terminal::run(&runs[2], Style::default()));
    let text = render(&Report::new(vec![runs[2].clone()]), Format::Markdown, Style::default()).unwrap();
    insta::assert_snapshot!("status.markdown", text);
}

#[test]
fn an_experiment_that_waits_says_for_what() {
    let blocked = json!({"phase": "Blocked", "reason": "ConfigMapMissing", "message": "ConfigMap shop/experiment does not exist"});
    let runs = Run::from_status(&experiment(&blocked));
    let [run] = &runs[..] else { panic!("{runs:?}") };
    assert_eq!((run.word(), run.outcome, run.label().as_str()), ("Blocked", None, "shop/pay"));
    let text = terminal::run(run, Style::default());
    assert!(
        text.contains("○ Blocked shop/pay\n  ConfigMapMissing: ConfigMap shop/experiment does not exist"),
        "{text}"
    );
    assert!(Run::from_status(&experiment(&json!(null))).is_empty());
    assert!(
        Run::from_status(&experiment(&json!({"phase": "Scheduled", "schedule": {"cron": "* * * * *"}})))
            .is_empty()
    );
}

#[test]
fn a_journal_is_joined_with_the_run_of_its_pod() {
    let (good, other) = (journal("ok@1.21.4"), journal("ssh-after-dev@1.21.4"));
    let second = config_map("uid-2", 2, &[("journal.json.gz", &good), ("journal-2.json.gz", &other)]);
    let unknown = config_map("uid-9", 9, &[("journal.json.gz", &other)]);
    let read = |map: &ConfigMap| Run::from_config_map(map, Options::default()).unwrap();
    let journals: Vec<Run> = [read(&second), read(&unknown)].concat();
    let runs = join(Run::from_status(&three()), journals);
    let labels: Vec<String> = runs.iter().map(|run| format!("{} {}", run.label(), run.word())).collect();
    assert_eq!(
        labels,
        [
            "shop/pay@1 Passed",
            "shop/pay Skipped",
            "shop/pay@2 Interrupted",
            "shop/pay@2 (start 2) Deviated",
            "shop/pay@9 Deviated"
        ]
    );
    let joined = &runs[2];
    assert_eq!((joined.outcome, joined.result), (Some(Outcome::Interrupted), Some(RunResult::Interrupted)));
    assert_eq!((joined.method.len(), joined.requested_by.as_deref()), (1, Some("dev")));
    assert_eq!(joined.toolkit.version.as_deref(), Some("1.21.4"));
    assert_eq!(joined.source.journal.as_deref(), Some("ConfigMap shop/chaostoolkit-journal-x-2"));
    assert!(joined.source.truncated && joined.source.status);
    assert!(joined.rescue.is_some() && joined.experiment.sha256.is_some());
}

#[test]
fn a_config_map_without_a_good_journal_is_named() {
    let empty = config_map("u", 1, &[]);
    assert_eq!(
        Run::from_config_map(&empty, Options::default()).unwrap_err().to_string(),
        "ConfigMap shop/chaostoolkit-journal-x-1: holds no journal, since it has no key \"journal.json.gz\". Name a ConfigMap that the operator wrote"
    );
    let broken = config_map("u", 1, &[("journal.json.gz", &json!([]))]);
    assert_eq!(
        Run::from_config_map(&broken, Options::default()).unwrap_err().to_string(),
        "ConfigMap shop/chaostoolkit-journal-x-1: cannot be read as a journal: not a journal: JSON, but not an object. Name a file that `chaos run` wrote, or leave it out"
    );
}
