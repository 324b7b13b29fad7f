//! The verdict on recorded runs of four versions of the toolkit, as if each had run in a pod of ours.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::ended;
use crate::experiment::judge::evidence::Evidence;
use crate::experiment::judge::tail::plain_tail;
use crate::experiment::judge::verdict::judge;
use chaostoolkit_api::Text;
use chaostoolkit_journal::message::Message;
use chaostoolkit_journal::{Summary, parse};

/// The outcome, the result and the reason of each run. A version is named if it differs from the others.
const EXPECTED: &[(&str, [&str; 3])] = &[
    ("act-http", ["Passed", "Inconclusive", "Inconclusive"]),
    ("act-nonzero", ["Passed", "Passed", "Passed"]),
    ("act-pyraise", ["Passed", "Inconclusive", "Inconclusive"]),
    ("ctl-interrupt", ["Interrupted", "Interrupted", "Interrupted"]),
    ("ctl-interrupt@1.0.0", ["Aborted", "Aborted", "Aborted"]),
    ("during-continuously", ["Deviated", "Deviated", "Deviated"]),
    ("during-continuously@1.0.0", ["Invalid", "Invalid", "ArgumentsInvalid"]),
    ("emptymethod", ["Passed", "Passed", "Passed"]),
    ("emptymethod@1.0.0", ["Invalid", "Invalid", "ExperimentInvalid"]),
    ("invalid-notitle", ["Invalid", "Invalid", "ExperimentInvalid"]),
    ("long-proc-always-sigint", ["Interrupted", "Interrupted", "Interrupted"]),
    ("long-proc-always-sigint@1.0.0", ["Invalid", "Invalid", "ArgumentsInvalid"]),
    ("long-proc-sigint", ["Interrupted", "Interrupted", "Interrupted"]),
    ("long-py-always-sigterm", ["Interrupted", "Interrupted", "Interrupted"]),
    ("long-py-always-sigterm@1.0.0", ["Invalid", "Invalid", "ArgumentsInvalid"]),
    ("m20", ["Passed", "Passed", "Passed"]),
    ("missing-env", ["Invalid", "Invalid", "ConfigurationMissing"]),
    ("nossh", ["Passed", "Passed", "Passed"]),
    ("ok", ["Passed", "Passed", "Passed"]),
    ("rb-fail", ["Passed", "Passed", "Passed"]),
    ("ssh-after-dev", ["Deviated", "Deviated", "Deviated"]),
    ("ssh-before-crash", ["ProbeError", "ProbeError", "ProbeError"]),
    ("ssh-before-tol", ["BaselineNotMet", "BaselineNotMet", "BaselineNotMet"]),
    ("unexpected-no-validation", ["Passed", "Passed", "Passed"]),
];

#[test]
fn each_recorded_run_has_its_result() {
    let mut seen = BTreeMap::new();
    for entry in fs::read_dir(format!("{}/tests/journals", env!("CARGO_MANIFEST_DIR"))).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let run: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let code = i32::try_from(run["exitCode"].as_i64().unwrap()).unwrap();
        let journal = Some(&run["journal"]).filter(|journal| journal.is_object());
        let summary = journal.map(|journal| Summary::of(&parse(journal.to_string().as_bytes()).unwrap()));
        let log_tail = Some(plain_tail(run["stderrTail"].as_str().unwrap())).filter(|_| summary.is_none());
        let (end, message) = ended(code);
        let message = Message { summary: summary.clone(), ..message };
        let evidence = Evidence { message: Some(message), summary, log_tail, ..Evidence::default() };
        let verdict = judge("pod", &end, &evidence);
        let found = [verdict.outcome.as_str(), verdict.rating().result.as_str(), verdict.reason.as_str()];
        let (family, _) = name.split_once('@').unwrap();
        let row = |name: &str| EXPECTED.iter().find(|(known, _)| *known == name);
        let (row, expected) = row(&name).or_else(|| row(family)).unwrap();
        assert_eq!(found, *expected, "{name}: {}", verdict.message);
        *seen.entry(*row).or_insert(0) += 1;
    }
    assert_eq!(seen.values().sum::<i32>(), 76);
    assert_eq!(seen.len(), EXPECTED.len(), "a row is not used");
}
