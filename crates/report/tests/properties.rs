//! Whatever a journal holds, each format is well-formed, and nothing in it is obeyed.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]

mod common;

use chaostoolkit_report::{Format, Options, Run};
use common::{journal, reports};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Texts that would do harm if a format did not escape them.
const HARMFUL: [&str; 10] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "</style></title><iframe src=//h>",
    "]]><x/>&lt;&#0;",
    "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m",
    "| x | `y` |\n# heading\n- @user #1 https://host/path",
    "![x](https://host/pixel.png) [y](javascript:alert(1))",
    "```\n</details><h1>",
    "\u{202e}reversed\u{2028}line\0",
    "NaN",
];

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        prop::sample::select(HARMFUL.to_vec()).prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
        prop::sample::select(vec![
            "succeeded",
            "failed",
            "completed",
            "probe",
            "python",
            "http",
            "2026-11-21T08:35:14"
        ])
        .prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let key = prop::sample::select(vec![
        "name",
        "type",
        "provider",
        "arguments",
        "output",
        "status",
        "exception",
        "tolerance",
        "url",
        "title",
        "start",
        "duration",
        "data",
        "result",
        "resultType",
        "metric",
        "value",
        "values",
        "latencies",
        "stdout",
        "high",
    ]);
    leaf().prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(key.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// A journal of a real run in which some values were replaced.
fn changed() -> impl Strategy<Value = Value> {
    let pointers = pointers(&journal("during-continuously@1.21.4"), "");
    let names = prop::sample::select(vec!["during-continuously@1.21.4", "rb-fail@1.9.4", "ok@1.0.0"]);
    (names, prop::collection::vec((prop::sample::select(pointers), value()), 0..12)).prop_map(
        |(name, changes)| {
            let mut journal = journal(name);
            for (pointer, value) in changes {
                if let Some(place) = journal.pointer_mut(&pointer) {
                    *place = value;
                }
            }
            journal
        },
    )
}

fn pointers(value: &Value, at: &str) -> Vec<String> {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (format!("{at}/{key}"), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, value)| (format!("{at}/{index}"), value)).collect()
        }
        _ => Vec::new(),
    };
    inner.iter().flat_map(|(at, value)| [vec![at.clone()], pointers(value, at)].concat()).collect()
}

fn check(journal: &Value, outputs: bool) {
    let bytes = journal.to_string();
    let Ok(run) = Run::from_journal("<file>\u{1b}.json", bytes.as_bytes(), Options { outputs }) else {
        return;
    };
    check_runs(vec![run.clone(), run]);
}

fn check_runs(runs: Vec<Run>) {
    for (format, text) in reports(runs) {
        assert!(!text.chars().any(|letter| letter.is_control() && letter != '\n'), "{format}: {text:?}");
        match format {
            Format::Html => check_html(&text),
            Format::Markdown => check_markdown(&text),
            Format::Junit => {
                quick_junit::Report::deserialize_from_str(&text)
                    .unwrap_or_else(|error| panic!("{error}: {text}"));
            }
            Format::Ctrf => check_ctrf(&serde_json::from_str(&text).unwrap()),
            Format::Json => {
                let value: Value = serde_json::from_str(&text).unwrap();
                assert_eq!((&value["kind"], &value["version"]), (&json!("ChaosToolkitReport"), &json!(1)));
            }
            _ => {}
        }
    }
}

/// What the schema of CTRF asks for and a journal could break. `make test-reports` checks examples with the schema itself.
fn check_ctrf(report: &Value) {
    let results = &report["results"];
    let tests = results["tests"].as_array().unwrap();
    let mut counts = [("passed", 0), ("failed", 0), ("skipped", 0)];
    for test in tests {
        let status = test["status"].as_str().unwrap();
        counts.iter_mut().find(|(word, _)| *word == status).unwrap().1 += 1;
        assert!(!test["name"].as_str().unwrap().is_empty() && test["duration"].is_u64(), "{test}");
        assert!(test["suite"].as_array().unwrap().iter().all(Value::is_string), "{test}");
        assert!(test.get("start").is_none_or(Value::is_u64), "{test}");
        for text in ["message", "trace", "rawStatus"] {
            assert!(test.get(text).is_none_or(Value::is_string), "{test}");
        }
    }
    for (word, count) in counts {
        assert_eq!(results["summary"][word], count);
    }
    assert_eq!(results["summary"]["tests"], tests.len());
    assert!(results["summary"]["start"].is_u64() && results["summary"]["stop"].is_u64());
}

/// Only the elements and attributes of the writer are there, and each element that begins ends.
fn check_html(text: &str) {
    const VOID: [&str; 2] = ["meta", "!DOCTYPE"];
    let body = text.replace(&text[text.find("<style>").unwrap()..text.find("</style>").unwrap()], "<style>");
    let mut open: Vec<&str> = Vec::new();
    for tag in body.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').unwrap_or_else(|| panic!("no end: {tag}"));
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{tag}");
            continue;
        }
        let name = tag.split_whitespace().next().unwrap();
        assert!(!["script", "img", "iframe", "x", "h"].contains(&name), "{tag}");
        for attribute in ["src=", "onerror=", "onload=", "http-equiv=\"refresh"] {
            let outside = tag.split('"').step_by(2).collect::<String>();
            assert!(!outside.contains(attribute), "{tag}");
        }
        let link = tag.split("href=\"").nth(1);
        assert!(link.is_none_or(|link| link.starts_with('#')), "{tag}");
        if !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert_eq!(open, Vec::<&str>::new());
}

