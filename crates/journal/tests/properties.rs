//! Properties that hold for any input, and for any damage to a journal.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]

mod common;

use chaostoolkit_journal::{MAX_BYTES, Outcome, Summary, classify, parse};
use common::cases;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Parses, judges and summarizes a journal. Returns `None` if the text is not a journal.
fn outcome(text: &[u8]) -> Option<Outcome> {
    let journal = parse(text).ok()?;
    let summary = Summary::of(&journal);
    let json = summary.to_json(MAX_BYTES);
    assert!(json.len() <= MAX_BYTES && serde_json::from_str::<Summary>(&json).is_ok(), "{json}");
    assert_eq!(summary.outcome, classify(&journal).outcome);
    Some(summary.outcome)
}

/// The keys and indices that lead from a document to one of its values.
type Path = Vec<String>;

/// Finds the paths of all values below `value`. Skips the values inside providers and outputs, which are never read.
fn paths(value: &Value, here: &Path, found: &mut Vec<Path>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect()
        }
        _ => Vec::new(),
    };
    for (step, child) in children {
        let path = [here.as_slice(), std::slice::from_ref(&step)].concat();
        if !["output", "provider"].contains(&step.as_str()) {
            paths(child, &path, found);
        }
        found.push(path);
    }
}

/// Replaces the value at a path, or removes it if `other` is `None`.
fn damaged(whole: &Value, path: &Path, other: Option<Value>) -> Value {
    let mut whole = whole.clone();
    let pointer = |path: &[String]| path.iter().flat_map(|step| ["/", step]).collect::<String>();
    let (last, parents) = path.split_last().unwrap();
    match (whole.pointer_mut(&pointer(parents)).unwrap(), other) {
        (Value::Object(fields), None) => drop(fields.remove(last)),
        (Value::Array(items), None) => drop(items.remove(last.parse().unwrap())),
        (parent, Some(other)) => *parent.pointer_mut(&pointer(std::slice::from_ref(last))).unwrap() = other,
        (_, None) => unreachable!(),
    }
    whole
}

fn replacements() -> Vec<Option<Value>> {
    let values = json!([
        null, true, false, 0, 1, -1.5, "", "x", "completed", "failed", "succeeded", "skip", "1.0.0", [], {},
        [null], [{}], [[]], {"a": 1}, {"status": "succeeded"}, {"steady_state_met": true},
        {"steady_state_met": true, "probes": []}
    ]);
    std::iter::once(None).chain(values.as_array().unwrap().iter().cloned().map(Some)).collect()
}

/// Returns whether a value is the only evidence of what happened. Another value then makes another valid journal.
///
/// - `steady_states/during`: an empty list means that nothing was evaluated during the method, as in most runs.
///   Removing one evaluation from the list also removes the only evidence of it.
/// - A line of `exception`: an older version that recorded an interruption as a failure reports it nowhere else.
///   Replacing the whole entry by one that succeeded also removes the only evidence.
///
/// All other evidence that one of these runs did not pass is there twice: `steady_state_met` and the probes; `deviated`
/// and the state after the method; `status` and the progress of the method and its activities. If a run were
/// interrupted only in its rollbacks, `status` alone would show it. None of these runs was.
fn is_only_evidence(path: &Path, other: Option<&Value>) -> bool {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["steady_states", "during"] => other == Some(&json!([])),
        ["steady_states", "during", _] => other.is_none(),
        ["run" | "rollbacks", _, "exception", _] => other.is_none_or(Value::is_string),
        ["run" | "rollbacks", _] => other == Some(&json!({"status": "succeeded"})),
        _ => false,
    }
}

