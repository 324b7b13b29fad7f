//! What is left when the toolkit has ended.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use chaostoolkit_journal::Outcome;
use chaostoolkit_journal::message::{Message, State};
use common::*;
use rstest::rstest;
use sha2::{Digest, Sha256};

fn mode(path: &std::path::Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn the_message_sums_the_journal_up() {
    let stage = Stage::new("umask 077; cp $ROOT/passed.json $JOURNAL; exit 3");
    // Whatever was there is replaced.
    fs::write(stage.path("message"), "x".repeat(5000)).unwrap();
    let output = stage.output(&["chaos", "run", "x.json"]);
    assert_eq!((output.status.code(), output.stderr.len()), (Some(3), 0), "{output:?}");
    let message = stage.message();
    assert_eq!((message.state, message.exit_code, message.stopped_by), (State::Ended, Some(3), None));
    let (file, summary) = (message.journal.unwrap(), message.summary.unwrap());
    assert_eq!((file.bytes, file.problem), (PASSED.len() as u64, None));
    assert_eq!(file.sha256, format!("{:x}", Sha256::digest(PASSED)));
    assert_eq!((summary.outcome, summary.activities.succeeded), (Outcome::Passed, 1));
    assert_eq!(mode(&stage.path("dir/journal/journal.json")), 0o644);
    assert!(stage.path("dir/journal/done").exists());
}

#[rstest]
#[case(&["chaos", "run", "--journal-path", "j.json", "x.json"], "work/j.json")]
#[case(&["chaos", "--change-dir", "../out", "run", "--journal-path=j.json", "x.json"], "out/j.json")]
fn a_journal_elsewhere_is_found(#[case] line: &[&str], #[case] path: &str) {
    let stage = Stage::new(&format!("umask 077; cp $ROOT/passed.json $ROOT/{path}"));
    stage.output(line);
    assert_eq!(stage.message().summary.unwrap().outcome, Outcome::Passed);
    assert_eq!(stage.text("dir/journal/journal.json"), PASSED);
    assert_eq!(mode(&stage.path("dir/journal/journal.json")), 0o644);
    assert_eq!(mode(&stage.path(path)), 0o600, "theirs stays as it is");
}

#[rstest]
#[case("true", false)]
#[case("cp $ROOT/passed.json j.json", true)]
#[case("cat $ROOT/passed.json > new.json; mv new.json j.json", true)]
fn a_journal_of_another_run_is_none_of_this(#[case] does: &str, #[case] is: bool) {
    let stage = Stage::new(does);
    fs::write(stage.path("work/j.json"), PASSED).unwrap();
    stage.output(&["chaos", "run", "--journal-path", "j.json", "x.json"]);
    assert_eq!(stage.message().journal.is_some(), is);
    assert_eq!(stage.path("dir/journal/journal.json").exists(), is);
}

#[rstest]
#[case("true", None)]
#[case("mkdir $JOURNAL", None)]
#[case("mkfifo $JOURNAL", None)]
#[case("ln -s /dev/zero $JOURNAL", None)]
#[case(": > $JOURNAL", Some("empty"))]
#[case("echo hello > $JOURNAL", Some("not JSON"))]
#[case("head -c 50 $ROOT/passed.json > $JOURNAL", Some("truncated"))]
#[case("head -c 68000000 /dev/zero > $JOURNAL", Some("over 64 MiB"))]
fn what_is_no_journal_is_said(#[case] does: &str, #[case] problem: Option<&str>) {
    let stage = Stage::new(does);
    stage.output(&["chaos", "run", "x.json"]);
    let message = stage.message();
    assert!(message.summary.is_none());
    match (problem, message.journal) {
        (None, None) => {}
        (Some(problem), Some(file)) => assert!(file.problem.as_ref().unwrap().contains(problem), "{file:?}"),
        (expected, found) => panic!("{expected:?} {found:?}"),
    }
    assert!(stage.path("dir/journal/done").exists());
}

#[rstest]
#[case(&["no-such-chaos", "run", "x.json"], 127, "no-such-chaos not found in PATH=")]
#[case(&["/no/such/chaos", "run", "x.json"], 127, "/no/such/chaos not found")]
#[case(&["./x.json", "run"], 126, "./x.json is not executable")]
#[case(&["broken"], 127, "/bin/broken: its interpreter is not found")]
fn what_cannot_be_started_is_said(#[case] line: &[&str], #[case] code: i32, #[case] reason: &str) {
    let stage = Stage::new("");
    stage.script("bin/broken", "#!/no/such/interpreter\n");
    let output = stage.output(line);
    assert_eq!(output.status.code(), Some(code));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("chaos-runner: ") && stderr.contains(reason), "{stderr}");
    let message = stage.message();
    assert_eq!((message.state, message.exit_code), (State::Ended, Some(code)));
    // The message has less room.
    assert!(!message.not_started.unwrap().is_empty());
    assert!(stage.path("dir/journal/done").exists());
}

#[test]
fn no_message_is_no_reason_not_to_run() {
    let stage = Stage::new("exit 4");
    fs::create_dir(stage.path("message")).unwrap();
    let output = stage.output(&["chaos", "run", "x.json"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("chaos-runner: no termination message: "));
}

#[test]
fn without_a_place_it_runs_all_the_same() {
    let stage = Stage::new("cp $ROOT/passed.json journal.json; exit 4");
    let mut command = std::process::Command::new(RUNNER);
    stage.dress(&mut command).args(["run", "/proc/none", "--message"]).arg(stage.path("message"));
    let output = finish(command.args(["--", "chaos", "run", "x.json"]).spawn().unwrap());
    assert_eq!(output.status.code(), Some(4));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("chaos-runner: no place for a journal: /proc/none")
    );
    assert_eq!(stage.args(), "--no-version-check run --rollback-strategy always x.json");
    assert_eq!(stage.message().summary.unwrap().outcome, Outcome::Passed);
}

#[test]
fn the_path_of_the_message_does_not_matter_later() {
    let stage = Stage::new("mv $ROOT/message $ROOT/moved; echo '{}' > $ROOT/message");
    stage.output(&["chaos", "run", "x.json"]);
    assert_eq!(Message::read(&stage.text("moved")).unwrap().state, State::Ended);
}

#[test]
fn nobody_forges_the_message() {
    // In the group of the toolkit, and in one of its own.
    let forger = "sh -c 'while :; do echo forged > $ROOT/message; sleep 0.001; done' &";
    let stage = Stage::new(&format!("cp $ROOT/passed.json $JOURNAL; {forger} setsid {forger} sleep 0.1"));
    stage.output(&["chaos", "run", "x.json"]);
    linger();
    assert_eq!(stage.message().summary.unwrap().outcome, Outcome::Passed);
}

#[test]
fn a_second_start_of_the_container_begins_anew() {
    let stage = Stage::new("cp $ROOT/passed.json $JOURNAL; test -e $ROOT/dir/journal/done && exit 9; exit 1");
    assert_eq!(stage.output(&["chaos", "run", "x.json"]).status.code(), Some(1));
    assert_eq!(stage.output(&["chaos", "run", "x.json"]).status.code(), Some(1));
    stage.script("bin/chaos", "#!/bin/sh\nexit 1");
    stage.output(&["chaos", "run", "x.json"]);
    assert!(stage.message().journal.is_none());
}
