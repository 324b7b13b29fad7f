//! Fetches experiments. Most of it needs the `requests` of a real Chaos Toolkit:
//! `CHAOS=/venv/bin/chaos cargo test -p chaostoolkit-runner --test fetch -- --include-ignored`.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests panic to fail")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::thread;

use chaostoolkit_journal::message::Message;
use chaostoolkit_journal::{Outcome, RefusalKind, RollbackState};
use common::*;
use rstest::rstest;
use rustix::process::Signal;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The value of a header. Nothing else has these words.
const PLANTED: &str = "Bearer S3CR3T-of-team-a";

const EXPERIMENT: &str = r#"{"version": "1.0.0", "title": "t", "description": "d", "tags": [], "method": [
    {"type": "action", "name": "a", "provider": {"type": "process", "path": "true"}}]}"#;

const AS_YAML: &str = "version: 1.0.0\ntitle: t\ndescription: d\nmethod:\n- type: action\n  name: a\n  provider: {type: process, path: 'true'}\n";

/// A server that answers each request by its path and keeps the heads of the requests.
#[derive(Clone)]
struct Server {
    address: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn new(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { address: listener.local_addr().unwrap().to_string(), heads: Arc::default() };
        let (heads, answer) = (server.heads.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (heads, answer) = (heads.clone(), answer.clone());
                thread::spawn(move || respond(&stream, &heads, answer.as_ref()));
            }
        });
        server
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn respond(mut stream: &TcpStream, heads: &Mutex<Vec<String>>, answer: &dyn Fn(&str) -> String) {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let target = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
    heads.lock().unwrap().push(head.join("\n"));
    let _ = stream.write_all(answer(&target).as_bytes());
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

fn redirect(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

fn digest(text: &str) -> String {
    format!("{:x}", Sha256::digest(text))
}

/// A sandbox with a real toolkit.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new("");
    let chaos = std::env::var("CHAOS").expect("CHAOS is the path of a Chaos Toolkit");
    fs::remove_file(sandbox.path("bin/chaos")).unwrap();
    symlink(chaos, sandbox.path("bin/chaos")).unwrap();
    sandbox
}

/// Returns the command of a runner that fetches the experiment with these options and runs `line`.
fn fetching(sandbox: &Sandbox, url: &str, options: &[&str], line: &[&str]) -> Command {
    fs::write(sandbox.path("header"), format!("{PLANTED}\n")).unwrap();
    let mut command = Command::new(sandbox.path("dir/chaos-runner"));
    sandbox.with_env(&mut command).env("EXPERIMENT_URL", url).arg("run").arg(sandbox.path("dir"));
    command.arg("--message").arg(sandbox.path("message")).args(options).arg("--").args(line);
    command
}

fn with_header(sandbox: &Sandbox) -> String {
    format!("Authorization={}", sandbox.path("header").display())
}

/// Runs the experiment at a URL with a header to its end.
fn run(sandbox: &Sandbox, url: &str) -> Output {
    let header = with_header(sandbox);
    finish(fetching(sandbox, url, &["--header", &header], &["chaos", "run", url]).spawn().unwrap())
}

/// All that others can read of a run.
fn told(sandbox: &Sandbox, output: &Output) -> String {
    let mut told = format!("{output:?}") + &sandbox.text("message");
    for file in ["dir/journal/starts/1/journal.json", "dir/journal/starts/1/record.json", "dir/journal/done"]
    {
        told += &sandbox.text(file);
    }
    told
}

fn refused(sandbox: &Sandbox, output: &Output) -> Message {
    let message = sandbox.message();
    assert_eq!((output.status.code(), message.exit_code), (Some(1), Some(1)), "{output:?}");
    assert!(message.summary.is_none() && message.not_started.is_none(), "{message:?}");
    assert!(sandbox.path("dir/journal/done").exists());
    assert!(!told(sandbox, output).contains("S3CR3T"));
    message
}

#[rstest]
#[case::json(EXPERIMENT, "experiment.json")]
#[case::yaml(AS_YAML, "experiment.yaml")]
#[ignore = "needs a real Chaos Toolkit"]
fn the_toolkit_runs_what_the_headers_give(#[case] text: &'static str, #[case] file: &str) {
    let server = Server::new(|_| ok(text));
    let sandbox = sandbox();
    let output = run(&sandbox, &server.url("/e?ref=main"));
    assert_eq!(sandbox.message().summary.unwrap().outcome, Outcome::Passed, "{output:?}");
    assert_eq!(server.heads().len(), 1);
    assert!(server.heads()[0].contains(&format!("Authorization: {PLANTED}")), "{:?}", server.heads());
    assert_eq!(fs::read_to_string(sandbox.path("dir/journal").join(file)).unwrap(), text);
    assert!(!told(&sandbox, &output).contains("S3CR3T"));
}

#[rstest]
#[case::shell(&["/bin/sh", "-c", "chaos run $EXPERIMENT_URL && exit $?"])]
#[case::expanded(&["/bin/sh", "-c", "chaos run PLACE && exit $?"])]
#[ignore = "needs a real Chaos Toolkit"]
fn a_script_runs_the_file_too(#[case] line: &[&str]) {
    let server = Server::new(|_| ok(EXPERIMENT));
    let (sandbox, url) = (sandbox(), server.url("/e"));
    let line: Vec<String> = line.iter().map(|word| word.replace("PLACE", &url)).collect();
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    let output = finish(fetching(&sandbox, &url, &["--sha256", &digest(EXPERIMENT)], &line).spawn().unwrap());
    assert_eq!(sandbox.message().summary.unwrap().outcome, Outcome::Passed, "{output:?}");
    assert_eq!(server.heads().len(), 1);
}

#[rstest]
#[case::direct(&["chaos", "run"])]
#[case::shell(&["/bin/sh", "-c", "touch $OUT/ran; chaos run"])]
#[ignore = "needs a real Chaos Toolkit"]
fn other_content_never_runs(#[case] line: &[&str]) {
    let server = Server::new(|_| ok(EXPERIMENT));
    let sandbox = sandbox();
    let options = ["--sha256", &digest("another")];
    let output = finish(fetching(&sandbox, &server.url("/e"), &options, line).spawn().unwrap());
    let refusal = refused(&sandbox, &output).refusal.unwrap();
    assert_eq!(refusal.kind, RefusalKind::ExperimentInvalid);
    let [found, wanted] = [EXPERIMENT, "another"].map(digest);
    let line = format!("its SHA-256 is {found}, and spec.pod.experiment.sha256 asks for {wanted}");
    assert_eq!(refusal.line, line);
    assert!(!sandbox.path("out/ran").exists() && !sandbox.path("dir/journal/experiment.json").exists());
}

#[test]
#[ignore = "needs a real Chaos Toolkit"]
fn headers_go_to_the_same_host_alone() {
    let other = Server::new(|_| ok(EXPERIMENT));
    let (far, sandbox) = (other.url("/far"), sandbox());
    let first = Server::new(move |path| match path {
        "/start" => redirect("/near"),
        _ => redirect(&far),
    });
    let output = run(&sandbox, &first.url("/start"));
    assert_eq!(sandbox.message().summary.unwrap().outcome, Outcome::Passed, "{output:?}");
    let (near, far) = (first.heads(), other.heads());
    assert!(near.len() == 2 && near.iter().all(|head| head.contains(PLANTED)), "{near:?}");
    assert!(far.len() == 1 && !far[0].contains("S3CR3T") && !far[0].contains("Authorization"), "{far:?}");
}

#[rstest]
#[case::status(|_: &str| "HTTP/1.1 403 No\r\nContent-Length: 29\r\n\r\nno: Bearer S3CR3T-of-team-a!!".to_owned(), "status 403")]
#[case::loop_of_redirects(|_: &str| redirect("/again"), "more than 5 redirects")]
#[case::cut(|_: &str| "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{}".to_owned(), "")]
#[case::large(|_: &str| ok(&"x".repeat(4 * 1024 * 1024 + 1)), "more than 4194304 bytes")]
#[case::no_http(|_: &str| "S3CR3T-of-team-a\r\n\r\n".to_owned(), "")]
#[case::another_scheme(|_: &str| redirect("file:///etc/passwd"), "")]
#[ignore = "needs a real Chaos Toolkit"]
fn what_cannot_be_fetched_does_not_run(#[case] answer: fn(&str) -> String, #[case] says: &str) {
    let server = Server::new(answer);
    let sandbox = sandbox();
    let output = run(&sandbox, &server.url("/e"));
    let refusal = refused(&sandbox, &output).refusal.unwrap();
    assert!(refusal.line.contains(says), "{refusal:?}");
    assert!(!sandbox.path("dir/journal/starts/1").exists());
}

#[test]
#[ignore = "needs a real Chaos Toolkit"]
fn a_host_that_is_not_there_is_unreachable() {
    let (sandbox, url) = (sandbox(), "http://127.0.0.1:1/e?token=S3CR3T");
    let output = run(&sandbox, url);
    let message = sandbox.message();
    let refusal = message.refusal.unwrap();
    assert_eq!((output.status.code(), refusal.kind), (Some(1), RefusalKind::ExperimentUnreachable));
    assert!(!refusal.line.contains("S3CR3T"), "{refusal:?}");
}

#[test]
#[ignore = "needs a real Chaos Toolkit"]
fn the_request_goes_through_the_proxy_of_the_environment() {
    let proxy = Server::new(|_| ok(EXPERIMENT));
    let (sandbox, url) = (sandbox(), "http://experiments.example/e");
    let options = ["--sha256", &digest(EXPERIMENT)];
    let mut command = fetching(&sandbox, url, &options, &["chaos", "run", url]);
    let output = finish(command.env("HTTP_PROXY", proxy.url("")).spawn().unwrap());
    assert_eq!(sandbox.message().summary.unwrap().outcome, Outcome::Passed, "{output:?}");
    assert!(proxy.heads()[0].starts_with("GET http://experiments.example/e "), "{:?}", proxy.heads());
}

#[test]
#[ignore = "needs a real Chaos Toolkit"]
fn a_file_for_netrc_does_not_replace_a_header() {
    let server = Server::new(|_| ok(EXPERIMENT));
    let sandbox = sandbox();
    fs::write(sandbox.path("work/.netrc"), "machine 127.0.0.1 login a password b\n").unwrap();
    run(&sandbox, &server.url("/e"));
    assert!(server.heads()[0].contains(PLANTED), "{:?}", server.heads());
}

#[test]
#[ignore = "needs a real Chaos Toolkit"]
fn a_file_of_the_working_directory_is_no_module() {
    let server = Server::new(|_| ok(EXPERIMENT));
    let sandbox = sandbox();
    for module in ["requests.py", "json.py"] {
        fs::write(sandbox.path("work").join(module), "import os; open(os.environ['OUT'] + '/shadow', 'w')")
            .unwrap();
    }
    run(&sandbox, &server.url("/e"));
    assert_eq!(server.heads().len(), 1);
    assert!(!sandbox.path("out/shadow").exists());
}

#[test]
#[ignore = "needs a real Chaos Toolkit"]
fn a_stop_ends_the_download() {
    let held = Arc::new(Mutex::new(()));
    let lock = held.lock().unwrap();
    let server = Server::new({
        let held = held.clone();
        move |_| {
            drop(held.lock());
            ok(EXPERIMENT)
        }
    });
    let (sandbox, url) = (sandbox(), server.url("/e"));
    let child = fetching(&sandbox, &url, &["--sha256", &digest(EXPERIMENT)], &["chaos", "run", &url])
        .spawn()
        .unwrap();
    wait_until("a request", || !server.heads().is_empty());
    send(&child, Signal::TERM);
    let output = finish(child);
    drop(lock);
    let message = sandbox.message();
    assert_eq!((message.stopped_by.as_deref(), output.status.code()), (Some("SIGTERM"), Some(130)));
    assert!(message.summary.is_none() && message.refusal.is_none(), "{message:?}");
}

#[test]
fn a_file_in_the_pod_is_checked_and_run() {
    let sandbox = Sandbox::new("cp $ROOT/passed.json $JOURNAL");
    fs::write(sandbox.path("work/x.json"), EXPERIMENT).unwrap();
    let url = sandbox.path("work/x.json");
    let url = url.to_str().unwrap();
    let line = ["chaos", "run", url];
    finish(fetching(&sandbox, url, &["--sha256", &digest(EXPERIMENT)], &line).spawn().unwrap());
    assert!(sandbox.args().ends_with("run --journal-path /dir/journal/starts/1/journal.json --rollback-strategy always /dir/journal/experiment.json"), "{}", sandbox.args());
    let refusing = fetching(&sandbox, url, &["--sha256", &digest("another")], &line).spawn().unwrap();
    let output = finish(refusing);
    assert_eq!(refused(&sandbox, &output).refusal.unwrap().kind, RefusalKind::ExperimentInvalid);
}

#[rstest]
#[case("/no/such/file", "/no/such/file: ")]
#[case("/dev/zero", "/dev/zero: ")]
fn a_file_that_is_not_there_does_not_run(#[case] url: &str, #[case] says: &str) {
    let sandbox = Sandbox::new("");
    let output =
        finish(fetching(&sandbox, url, &["--sha256", &digest("")], &["chaos", "run", url]).spawn().unwrap());
    let refusal = refused(&sandbox, &output).refusal.unwrap();
    assert_eq!(refusal.kind, RefusalKind::ConfigurationMissing);
    assert!(refusal.line.starts_with(says), "{refusal:?}");
    assert_eq!(sandbox.args(), "");
}

#[test]
fn a_header_that_is_not_there_is_named() {
    let sandbox = Sandbox::new("");
    let options = ["--header", "Authorization=/no/such/header"];
    let output = finish(fetching(&sandbox, "http://h/e", &options, &["chaos", "run"]).spawn().unwrap());
    let refusal = refused(&sandbox, &output).refusal.unwrap();
    assert_eq!(refusal.kind, RefusalKind::ConfigurationMissing);
    assert_eq!(refusal.line, "the value of the header Authorization cannot be read");
}

/// Experiments, and what is left of them in a rescue. The operator is tested with the same ones.
const RESCUES: &str = include_str!("rollbacks.json");

#[test]
#[ignore = "needs a real Chaos Toolkit"]
fn a_rescue_plays_the_rollbacks_and_nothing_else() {
    let cases: Vec<Value> = serde_json::from_str(RESCUES).unwrap();
    for (case, file) in cases.iter().flat_map(|case| [(case, "experiment.json"), (case, "experiment.yaml")]) {
        let sandbox = sandbox();
        // Tabs are no indentation in YAML, and a comment is nothing in JSON.
        let text = match file {
            "experiment.json" => case["experiment"].to_string(),
            _ => format!("# an experiment\n{}\n", case["experiment"]),
        };
        fs::write(sandbox.path("work/x"), &text).unwrap();
        let url = sandbox.path("work/x").display().to_string();
        let options = ["--sha256", &digest(&text), "--only-rollbacks"];
        finish(fetching(&sandbox, &url, &options, &["chaos", "run", &url]).spawn().unwrap());
        let written = sandbox.text(&format!("dir/journal/{file}"));
        if case["rescue"].is_null() {
            let refusal = sandbox.message().refusal.unwrap();
            assert_eq!(refusal.line, "the experiment declares no rollbacks", "{text}");
            assert_eq!((refusal.kind, &*written), (RefusalKind::ExperimentInvalid, ""), "{text}");
        } else {
            let rescue: Value = match file {
                "experiment.json" => serde_json::from_str(&written).unwrap(),
                _ => from_yaml(&sandbox, &written),
            };
            assert_eq!(rescue, case["rescue"], "{text}");
        }
    }
}

/// Reads YAML as the toolkit does.
fn from_yaml(sandbox: &Sandbox, text: &str) -> Value {
    let chaos = fs::read_to_string(sandbox.path("bin/chaos")).unwrap();
    let python = chaos.lines().next().unwrap().trim_start_matches("#!");
    let script = "import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.argv[1])))";
    let output = Command::new(python).args(["-c", script, text]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// An action that fails the test if it runs, and a rollback that leaves a trace. The value of a date has its type in YAML only.
const WITH_ROLLBACK: &str = "version: 1.0.0\ntitle: t\ndescription: d\nconfiguration: {day: 2026-01-01}\n\
    method:\n- type: action\n  name: break\n  provider: {type: process, path: touch, arguments: OUT/broken}\n\
    rollbacks:\n- type: action\n  name: mend\n  provider: {type: process, path: touch, arguments: OUT/mended}\n";

#[rstest]
#[case::direct(&["chaos", "run", "PLACE"])]
#[case::shell(&["/bin/sh", "-c", "chaos run $EXPERIMENT_PATH && exit $?"])]
#[ignore = "needs a real Chaos Toolkit"]
fn the_toolkit_plays_the_rollbacks_of_a_rescue(#[case] line: &[&str]) {
    let sandbox = sandbox();
    let text = WITH_ROLLBACK.replace("OUT", &sandbox.path("out").display().to_string());
    fs::write(sandbox.path("work/x.yaml"), &text).unwrap();
    let path = sandbox.path("work/x.yaml").display().to_string();
    let line: Vec<String> = line.iter().map(|word| word.replace("PLACE", &path)).collect();
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    let options = ["--variable", "EXPERIMENT_PATH", "--only-rollbacks"];
    let mut command = fetching(&sandbox, "http://127.0.0.1:1/other", &options, &line);
    let output = finish(command.env("EXPERIMENT_PATH", &path).spawn().unwrap());
    let summary = sandbox.message().summary.unwrap();
    assert_eq!(summary.rollbacks.state, RollbackState::Played, "{output:?}");
    assert!(sandbox.path("out/mended").exists() && !sandbox.path("out/broken").exists(), "{output:?}");
    assert!(sandbox.text("dir/journal/experiment.yaml").contains("day: 2026-01-01\n"));
}

#[test]
fn a_rescue_whose_command_runs_something_else_does_not_start() {
    let sandbox = Sandbox::new("cp $ROOT/passed.json $JOURNAL");
    fs::write(sandbox.path("work/x.json"), EXPERIMENT).unwrap();
    let url = sandbox.path("work/x.json").display().to_string();
    let line = ["chaos", "run", "/home/svc/experiment.json"];
    let output = finish(fetching(&sandbox, &url, &["--only-rollbacks"], &line).spawn().unwrap());
    let refusal = refused(&sandbox, &output).refusal.unwrap();
    assert_eq!(refusal.kind, RefusalKind::ArgumentsInvalid);
    assert_eq!(
        (refusal.line.as_str(), &*sandbox.args()),
        ("the arguments do not have the experiment of EXPERIMENT_URL", "")
    );
}
