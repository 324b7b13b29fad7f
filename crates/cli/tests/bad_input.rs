//! What goes wrong: one sentence, what to do, exit code 1, and nothing half written.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]

mod common;

use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::{Value, json};

use common::{Done, Home, Server, command, done, experiment, list, status, unknown_kind};

const PLAIN: &str = r#"{"title": "t", "description": "d", "method": []}"#;

/// A failure is one line, and perhaps one more that says what to do.
fn is_told(done: &Done, code: i32, sentence: &str, hint: &str) {
    let lines: Vec<&str> = done.err.lines().collect();
    assert_eq!(done.code, code, "{done:?}");
    assert!(done.out.is_empty(), "{done:?}");
    assert!(lines[0].starts_with("error: ") && lines[0].contains(sentence), "{done:?}");
    assert!(lines.get(1).copied().unwrap_or_default().contains(hint), "{done:?}");
    assert!(lines.len() <= 2, "{done:?}");
}

#[test]
fn without_a_kubeconfig_there_is_no_cluster() {
    for arguments in [&["list"][..], &["get", "a"], &["run", "-f", "/dev/stdin"]] {
        if arguments[0] == "run" {
            let home = Home::of("http://127.0.0.1:1");
            let file = home.file("e.json", PLAIN);
            is_told(
                &done(&mut command(&["run", "-f", &file, "-q"])),
                1,
                "no cluster to talk to",
                "KUBECONFIG",
            );
        } else {
            is_told(&done(&mut command(arguments)), 1, "no cluster to talk to", "KUBECONFIG");
        }
    }
}

#[test]
fn a_context_that_is_not_there_is_named() {
    let home = Home::of("http://127.0.0.1:1");
    is_told(&home.run(&["list", "--context", "other"]), 1, "other", "get-contexts");
}

#[test]
fn a_cluster_that_is_not_there_is_named() {
    let home = Home::of("http://127.0.0.1:1");
    is_told(&home.run(&["list"]), 1, "http://127.0.0.1:1", "cluster-info");
}

#[test]
fn a_cluster_that_does_not_answer_is_not_waited_for() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let home = Home::of(&format!("http://{}", server.local_addr().unwrap()));
    let began = Instant::now();
    is_told(
        &home.run(&["get", "a", "--request-timeout", "1s"]),
        1,
        "no answer within 1s",
        "--request-timeout",
    );
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[rstest]
#[case::list(&["list"])]
#[case::list_as_json(&["list", "-o", "json"])]
#[case::get(&["get", "a"])]
#[case::wait(&["wait", "a"])]
#[case::abort(&["abort", "a"])]
#[case::suspend(&["suspend", "a"])]
#[case::next(&["next"])]
#[case::logs(&["logs", "a"])]
fn without_the_kind_the_operator_is_not_installed(#[case] arguments: &[&str]) {
    let server = Server::start(|_| Some((404, unknown_kind())));
    is_told(&Home::of(&server.address).run(arguments), 1, "the operator is not installed", "install");
}

#[rstest]
#[case::list(&["list"])]
#[case::get(&["get", "a"])]
#[case::rerun(&["rerun", "a"])]
#[case::watch(&["watch", "a"])]
#[case::all_journals(&["journal", "--all", "-o", "journals"])]
fn without_rights_the_words_of_the_api_server_are_passed_on(#[case] arguments: &[&str]) {
    let words = "chaosexperiments.chaostoolkit.org is forbidden: User \"dev\" cannot do that";
    let server = Server::start(move |_| Some((403, status(403, "Forbidden", words, ""))));
    let home = Home::of(&server.address);
    is_told(&home.run(arguments), 1, "User \"dev\" cannot do that", "kubectl auth can-i");
    assert!(!home.path("journals").exists());
}

#[rstest]
#[case(&["get", "gone"])]
#[case(&["history", "gone"])]
#[case(&["wait", "gone"])]
#[case(&["rerun", "gone"])]
#[case(&["abort", "gone"])]
#[case(&["rescue", "gone"])]
#[case(&["suspend", "gone"])]
#[case(&["resume", "gone"])]
#[case(&["logs", "gone"])]
#[case(&["journal", "gone"])]
#[case(&["diff", "gone"])]
#[case(&["next", "gone"])]
#[case(&["watch", "gone"])]
fn an_experiment_that_is_not_there_is_named(#[case] arguments: &[&str]) {
    let server = Server::start(|(_, path, _)| {
        let is_list = path.contains("chaosexperiments?");
        let missing = status(404, "NotFound", "chaosexperiments.chaostoolkit.org \"gone\" not found", "gone");
        Some(if is_list { (200, list(&[])) } else { (404, missing) })
    });
    let done = Home::of(&server.address).run(arguments);
    is_told(&done, 1, "there is no experiment \"gone\" in namespace chaostoolkit-crd", "list -A");
}

