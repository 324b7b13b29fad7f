//! The exit codes of commands that wait, with an API server that tells of runs.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]

mod common;

use std::process::{Command, Stdio};
use std::time::Duration;

use chaostoolkit_api::names::{JOURNAL_KEY, POD_UID_ANNOTATION};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use rstest::rstest;
use serde_json::{Value, json};

use common::{Home, Server, experiment, list};

const TIME: &str = "2026-01-01T00:00:00Z";

/// An API server with one experiment.
fn server(one: &Value) -> Server {
    let one = one.clone();
    Server::start(move |(method, path, _)| {
        let is_list = path.contains("chaosexperiments?") && !path.contains("watch=");
        if path.contains("watch=") {
            // Nothing happens: the connection stays open for a while.
            std::thread::sleep(Duration::from_secs(20));
            return Some((200, json!("")));
        }
        let is_write = method != "GET";
        Some((200, if is_list && !is_write { list(std::slice::from_ref(&one)) } else { one.clone() }))
    })
}

fn ended(outcome: &str, warnings: &Value) -> Value {
    json!({"observedGeneration": 1, "phase": "Completed", "outcome": outcome, "result": outcome, "warnings": warnings, "reason": outcome,
        "message": "m", "run": {"number": 1, "podName": "p", "podUid": "u", "startedAt": TIME, "finishedAt": TIME}})
}

fn blocked() -> Value {
    let permitted = json!({"type": "Permitted", "status": "False", "reason": "AuthorForbidden", "message": "may not create pods",
        "lastTransitionTime": TIME});
    json!({"observedGeneration": 1, "phase": "Blocked", "reason": "AuthorForbidden", "message": "may not", "conditions": [permitted]})
}

fn waits(phase: &str) -> Value {
    json!({"observedGeneration": 1, "phase": phase, "message": "m", "run": {"number": 1, "podName": "p"}})
}

fn runs() -> Value {
    let run = json!({"number": 1, "podName": "p", "podUid": "u", "startedAt": TIME});
    json!({"observedGeneration": 1, "phase": "Running", "runNamespace": "run", "run": run})
}

#[rstest]
#[case::passed(ended("Passed", &json!([])), &[], 0)]
#[case::deviated(ended("Deviated", &json!([])), &[], 10)]
#[case::baseline(ended("BaselineNotMet", &json!([])), &[], 11)]
#[case::probe_error(ended("ProbeError", &json!([])), &[], 12)]
#[case::interrupted(ended("Interrupted", &json!([])), &[], 13)]
#[case::aborted(ended("Aborted", &json!([])), &[], 13)]
#[case::invalid(ended("Invalid", &json!([])), &[], 14)]
#[case::error(ended("Error", &json!([])), &[], 15)]
#[case::unknown(ended("Unknown", &json!([])), &[], 16)]
#[case::inconclusive(ended("Passed", &json!(["ActivityFailed"])), &[], 17)]
#[case::rollbacks(ended("Passed", &json!(["RollbackFailed"])), &[], 18)]
#[case::may_not(blocked(), &[], 19)]
#[case::waits_for_something(waits("Blocked"), &["--timeout", "1s"], 19)]
#[case::goes_on(runs(), &["--timeout", "1s"], 124)]
#[case::allowed(ended("Deviated", &json!([])), &["--allow", "inconclusive,deviated"], 0)]
#[case::another_one_is_allowed(ended("Deviated", &json!([])), &["--allow", "baseline"], 10)]
#[case::rollbacks_do_not_count(ended("Deviated", &json!(["RollbackFailed"])), &["--allow", "rollbacks"], 10)]
#[case::need_not_start(blocked(), &["--allow", "not-started"], 0)]
fn the_exit_code_tells_how_a_run_ended(#[case] status: Value, #[case] flags: &[&str], #[case] expected: i32) {
    let server = server(&experiment("e", &json!({}), &status));
    let home = Home::of(&server.address);
    let done = home.run(&[&["wait", "e"], flags].concat());
    assert_eq!(done.code, expected, "{done:?}");
    let is_printed = done.out.lines().next().is_some_and(|line| line.contains(" chaostoolkit-crd/e@1"));
    assert_eq!(is_printed, status["phase"] == "Completed", "{done:?}");
    assert!(server.writes().is_empty(), "{:?}", server.writes());
}

