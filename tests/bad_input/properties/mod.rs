//! Properties that hold whatever an author, a template, a run or a status says. The fuzz targets in `fuzz/` try them on
//! bytes that a fuzzer finds, and this test program on objects that are made from the schema and from real journals.
//!
//! Each `hold` takes bytes as they arrive. It returns if they are nothing that the API server or the kubelet would hand
//! on, and panics if a property does not hold.

#![allow(dead_code, missing_docs, reason = "each fuzz target uses a part of this")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by a panic")]

pub mod experiments;
pub mod frames;
pub mod journals;
pub mod messages;
pub mod objects;
pub mod schedules;
pub mod statuses;
pub mod templates;

use chaostoolkit_api::{Experiment, Status};
use chaostoolkit_operator::experiment::intent::Intent;
use chaostoolkit_operator::experiment::judge::evidence::Evidence;
use chaostoolkit_operator::experiment::judge::pod_state::End;
use chaostoolkit_operator::experiment::judge::verdict::{Verdict, judge};
use chaostoolkit_operator::experiment::status::{Draft, events};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

/// The largest status of an experiment without a history, in bytes.
pub const LARGEST_STATUS: usize = 32 << 10;

/// The most starts of the toolkit that a status lists.
const MOST_STARTS: usize = 16;

/// The longest message of a status or an event, in bytes.
const LONGEST_MESSAGE: usize = 1024;

/// The deepest value that the reader of YAML takes.
const DEEPEST: usize = 100;

/// The time at which everything here happens.
pub fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}

/// The namespace of the operator and of the experiments.
pub const NAMESPACE: &str = "chaostoolkit-crd";

/// Returns the metadata of a stored experiment.
pub fn metadata() -> Value {
    json!({"name": "exp", "namespace": NAMESPACE, "uid": "123e4567-e89b-12d3-a456-426614174000", "generation": 1})
}

/// Returns an experiment whose pod runs.
fn running() -> Experiment {
    let run = json!({"number": 1, "podName": "chaostoolkit-a235f4ad3e", "podUid": "1", "trigger": "Created"});
    let status =
        json!({"phase": "Running", "suffix": "a235f4ad3e", "runNamespace": "chaostoolkit-run", "run": run});
    serde_json::from_value(json!({"metadata": metadata(), "spec": {}, "status": status})).unwrap()
}

/// Judges a run that has ended with this evidence, and records the end as a pass does. Checks what is written.
fn record(end: &End, evidence: &Evidence) -> Verdict {
    let experiment = running();
    let verdict = judge("chaostoolkit-a235f4ad3e", end, evidence);
    let mut draft = Draft::of(&experiment, now());
    draft.ended(end, evidence, &Intent::of(&experiment));
    written(&experiment, &draft.status, 0);
    assert_eq!(draft.status.outcome, Some(verdict.outcome), "the status has the outcome of the verdict");
    assert!(draft.status.is_finished(), "the run has ended");
    let starts = draft.status.run.map_or(0, |run| run.runs.len());
    assert!(starts <= MOST_STARTS, "{starts} starts are listed");
    verdict
}

/// Returns the end of a container that had a runner.
fn end(exit_code: Option<i32>, message: &str) -> End {
    End {
        started_at: Some(Time(now())),
        finished_at: Some(Time(now())),
        exit_code,
        message: message.to_owned(),
        has_runner: true,
        ..End::default()
    }
}

/// Checks a status that the operator is about to write: its size beyond what was there before, that it can be read again,
/// and the events that tell of it.
fn written(experiment: &Experiment, status: &Status, before: usize) {
    let text = serde_json::to_string(status).unwrap();
    assert!(text.len() <= LARGEST_STATUS + before, "{} bytes of status: {text:.2000}", text.len());
    let again: Status = serde_json::from_str(&text).unwrap();
    assert_eq!(&again, status, "the status is read as it was written");
    let old = experiment.status.clone().unwrap_or_default();
    for event in events::transitions(&old, status, true) {
        let note = event.note.unwrap_or_default();
        assert!(note.len() <= LONGEST_MESSAGE, "{} bytes of an event: {note:.2000}", note.len());
    }
}

/// Returns how many levels of lists and mappings a value has.
fn depth(value: &Value) -> usize {
    let inner = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(fields) => fields.values().map(depth).max(),
        _ => return 0,
    };
    1 + inner.unwrap_or_default()
}