#[rstest]
#[case::no_file("missing.json", None, 1, "cannot read missing.json")]
#[case::not_json("e.json", Some("{"), 1, "e.json is not JSON")]
#[case::not_an_experiment("e.yaml", Some("a: 1"), 1, "it lacks `title` and `method`")]
#[case::something_else("e.yaml", Some("kind: Deployment"), 1, "kind \"Deployment\"")]
#[case::a_wrong_field(
    "e.yaml",
    Some("kind: ChaosToolkitExperiment\nmetadata: {name: x}\nspec: {namespace: kube-system}"),
    14,
    "spec.namespace"
)]
#[case::a_bad_name(
    "e.yaml",
    Some("kind: ChaosToolkitExperiment\nmetadata: {name: ../x}\nspec: {}"),
    1,
    "no valid name"
)]
fn a_file_that_makes_no_sense_creates_nothing(
    #[case] name: &str,
    #[case] text: Option<&str>,
    #[case] code: i32,
    #[case] sentence: &str,
) {
    let server = Server::start(|_| Some((500, json!({}))));
    let home = Home::of(&server.address);
    if let Some(text) = text {
        home.file(name, text);
    }
    is_told(&home.run(&["run", "-f", name]), code, sentence, "");
    assert!(server.asked().is_empty(), "{:?}", server.asked());
}

#[test]
fn an_experiment_that_has_run_is_not_run_again() {
    let ended = json!({"phase": "Completed", "result": "Passed", "outcome": "Passed",
        "run": {"number": 1, "podName": "p", "finishedAt": "2026-01-01T00:00:00Z"}});
    let server = Server::start(move |_| Some((200, experiment("e", &json!({}), &ended))));
    let home = Home::of(&server.address);
    let file = home.file("e.json", PLAIN);
    is_told(
        &home.run(&["run", "-f", &file, "-q"]),
        1,
        "has run already (Passed)",
        "rerun e -n chaostoolkit-crd",
    );
    assert!(server.writes().is_empty());
}

/// The `ConfigMap` of a journal, with these bytes in base64.
fn journal(name: &str, data: &str) -> Value {
    json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name}, "binaryData": {"journal.json.gz": data}})
}

#[test]
fn a_broken_journal_does_not_keep_the_others_from_being_saved() {
    // `{"a":1}`, gzipped.
    let good = "H4sIAAAAAAACA6tWSlSyMqwFAK+sG1YHAAAA";
    let server = Server::start(move |(_, path, _)| {
        let name = path.rsplit('/').next().unwrap_or_default();
        let answer = match name {
            "good" => journal("good", good),
            "bad" => journal("bad", "aGVsbG8="),
            _ => json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": {},
                "items": [{"metadata": {"name": "bad"}}, {"metadata": {"name": "good"}}]}),
        };
        Some((200, answer))
    });
    let home = Home::of(&server.address);
    let done = home.run(&["journal", "--all", "-o", "journals"]);
    assert_eq!((done.code, done.out.as_str()), (1, "journals/good.json\n"), "{done:?}");
    assert!(done.err.contains("warning: ConfigMap bad has a broken journal"), "{done:?}");
    assert!(done.err.contains("error: 1 journal could not be saved; the others are in journals"), "{done:?}");
    let saved: Vec<_> =
        std::fs::read_dir(home.path("journals")).unwrap().map(|one| one.unwrap().file_name()).collect();
    assert_eq!(saved, ["good.json"]);
    assert_eq!(std::fs::read_to_string(home.path("journals/good.json")).unwrap(), r#"{"a":1}"#);
}

#[test]
fn a_reader_that_has_gone_is_no_failure_to_tell_of() {
    let server = Server::start(|_| Some((200, list(&[experiment("e", &json!({}), &json!({}))]))));
    let home = Home::of(&server.address);
    let mut child = home.command(&["list", "-o", "json"]);
    let mut child =
        child.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
