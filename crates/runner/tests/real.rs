//! Tests with a real Chaos Toolkit: `CHAOS=/venv/bin/chaos cargo test -p chaostoolkit-runner --test real -- --ignored`.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests panic to fail")]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::process::{Child, Command, Output};
use std::time::Duration;

use chaostoolkit_journal::{Outcome, RollbackState};
use common::*;
use rstest::rstest;
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

/// A Python module for activities.
const SLOW: &str = "
import os, time
def wait(name, seconds):
    open(os.path.join(os.environ['OUT'], name), 'w').close()
    time.sleep(seconds)
    open(os.path.join(os.environ['OUT'], name + '-end'), 'w').close()
    return name
";

fn python(name: &str, seconds: f64) -> Value {
    let arguments = json!({"name": name, "seconds": seconds});
    json!({"type": "action", "name": name, "provider": {"type": "python", "module": "slow", "func": "wait", "arguments": arguments}})
}

fn process(name: &str, line: &str) -> Value {
    let arguments = format!("-c '{line}'");
    json!({"type": "action", "name": name, "provider": {"type": "process", "path": "/bin/sh", "arguments": arguments}})
}

fn experiment(method: &[Value]) -> Value {
    let rollbacks = [python("undo1", 1.0), process("undo2", "sleep 0.5; touch $OUT/undo2-end")];
    json!({"version": "1.0.0", "title": "t", "description": "d", "tags": ["a"], "method": method, "rollbacks": rollbacks})
}

/// Creates a sandbox with a real toolkit.
fn sandbox(experiment: &Value) -> Sandbox {
    let sandbox = Sandbox::new("");
    let chaos = std::env::var("CHAOS").expect("CHAOS is the path of a Chaos Toolkit");
    fs::remove_file(sandbox.path("bin/chaos")).unwrap();
    symlink(chaos, sandbox.path("bin/chaos")).unwrap();
    fs::write(sandbox.path("bin/slow.py"), SLOW).unwrap();
    fs::write(sandbox.path("work/x.json"), experiment.to_string()).unwrap();
    sandbox
}

/// Starts the runner, as PID 1 if `as_pid1` is set.
fn start(sandbox: &Sandbox, as_pid1: bool, line: &[&str]) -> Child {
    let (dir, message) = (sandbox.path("dir"), sandbox.path("message"));
    let mut command =
        if as_pid1 { Command::new("unshare") } else { Command::new(sandbox.path("dir/chaos-runner")) };
    sandbox.with_env(&mut command).env("PYTHONPATH", sandbox.path("bin"));
    command.env("CHAOS", std::env::var("CHAOS").unwrap());
    if as_pid1 {
        command.args(UNSHARE).arg(sandbox.path("dir/chaos-runner"));
    }
    command.arg("run").arg(dir).arg("--message").arg(message).arg("--").args(line);
    command.spawn().unwrap()
}

fn stop(child: &Child, as_pid1: bool) {
    let pid = if as_pid1 { runner_pid(child) } else { pid(child) };
    kill_process(pid, Signal::TERM).unwrap();
}

fn has_output(sandbox: &Sandbox, name: &str) -> bool {
    sandbox.path(&format!("out/{name}")).exists()
}

