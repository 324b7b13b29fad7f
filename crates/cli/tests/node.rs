//! The exit codes, the progress and the logs with real runs, on a node that has the operator: see `hack/test.sh docs`.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]

mod common;

use std::process::Command;

use rstest::rstest;
use serde_json::{Value, json};

use common::{Done, Home, done};

/// The cluster of the variable `KUBECONFIG`, and a directory for files.
struct Node {
    home: Home,
    config: String,
    name: String,
}

impl Node {
    /// For a test whose experiment has this name.
    fn of(name: &str) -> Self {
        let config =
            std::env::var("KUBECONFIG").unwrap_or_else(|_| panic!("KUBECONFIG names the cluster to test on"));
        let node = Self { home: Home::of("http://127.0.0.1:1"), config, name: format!("cli-{name}") };
        node.delete();
        node
    }

    fn run(&self, arguments: &[&str]) -> Done {
        done(self.home.command(arguments).env("KUBECONFIG", &self.config))
    }

    /// Runs an experiment with a spec around it, and returns what the command did.
    fn start(&self, spec: &Value, flags: &[&str]) -> Done {
        let object = json!({"apiVersion": "chaostoolkit.org/v1", "kind": "ChaosToolkitExperiment",
            "metadata": {"name": self.name, "namespace": "chaostoolkit-crd"}, "spec": spec});
        let file = self.home.file("object.json", &object.to_string());
        self.run(&[&["run", "-f", &file], flags].concat())
    }

    fn delete(&self) {
        let mut kubectl = Command::new("kubectl");
        kubectl.args([
            "-n",
            "chaostoolkit-crd",
            "delete",
            "ctk",
            &self.name,
            "--ignore-not-found",
            "--timeout=180s",
        ]);
        let deleted = done(kubectl.env("KUBECONFIG", &self.config));
        assert_eq!(deleted.code, 0, "{deleted:?}");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.delete();
        }
    }
}

/// A process as an activity.
fn activity(kind: &str, name: &str, path: &str, arguments: &str) -> Value {
    json!({"type": kind, "name": name, "provider": {"type": "process", "path": path, "arguments": arguments}})
}

fn probe(path: &str, arguments: &str) -> Value {
    let mut probe = activity("probe", "look", path, arguments);
    probe["tolerance"] = json!(0);
    json!({"title": "h", "probes": [probe]})
}

fn experiment(hypothesis: &Value, method: &Value, rollbacks: &Value) -> Value {
    let mut experiment = json!({"title": "t", "description": "d", "method": method, "rollbacks": rollbacks});
    if !hypothesis.is_null() {
        experiment["steady-state-hypothesis"] = hypothesis.clone();
    }
    json!({ "experiment": experiment })
}

/// An action that fails with an exception.
fn fails(name: &str) -> Value {
    json!({"type": "action", "name": name, "provider": {"type": "python", "module": "json", "func": "loads", "arguments": {"s": "{"}}})
}

fn passes() -> Value {
    experiment(&probe("ls", "/"), &json!([activity("action", "hello", "echo", "hello")]), &json!([]))
}

/// The hypothesis holds until the method has left a file.
fn deviates() -> Value {
    let mut hypothesis = probe("sh", "");
    hypothesis["probes"][0]["provider"]["arguments"] = json!(["-c", "[ -e /tmp/gone ] && exit 1 || exit 0"]);
    experiment(&hypothesis, &json!([activity("action", "remove", "touch", "/tmp/gone")]), &json!([]))
}

/// A probe of the hypothesis fails with an exception.
fn probe_fails() -> Value {
    let mut probe = fails("look");
    (probe["type"], probe["tolerance"]) = (json!("probe"), json!(true));
    experiment(&json!({"title": "h", "probes": [probe]}), &json!([]), &json!([]))
}

fn with(mut spec: Value, key: &str, value: Value) -> Value {
    spec[key] = value;
    spec
}

