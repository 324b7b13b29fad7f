//! A status that was written by a later version, or by somebody else.

use serde_json::{Value, json};

use crate::{Experiment, Status};

/// A status that has every field.
fn full() -> Value {
    let time = "2026-01-01T00:00:00Z";
    let rollbacks = json!({"strategy": "always", "state": "Played", "total": 2, "failed": 1});
    let started = json!({"number": 1, "outcome": "Passed", "warnings": ["DryRun"], "exitCode": 1, "rollbacks": "Failed", "title": "t"});
    let run = json!({
        "number": 2, "trigger": "Rerun", "requestedBy": "u", "requestedAt": time, "specHash": "h", "jobName": "job", "podName": "pod",
        "podUid": "uid", "nodeName": "node", "startedAt": time, "finishedAt": time, "recordedAt": time, "durationSeconds": 3, "exitCode": 1,
        "signal": 9, "terminatedReason": "Error", "killed": true, "toolkit": {"version": "1", "lib": "2"},
        "experiment": {"title": "t", "source": "url", "sha256": "s"},
        "steadyState": {"before": "Met", "during": "NotMet", "after": "ProbeError"},
        "activities": {"total": 3, "succeeded": 2, "failed": 1}, "rollbacks": rollbacks,
        "journal": {"configMap": "map", "sha256": "s", "bytes": 5, "truncated": true, "problem": "p"},
        "starts": {"total": 2, "unobserved": 1}, "runs": [started], "logTail": "log",
        "heldSeconds": 1, "mutex": "database", "targets": {"total": 1, "namespaces": ["shop"], "drawn": "shop"},
        "stop": {"reason": "Frozen", "message": "m", "freeze": "ns/f", "at": time},
        "rescue": {"podName": "r", "podUid": "u", "requestedAt": time, "finishedAt": time, "rollbacks": rollbacks, "problem": "p"},
    });
    let mut past = run.clone();
    for (key, value) in
        [("phase", json!("Aborted")), ("result", json!("Passed")), ("outcome", json!("Passed"))]
    {
        past[key] = value;
    }
    (past["warnings"], past["conclusive"]) = (json!(["DryRun"]), json!(true));
    (past["reason"], past["message"]) = (json!("Passed"), json!("m"));
    json!({
        "observedGeneration": 4, "phase": "Completed", "result": "Deviated", "outcome": "Deviated", "conclusive": true,
        "warnings": ["DryRun", "ProbeFailed"], "reason": "Deviated", "message": "m", "suffix": "s", "runNamespace": "run",
        "run": run, "history": [past], "rerun": "1", "nonce": "n",
        "schedule": {"cron": "@daily", "timeZone": "Etc/UTC", "lastScheduleTime": time, "nextScheduleTime": time,
            "active": ["pod"], "stalledJob": "job", "missedUntil": time, "cronJobUids": ["u"], "jobUids": ["u"], "ended": [{"podUid": "u", "seenAt": time}],
            "givenUp": [{"jobName": "job", "reason": "Replaced", "message": "m", "trigger": "Manual", "requestedAt": time}],
            "released": [{"jobUid": "u", "requestedBy": "dev", "targets": {"total": 1, "namespaces": ["shop"], "drawn": "shop"}}],
            "stopped": [{"podUid": "u", "reason": "Frozen", "message": "m", "freeze": "ns/f", "at": time}],
            "mutex": {"name": "database", "jobUid": "u"}},
        "hold": {"reason": "Frozen", "since": time, "until": time},
        "counters": {"runs": 1, "passed": 2, "deviated": 3, "failed": 4, "aborted": 5, "skipped": 6},
        "resources": [{"kind": "Role", "namespace": "run", "name": "role", "adopted": true, "target": true, "uid": "u"}],
        "conditions": [{"type": "Finished", "status": "True", "reason": "Deviated", "message": "m", "observedGeneration": 4,
            "lastTransitionTime": time}],
    })
}

fn read(status: &Value) -> Status {
    let experiment = json!({"metadata": {"name": "exp"}, "status": status});
    let read: Experiment =
        serde_json::from_value(experiment).unwrap_or_else(|error| panic!("{error}: {status}"));
    read.status.unwrap_or_default()
}

/// The pointers of all values in a value.
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