/// Outside of code, nothing is HTML but what the writer makes, and nothing is linked.
fn check_markdown(text: &str) {
    let mut fence: Option<String> = None;
    for line in text.lines() {
        match &fence {
            Some(end) => {
                if line == end {
                    fence = None;
                }
                continue;
            }
            None if line.starts_with("```") => {
                fence = Some(line.trim_end_matches("text").to_owned());
                continue;
            }
            None => {}
        }
        let plain = without_code(line);
        let known = ["<details><summary>", "</summary>", "</details>"];
        let rest = known.iter().fold(plain.clone(), |rest, known| rest.replace(known, ""));
        assert!(!rest.contains('<') && !rest.contains("://") && !rest.contains(" @user"), "{line}");
        assert!(!rest.replace("\\[", "").contains("[y"), "{line}");
    }
    assert_eq!(fence, None, "{text}");
}

/// A line without its spans of code.
fn without_code(line: &str) -> String {
    let (mut plain, mut rest) = (String::new(), line);
    while let Some(at) = rest.find('`') {
        let run = rest[at..].len() - rest[at..].trim_start_matches('`').len();
        if rest[..at].ends_with('\\') {
            plain.push_str(&rest[..=at]);
            rest = &rest[at + 1..];
            continue;
        }
        plain.push_str(&rest[..at]);
        let fence = "`".repeat(run);
        let Some(end) = rest[at + run..].find(&fence) else { return plain + &rest[at..] };
        rest = &rest[at + run + end + run..];
    }
    plain + rest
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_value_as_a_journal(status in value(), run in value(), states in value(), experiment in value(), rest in value()) {
        let journal = json!({
            "status": status, "run": run, "steady_states": states, "experiment": experiment, "rollbacks": rest.clone(),
            "start": rest, "interruption": rest, "platform": rest,
        });
        check(&journal, true);
    }

    #[test]
    fn a_real_journal_with_values_replaced(journal in changed(), outputs in any::<bool>()) {
        check(&journal, outputs);
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let gzip: Vec<u8> = [0x1f, 0x8b, 8, 0].into_iter().chain(bytes.iter().copied()).collect();
        prop_assert!(Run::from_journal("f", &gzip, Options::default()).is_err());
        prop_assert!(Run::from_journal("f", &bytes, Options::default()).is_err());
    }
}

#[test]
fn harmful_texts_in_a_status() {
    for harmful in HARMFUL {
        let run = json!({
            "number": 2, "podName": harmful, "podUid": harmful, "nodeName": harmful, "requestedBy": harmful,
            "toolkit": {"version": harmful, "lib": harmful},
            "experiment": {"title": harmful, "source": harmful, "sha256": harmful},
            "rollbacks": {"strategy": harmful, "state": "Failed", "total": -1, "failed": 3},
            "journal": {"sha256": harmful, "bytes": 1, "problem": harmful},
            "rescue": {"podName": harmful, "problem": harmful},
        });
        let mut past = run.clone();
        past["number"] = json!(1);
        (past["phase"], past["outcome"], past["reason"], past["message"]) =
            (json!("Failed"), json!("Error"), json!(harmful), json!(harmful));
        let experiment = json!({
            "metadata": {"name": harmful, "namespace": harmful},
            "status": {"phase": "Failed", "reason": harmful, "message": harmful, "run": run, "history": [past]},
        });
        let runs = Run::from_status(&serde_json::from_value(experiment).unwrap());
        assert_eq!(runs.len(), 2);
        check_runs(runs);
    }
}

#[test]
fn harmful_texts_everywhere() {
    for harmful in HARMFUL {
        let activity = json!({
            "activity": {"type": "probe", "name": harmful, "tolerance": harmful, "background": true,
                "provider": {"type": harmful, "path": harmful, "arguments": {harmful: harmful}}},
            "output": {harmful: harmful}, "exception": [harmful], "status": "failed", "tolerance_met": false,
        });
        let journal = json!({
            "status": "failed", "platform": harmful, "node": harmful, "chaoslib-version": harmful,
            "experiment": {"title": harmful, "description": harmful, "tags": [harmful], "contributions": {harmful: "high"},
                "configuration": {harmful: harmful}, "method": [{"name": harmful}, {"name": harmful}],
                "steady-state-hypothesis": {"title": harmful, "probes": [activity]}},
            "steady_states": {"before": {"steady_state_met": false, "probes": [activity]}, "during": [], "after": null},
            "run": [activity], "rollbacks": [activity], "interruption": {"name": harmful},
        });
        check(&journal, true);
        check(&journal, false);
    }
}