#[rstest]
#[case::passed("passed", passes(), &[], 0)]
#[case::deviated("deviated", deviates(), &[], 10)]
#[case::baseline("baseline", experiment(&probe("ls", "/nowhere"), &json!([]), &json!([])), &[], 11)]
#[case::probe_error("probe-error", probe_fails(), &[], 12)]
#[case::invalid("invalid", json!({"experiment": {"description": "d", "method": []}}), &[], 14)]
#[case::error("error", with(experiment(&json!(null), &json!([activity("action", "wait", "sleep", "120")]), &json!([])), "activeDeadlineSeconds", json!(15)), &[], 15)]
#[case::unknown("unknown", with(passes(), "pod", json!({"chaosArgs": ["info", "core"]})), &[], 16)]
#[case::inconclusive("inconclusive", experiment(&probe("ls", "/"), &json!([fails("fail")]), &json!([])), &[], 17)]
#[case::rollbacks("rollbacks", experiment(&probe("ls", "/"), &json!([]), &json!([fails("back")])), &[], 18)]
#[case::suspended("suspended", with(passes(), "suspend", json!(true)), &[], 19)]
#[case::blocked("blocked", json!({"pod": {"experiment": {"configMapName": "cli-missing"}}}), &["--timeout", "10s"], 19)]
#[case::too_late("too-late", experiment(&json!(null), &json!([activity("action", "wait", "sleep", "60")]), &json!([])), &["--timeout", "20s"], 124)]
#[case::allowed("allowed", experiment(&probe("ls", "/"), &json!([fails("fail")]), &json!([])), &["--allow", "inconclusive"], 0)]
#[ignore = "needs a node with the operator"]
fn each_end_has_its_code(#[case] name: &str, #[case] spec: Value, #[case] flags: &[&str], #[case] code: i32) {
    let node = Node::of(name);
    let done = node.start(&spec, &[&["--wait"], flags].concat());
    assert_eq!(done.code, code, "{done:?}");
    let again = node.run(&["wait", &node.name, "--timeout", "3s"]);
    let expected = if name == "allowed" { 17 } else { code };
    assert_eq!(again.code, expected, "the same, as long as nothing changes: {again:?}");
}

#[test]
#[ignore = "needs a node with the operator"]
fn a_run_that_is_aborted_has_its_code_and_plays_its_rollbacks() {
    let node = Node::of("aborted");
    let method = json!([activity("action", "wait", "sleep", "120")]);
    let spec = experiment(&json!(null), &method, &json!([activity("action", "back", "echo", "back")]));
    let started = node.start(&spec, &["--timeout", "15s", "--wait"]);
    assert_eq!(started.code, 124, "{started:?}");
    assert_eq!(node.run(&["abort", &node.name]).code, 0);
    let done = node.run(&["wait", &node.name]);
    assert_eq!(done.code, 13, "{done:?}");
    assert!(done.out.contains("rollbacks ✔ 1 played"), "{done:?}");
}

#[test]
#[ignore = "needs a node with the operator"]
fn what_the_toolkit_does_is_told_while_it_does_it() {
    let node = Node::of("followed");
    let done = node.start(&passes(), &["--follow"]);
    assert_eq!(done.code, 0, "{done:?}");
    let steps = [
        "checks the steady-state hypothesis",
        "probe look",
        "action hello",
        "Experiment ended with status: completed",
    ];
    let places: Vec<Option<usize>> = steps.iter().map(|step| done.err.find(step)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?} {done:?}");
    assert!(!done.out.contains("action hello"), "{done:?}");
}

#[test]
#[ignore = "needs a node with the operator, and three minutes"]
fn the_logs_of_all_runs_of_a_schedule_are_followed_as_they_come() {
    let node = Node::of("every-minute");
    let schedule = json!({"kind": "cronJob", "value": "* * * * *", "successfulRunsHistoryLimit": 3});
    let started = node.start(&with(passes(), "schedule", schedule), &[]);
    assert_eq!(started.code, 0, "{started:?}");
    let done = node.run(&["logs", "-f", &node.name, "--runs", "3"]);
    assert_eq!(done.code, 0, "{done:?}");
    let ends: Vec<&str> =
        done.out.lines().filter(|line| line.contains("Experiment ended with status: completed")).collect();
    assert_eq!(ends.len(), 3, "{done:?}");
    let mut pods: Vec<&str> = ends.iter().filter_map(|line| line.split_whitespace().next()).collect();
    pods.dedup();
    assert_eq!(pods.len(), 3, "each line names its pod: {done:?}");
    assert!(!done.out.contains("chaostoolkit-journal"), "{done:?}");
    let history = node.run(&["history", &node.name, "-o", "json"]);
    let runs: Value = serde_json::from_str(&history.out).unwrap();
    assert!(runs.as_array().is_some_and(|runs| runs.len() >= 2), "{history:?}");
}