#[test]
fn no_damage_turns_another_outcome_into_passed() {
    let mut tried = 0;
    for case in cases() {
        if case.expected["outcome"] == "passed" {
            continue;
        }
        let mut found = Vec::new();
        paths(&case.journal, &Vec::new(), &mut found);
        // The evaluations during the method are all alike. The second is the first that was not met, so two suffice.
        let alike = |path: &Path| {
            path.get(1).is_some_and(|key| key == "during")
                && path.get(2).is_some_and(|index| index.as_str() > "1")
        };
        for path in found.into_iter().filter(|path| !alike(path)) {
            for other in replacements() {
                if is_only_evidence(&path, other.as_ref()) {
                    continue;
                }
                tried += 1;
                let text = damaged(&case.journal, &path, other.clone()).to_string();
                let verdict = parse(text.as_bytes()).map(|journal| classify(&journal).outcome);
                assert_ne!(verdict, Ok(Outcome::Passed), "{}: {} = {other:?}", case.name, path.join("/"));
            }
        }
    }
    assert!(tried > 10_000, "{tried}");
}

#[test]
fn a_truncated_journal_has_no_verdict() {
    for case in cases() {
        for text in [case.journal.to_string(), serde_json::to_string_pretty(&case.journal).unwrap()] {
            // Each of the last positions, and a sample of the others. All of them would take too long.
            let some = (0..text.len()).step_by(text.len() / 80 + 1);
            for end in some.chain(text.len().saturating_sub(50)..text.len()) {
                assert!(parse(&text.as_bytes()[..end]).is_err(), "{} to {end}", case.name);
            }
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,200}".prop_map(Value::from),
        prop_oneof![
            Just("completed"),
            Just("failed"),
            Just("succeeded"),
            Just("2026-11-21T07:51:32"),
            Just("-009999-01-01T00:00:00"),
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..8)
                .prop_map(|fields| fields.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    const KEYS: &[&str] = &[
        "status",
        "deviated",
        "steady_states",
        "before",
        "during",
        "after",
        "steady_state_met",
        "probes",
        "run",
        "rollbacks",
        "experiment",
        "title",
        "dry",
        "steady-state-hypothesis",
        "method",
        "runtime",
        "hypothesis",
        "strategy",
        "start",
        "end",
        "duration",
        "chaoslib-version",
        "activity",
        "name",
        "exception",
    ];
    prop_oneof![9 => prop::sample::select(KEYS).prop_map(str::to_owned), 1 => ".{0,9}"]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn any_bytes_are_handled(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        outcome(&bytes);
    }

    #[test]
    fn any_json_is_handled(value in any_json(), status in key()) {
        let mut value = value;
        if let Value::Object(fields) = &mut value {
            fields.insert("run".into(), json!([{"status": status}]));
        }
        outcome(value.to_string().as_bytes());
    }

    /// Puts any value at any place of any journal, and then changes some bytes.
    #[test]
    fn any_damage_is_handled(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(),
                             value in any_json(), bytes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3)) {
        let case = which.get(cases());
        let mut found = Vec::new();
        paths(&case.journal, &Vec::new(), &mut found);
        let path = &found[at.index(found.len())];
        let mut text = damaged(&case.journal, path, Some(value)).to_string().into_bytes();
        outcome(&text);
        for (index, byte) in bytes {
            let index = index.index(text.len());
            text[index] = byte;
        }
        outcome(&text);
    }

    /// Tries long names, and many of them.
    #[test]
    fn every_summary_fits(title in ".{0,200}", names in prop::collection::vec(".{0,100}", 0..100), limit in 2usize..5000) {
        let run: Vec<Value> = names.iter().map(|name| json!({"activity": {"name": name}, "status": "failed"})).collect();
        let text = json!({"status": "completed", "run": run, "chaoslib-version": title,
            "experiment": {"title": title, "runtime": {"rollbacks": {"strategy": title}}}});
        let summary = Summary::of(&parse(text.to_string().as_bytes()).unwrap());
        let json = summary.to_json(limit);
        prop_assert!(json.len() <= limit.min(MAX_BYTES));
        prop_assert!(serde_json::from_str::<Summary>(&json).is_ok(), "{}", json);
    }
}