/// Removes a value. Removes the whole list instead if the value is an entry of a list, or a field of an entry that is useless
/// without it.
fn without(mut status: Value, pointer: &str) -> Value {
    let whole = ["/conditions", "/schedule/ended"];
    let pointer = whole.into_iter().find(|list| pointer.starts_with(*list)).unwrap_or(pointer);
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match status.pointer_mut(parent) {
        Some(Value::Array(_)) => without(status, parent),
        Some(Value::Object(fields)) => {
            fields.remove(key);
            status
        }
        _ => status,
    }
}

/// Lists the fields of a schema that a value does not have.
fn missing(schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
        match value.get(key) {
            Some(value) => missing(inner, value, &format!("{at}/{key}"), found),
            None => found.push(format!("{at}/{key}")),
        }
    }
    if schema["items"].is_object() {
        missing(&schema["items"], &value[0], &format!("{at}/0"), found);
    }
}

#[test]
fn these_tests_know_every_field_of_the_status() {
    let schema = serde_json::to_value(&crate::crd().spec.versions[0].schema).unwrap();
    let schema = &schema["openAPIV3Schema"]["properties"]["status"];
    assert!(schema["properties"]["run"]["properties"].is_object());
    let mut found = Vec::new();
    missing(schema, &full(), "", &mut found);
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn a_status_is_read_as_it_was_written() {
    let status = full();
    assert_eq!(serde_json::to_value(read(&status)).unwrap(), status);
}

#[test]
fn a_field_that_cannot_be_read_is_the_only_one_that_is_lost() {
    let status = full();
    let all = pointers(&status, "");
    assert!(all.len() > 150, "{}", all.len());
    let unreadable = [
        json!("WordOfTomorrow"),
        json!(7.5),
        json!(u64::MAX),
        json!(true),
        json!(null),
        json!([]),
        json!([[{}]]),
        json!({}),
        json!({"a": 1}),
    ];
    for pointer in all {
        for odd in &unreadable {
            let mut changed = status.clone();
            *changed.pointer_mut(&pointer).unwrap() = odd.clone();
            let read = serde_json::to_value(read(&changed)).unwrap();
            let what = format!("{pointer} is {odd}: {read}");
            assert_eq!(without(read, &pointer), without(status.clone(), &pointer), "{what}");
        }
    }
}

#[test]
fn what_has_begun_or_ended_has_done_so_whatever_the_rest_says() {
    for odd in [json!("WordOfTomorrow"), json!(7), json!({}), json!([1])] {
        let mut status = full();
        status["run"]["finishedAt"] = odd.clone();
        status["run"]["podUid"] = odd.clone();
        status["run"]["rescue"]["finishedAt"] = odd.clone();
        status["run"]["rescue"]["podUid"] = odd.clone();
        let run = read(&status).run.unwrap();
        let rescue = run.rescue.clone().unwrap();
        assert!(run.finished_at.is_some() && run.pod_uid.is_some(), "{odd}");
        assert!(rescue.finished_at.is_some() && rescue.pod_uid.is_some(), "{odd}");
    }
    for odd in [json!("WordOfTomorrow"), json!(7), json!([1]), json!({"ended": true})] {
        let read = read(&json!({"run": odd}));
        assert!(read.is_finished(), "a run that cannot be read is not started again: {odd}");
    }
}

#[test]
fn a_word_of_a_later_version_stands_for_what_is_not_known() {
    let mut status = full();
    for pointer in
        ["/phase", "/outcome", "/result", "/run/trigger", "/run/rollbacks/state", "/history/0/phase"]
    {
        *status.pointer_mut(pointer).unwrap() = json!("WordOfTomorrow");
    }
    status["warnings"] = json!(["WordOfTomorrow", "DryRun"]);
    status["run"]["steadyState"]["during"] = json!("WordOfTomorrow");
    let read = serde_json::to_value(read(&status)).unwrap();
    assert_eq!(
        (&read["phase"], &read["outcome"], &read["result"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert_eq!(
        (&read["run"]["rollbacks"]["state"], &read["history"][0]["phase"]),
        (&json!("Unknown"), &json!("Failed"))
    );
    assert_eq!(read["warnings"], json!(["DryRun"]));
    assert_eq!(read["run"]["steadyState"]["before"], "Met");
    assert_eq!(read["run"]["steadyState"]["after"], "ProbeError");
}