#[rstest]
#[case::run(&["run", "-f", "e.yaml", "--wait"])]
#[case::rerun(&["rerun", "e", "--wait"])]
fn other_commands_that_wait_have_the_same_codes(#[case] arguments: &[&str]) {
    let mut status = ended("Deviated", &json!([]));
    // The fake does not take the annotation of a rerun, so the run that has ended is the one that is waited for. A schedule
    // may be applied again after its runs.
    if arguments[0] == "run" {
        status["run"] = json!(null);
        status["conditions"] = json!([{"type": "Finished", "status": "True", "reason": "InvalidSpec", "message": "",
            "lastTransitionTime": TIME}]);
    }
    let server = server(&experiment("e", &json!({}), &status));
    let home = Home::of(&server.address);
    home.file(
        "e.yaml",
        "apiVersion: chaostoolkit.org/v1\nkind: ChaosToolkitExperiment\nmetadata: {name: e}\nspec: {}\n",
    );
    let done = home.run(arguments);
    assert_eq!(done.code, if arguments[0] == "run" { 14 } else { 10 }, "{done:?}");
    let writes = server.writes();
    assert_eq!(writes.len(), 1, "{writes:?}");
    assert!(writes[0].1.contains("fieldManager=kubectl-chaostoolkit"), "{writes:?}");
}

#[test]
fn ctrl_c_ends_the_waiting_and_never_the_run() {
    let server = server(&experiment("e", &json!({}), &runs()));
    let home = Home::of(&server.address);
    let mut command = home.command(&["wait", "e"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while !server.asked().iter().any(|(_, path, _)| path.contains("watch=")) {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(130), &b""[..]), "{err}");
    assert!(
        err.contains("the run goes on") && err.contains("kubectl chaostoolkit abort e -n chaostoolkit-crd"),
        "{err}"
    );
    assert!(server.writes().is_empty());
}

#[rstest]
#[case::abort(&["abort", "e"], json!({"spec": {"abort": true}}))]
#[case::rescue(&["rescue", "e"], json!({"spec": {"rescue": true}}))]
#[case::suspend(&["suspend", "e"], json!({"spec": {"suspend": true}}))]
fn actions_are_the_fields_that_the_reference_names(#[case] arguments: &[&str], #[case] patch: Value) {
    let server = server(&experiment("e", &json!({}), &runs()));
    let done = Home::of(&server.address).run(arguments);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.out.starts_with("chaosexperiment.chaostoolkit.org/e "), "{done:?}");
    let writes = server.writes();
    assert_eq!(writes.len(), 1);
    assert_eq!((writes[0].0.as_str(), &writes[0].2), ("PATCH", &patch));
    assert!(writes[0].1.contains("fieldManager=kubectl-chaostoolkit"), "{writes:?}");
}

#[test]
fn data_goes_to_standard_output_alone_whatever_is_told_meanwhile() {
    let server = server(&experiment("e", &json!({}), &ended("Passed", &json!([]))));
    let home = Home::of(&server.address);
    let done = home.run(&["wait", "e", "-o", "json"]);
    let object: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((done.code, &object["metadata"]["name"]), (0, &json!("e")));
    let quiet = home.run(&["wait", "e", "-o", "name", "-q"]);
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("chaosexperiment.chaostoolkit.org/e\n", ""));
}

#[test]
fn the_journal_is_read_once_for_what_is_printed_and_for_all_reports() {
    let mut status = ended("Passed", &json!([]));
    status["run"]["journal"] = json!({"configMap": "the-journal", "sha256": "", "bytes": 1});
    let one = experiment("e", &json!({}), &status);
    let step = json!({"activity": {"type": "action", "name": "say-hello"}, "status": "succeeded"});
    let journal =
        json!({"status": "completed", "deviated": false, "experiment": {"title": "t"}, "run": [step]});
    let map = ConfigMap {
        metadata: ObjectMeta {
            name: Some("the-journal".to_owned()),
            annotations: Some([(POD_UID_ANNOTATION.to_owned(), "u".to_owned())].into()),
            ..ObjectMeta::default()
        },
        binary_data: Some([(JOURNAL_KEY.to_owned(), ByteString(journal.to_string().into_bytes()))].into()),
        ..ConfigMap::default()
    };
    let map = serde_json::to_value(map).unwrap();
    let server = Server::start(move |(_, path, _)| {
        let is_list = path.contains("chaosexperiments?");
        let is_map = path.contains("/configmaps/the-journal");
        let lists = || list(std::slice::from_ref(&one));
        let body = if is_map { map.clone() } else { one.clone() };
        Some((200, if is_list { lists() } else { body }))
    });
    let home = Home::of(&server.address);
    let done = home.run(&["wait", "e", "--report", "json=a.json", "--report", "markdown=b.md"]);
    assert!(done.code == 0 && done.out.contains("✔ succeeded say-hello"), "{done:?}");
    for file in ["a.json", "b.md"] {
        assert!(std::fs::read_to_string(home.path(file)).unwrap().contains("say-hello"), "{file}");
    }
    let asked = server.asked();
    assert_eq!(asked.iter().filter(|(_, path, _)| path.contains("configmaps")).count(), 1, "{asked:?}");
}
