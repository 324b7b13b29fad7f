//! With a real Chaos Toolkit: `CHAOS=/venv/bin/chaos cargo test -p chaostoolkit-runner --test real -- --ignored`.

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

/// A module for activities.
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

/// A stage whose toolkit is a real one.
fn stage(experiment: &Value) -> Stage {
    let stage = Stage::new("");
    let chaos = std::env::var("CHAOS").expect("CHAOS is the path of a Chaos Toolkit");
    fs::remove_file(stage.path("bin/chaos")).unwrap();
    symlink(chaos, stage.path("bin/chaos")).unwrap();
    fs::write(stage.path("bin/slow.py"), SLOW).unwrap();
    fs::write(stage.path("work/x.json"), experiment.to_string()).unwrap();
    stage
}

/// Starts the runner, as PID 1 or not, and says whom to signal.
fn start(stage: &Stage, first_one: bool, line: &[&str]) -> Child {
    let (dir, message) = (stage.path("dir"), stage.path("message"));
    let mut command =
        if first_one { Command::new("unshare") } else { Command::new(stage.path("dir/chaos-runner")) };
    stage.dress(&mut command).env("PYTHONPATH", stage.path("bin"));
    if first_one {
        command.args(UNSHARE).arg(stage.path("dir/chaos-runner"));
    }
    command.arg("run").arg(dir).arg("--message").arg(message).arg("--").args(line);
    command.spawn().unwrap()
}

fn stop(child: &Child, first_one: bool) {
    let pid = if first_one { first(child) } else { pid(child) };
    kill_process(pid, Signal::TERM).unwrap();
}

fn there(stage: &Stage, name: &str) -> bool {
    stage.path(&format!("out/{name}")).exists()
}

/// What the toolkit says its version is.
fn version() -> (u32, u32) {
    let said = Command::new(std::env::var("CHAOS").unwrap()).arg("--version").output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    let mut numbers =
        said.trim().rsplit(' ').next().unwrap().split('.').map(|number| number.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

/// The method was cut short, and all rollbacks were played.
fn is_clean(stage: &Stage, output: &Output) {
    let log = String::from_utf8_lossy(&output.stderr);
    if version() < (1, 5) {
        // It has no strategies, and never plays rollbacks after a signal.
        assert!(!there(stage, "next"), "the next activity ran: {log}");
        assert_eq!(stage.message().summary.unwrap().outcome, Outcome::Interrupted, "{log}");
        return;
    }
    assert!(there(stage, "undo1-end") && there(stage, "undo2-end"), "{log}");
    assert!(!there(stage, "next"), "the next activity ran: {log}");
    let message = stage.message();
    assert_eq!(message.stopped_by.as_deref(), Some("SIGTERM"));
    let summary = message.summary.unwrap();
    assert_eq!(
        (summary.outcome, summary.rollbacks.state),
        (Outcome::Interrupted, RollbackState::Played),
        "{log}"
    );
    assert_eq!((message.exit_code, output.status.code()), (Some(1), Some(1)));
}

const DIRECT: [&str; 3] = ["chaos", "run", "x.json"];
const SHELL: [&str; 3] = ["/bin/sh", "-c", "chaos run ${EXPERIMENT_PATH:-x.json} && exit $?"];

#[rstest]
#[ignore = "needs CHAOS"]
fn it_passes(#[values(DIRECT, SHELL)] line: [&str; 3]) {
    let stage = stage(&experiment(&[python("long", 0.1), process("next", "touch $OUT/next")]));
    let output = finish(start(&stage, false, &line));
    let message = stage.message();
    assert_eq!((output.status.code(), message.exit_code), (Some(0), Some(0)), "{output:?}");
    assert!(there(&stage, "next") && there(&stage, "undo2-end"));
    assert_eq!(message.summary.unwrap().outcome, Outcome::Passed);
    assert_eq!(message.rollback_strategy.as_deref(), (version() >= (1, 5)).then_some("always"));
    let said = Command::new(std::env::var("CHAOS").unwrap()).arg("--version").output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.trim().ends_with(&message.toolkit.unwrap()), "{said}");
}

#[rstest]
#[ignore = "needs CHAOS"]
fn stopped_in_an_activity(
    #[values(true, false)] first_one: bool,
    #[values(true, false)] in_python: bool,
    #[values(DIRECT, SHELL)] line: [&str; 3],
    #[values(1, 3)] signals: usize,
) {
    let long =
        if in_python { python("long", 30.0) } else { process("long", "touch $OUT/long; exec sleep 30") };
    let stage = stage(&experiment(&[long, process("next", "touch $OUT/next")]));
    let child = start(&stage, first_one, &line);
    until("the activity", || there(&stage, "long"));
    // Without rollbacks, it ends at the first one.
    for _ in 0..if version() < (1, 5) { 1 } else { signals } {
        stop(&child, first_one);
        std::thread::sleep(Duration::from_millis(250));
    }
    is_clean(&stage, &finish(child));
    assert!(!stage.message().held_back);
}

#[rstest]
#[ignore = "needs CHAOS"]
fn stopped_in_the_rollbacks(
    #[values(DIRECT, SHELL)] line: [&str; 3],
    #[values("--verbose", "--log-format=json", "--no-version-check")] option: &str,
) {
    if option.contains("json") && version() < (1, 10) {
        // Before 1.2 there is no such option, and until 1.10 it fails with a newer version of what it depends on.
        return;
    }
    let stage = stage(&experiment(&[process("quick", "true")]));
    let line: Vec<String> =
        line.iter().map(|word| word.replace("chaos run", &format!("chaos {option} run"))).collect();
    let mut line: Vec<&str> = line.iter().map(String::as_str).collect();
    if line[0] == "chaos" {
        line.insert(1, option);
    }
    let child = start(&stage, true, &line);
    until("the rollback", || there(&stage, "undo1"));
    stop(&child, true);
    stop(&child, true);
    let output = finish(child);
    assert!(there(&stage, "undo1-end") && there(&stage, "undo2-end"), "{output:?}");
    let message = stage.message();
    assert!(message.held_back && message.exit_code == Some(0), "{message:?}");
    assert_eq!(message.summary.unwrap().rollbacks.state, RollbackState::Played);
}

#[rstest]
#[ignore = "needs CHAOS"]
fn stopped_while_loading(#[values(true, false)] first_one: bool, #[values(DIRECT, SHELL)] line: [&str; 3]) {
    let text = experiment(&[process("next", "touch $OUT/next")]).to_string();
    let stage = stage(&json!({}));
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://127.0.0.1:{}/x.json", server.local_addr().unwrap().port());
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        (stream, text)
    });
    let line = line.map(|word| word.replace("${EXPERIMENT_PATH:-x.json}", "x.json").replace("x.json", &url));
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    let child = start(&stage, first_one, &line);
    let (mut stream, text) = asked.join().unwrap();
    stop(&child, first_one);
    std::thread::sleep(Duration::from_millis(500));
    let _ = write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{text}",
        text.len()
    );
    let output = finish(child);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!there(&stage, "next") && stage.message().journal.is_none());
}