/// Asks the toolkit for its version.
fn version() -> (u32, u32) {
    let said = Command::new(std::env::var("CHAOS").unwrap()).arg("--version").output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    let mut numbers =
        said.trim().rsplit(' ').next().unwrap().split('.').map(|number| number.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

/// Asserts that the method was cut short, and that all rollbacks were played.
fn assert_clean_stop(sandbox: &Sandbox, output: &Output) {
    let log = String::from_utf8_lossy(&output.stderr);
    if version() < (1, 5) {
        // These versions have no strategies, and never play rollbacks after a signal.
        assert!(!has_output(sandbox, "next"), "the next activity ran: {log}");
        assert_eq!(sandbox.message().summary.unwrap().outcome, Outcome::Interrupted, "{log}");
        return;
    }
    assert!(has_output(sandbox, "undo1-end") && has_output(sandbox, "undo2-end"), "{log}");
    assert!(!has_output(sandbox, "next"), "the next activity ran: {log}");
    let message = sandbox.message();
    assert_eq!(message.stopped_by.as_deref(), Some("SIGTERM"));
    let summary = message.summary.unwrap();
    assert_eq!(
        (summary.outcome, summary.rollbacks.state),
        (Outcome::Interrupted, RollbackState::Played),
        "{log}"
    );
    let toolkit = message.toolkit_end.map(|end| end.exit_code).or(message.exit_code);
    assert_eq!((toolkit, output.status.code()), (Some(1), message.exit_code));
}

const DIRECT: [&str; 3] = ["chaos", "run", "x.json"];
const IN_SHELL: [&str; 3] = ["/bin/sh", "-c", "chaos run ${EXPERIMENT_PATH:-x.json} && exit $?"];
/// The path is not on the `PATH`, so only Python itself leads to the runner.
const BY_PATH: [&str; 3] = ["/bin/sh", "-c", "$CHAOS run ${EXPERIMENT_PATH:-x.json} && exit $?"];
const AS_MODULE: [&str; 3] = [
    "/bin/sh",
    "-c",
    "PATH=${CHAOS%/*}:$PATH python3 -m chaostoolkit run ${EXPERIMENT_PATH:-x.json} 2>&1 | cat; exit 3",
];

#[rstest]
#[ignore = "needs CHAOS"]
fn a_passing_run(#[values(DIRECT, IN_SHELL, BY_PATH, AS_MODULE)] line: [&str; 3]) {
    let sandbox = sandbox(&experiment(&[python("long", 0.1), process("next", "touch $OUT/next")]));
    let output = finish(start(&sandbox, false, &line));
    let message = sandbox.message();
    let expected = Some(if line == AS_MODULE { 3 } else { 0 });
    assert_eq!((output.status.code(), message.exit_code), (expected, expected), "{output:?}");
    assert!(has_output(&sandbox, "next") && has_output(&sandbox, "undo2-end"));
    assert_eq!(message.summary.unwrap().outcome, Outcome::Passed);
    assert_eq!(message.rollback_strategy.as_deref(), (version() >= (1, 5)).then_some("always"));
    let said = Command::new(std::env::var("CHAOS").unwrap()).arg("--version").output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.trim().ends_with(&message.toolkit.unwrap()), "{said}");
}

#[rstest]
#[ignore = "needs CHAOS"]
fn stopped_in_an_activity(
    #[values(true, false)] as_pid1: bool,
    #[values(true, false)] in_python: bool,
    #[values(DIRECT, IN_SHELL, AS_MODULE)] line: [&str; 3],
    #[values(1, 3)] signals: usize,
) {
    let long =
        if in_python { python("long", 30.0) } else { process("long", "touch $OUT/long; exec sleep 30") };
    let sandbox = sandbox(&experiment(&[long, process("next", "touch $OUT/next")]));
    let child = start(&sandbox, as_pid1, &line);
    wait_until("the activity", || has_output(&sandbox, "long"));
    // Without rollbacks, the toolkit ends at the first signal.
    for _ in 0..if version() < (1, 5) { 1 } else { signals } {
        stop(&child, as_pid1);
        std::thread::sleep(Duration::from_millis(250));
    }
    assert_clean_stop(&sandbox, &finish(child));
    assert!(!sandbox.message().held_back);
}

#[rstest]
#[ignore = "needs CHAOS"]
fn stopped_in_the_rollbacks(
    #[values(DIRECT, IN_SHELL, AS_MODULE)] line: [&str; 3],
    #[values("--verbose", "--log-format=json", "--no-version-check")] option: &str,
) {
    if option.contains("json") && version() < (1, 10) {
        // Versions before 1.2 have no such option. In versions before 1.10, it fails with newer dependencies.
        return;
    }
    let sandbox = sandbox(&experiment(&[process("quick", "true")]));
    let line: Vec<String> = line
        .iter()
        .map(|word| {
            word.replace("chaos run", &format!("chaos {option} run"))
                .replace("chaostoolkit run", &format!("chaostoolkit {option} run"))
        })
        .collect();
    let mut line: Vec<&str> = line.iter().map(String::as_str).collect();
    if line[0] == "chaos" {
        line.insert(1, option);
    }
    let child = start(&sandbox, true, &line);
    wait_until("the rollback", || has_output(&sandbox, "undo1"));
    stop(&child, true);
    stop(&child, true);
    let output = finish(child);
    assert!(has_output(&sandbox, "undo1-end") && has_output(&sandbox, "undo2-end"), "{output:?}");
    let message = sandbox.message();
    let toolkit = message.toolkit_end.map(|end| end.exit_code).or(message.exit_code);
    assert!(message.held_back && toolkit == Some(0), "{message:?}");
    assert_eq!(message.summary.unwrap().rollbacks.state, RollbackState::Played);
}

#[rstest]
#[ignore = "needs CHAOS"]
fn stopped_while_loading(#[values(true, false)] as_pid1: bool, #[values(DIRECT, IN_SHELL)] line: [&str; 3]) {
    let text = experiment(&[process("next", "touch $OUT/next")]).to_string();
    let sandbox = sandbox(&json!({}));
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://127.0.0.1:{}/x.json", server.local_addr().unwrap().port());
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        (stream, text)
    });
    let line = line.map(|word| word.replace("${EXPERIMENT_PATH:-x.json}", "x.json").replace("x.json", &url));
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    let child = start(&sandbox, as_pid1, &line);
    let (mut stream, text) = asked.join().unwrap();
    stop(&child, as_pid1);
    std::thread::sleep(Duration::from_millis(500));
    let _ = write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{text}",
        text.len()
    );
    let output = finish(child);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!has_output(&sandbox, "next") && sandbox.message().journal.is_none());
}

#[rstest]
#[ignore = "needs CHAOS"]
fn an_activity_in_the_background_does_not_delay_the_rollbacks(#[values(DIRECT, AS_MODULE)] line: [&str; 3]) {
    let mut background = process("load", "touch $OUT/load; sleep 60");
    background["background"] = json!(true);
    let sandbox =
        sandbox(&experiment(&[background, python("long", 30.0), process("next", "touch $OUT/next")]));
    let child = start(&sandbox, true, &line);
    wait_until("the activities", || has_output(&sandbox, "load") && has_output(&sandbox, "long"));
    stop(&child, true);
    // The rollbacks alone take 1.5 seconds. The limit of the tests is far below the 60 seconds of the activity.
    assert_clean_stop(&sandbox, &finish(child));
}
