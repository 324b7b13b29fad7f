//! The termination message and the files that are left after the end of the toolkit.

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
fn the_message_summarizes_the_journal() {
    let sandbox = Sandbox::new("umask 077; cp $ROOT/passed.json $JOURNAL; exit 3");
    // The old content is replaced.
    fs::write(sandbox.path("message"), "x".repeat(5000)).unwrap();
    let output = sandbox.output(&["chaos", "run", "x.json"]);
    assert_eq!((output.status.code(), output.stderr.len()), (Some(3), 0), "{output:?}");
    let message = sandbox.message();
    assert_eq!((message.state, message.exit_code, message.stopped_by), (State::Ended, Some(3), None));
    let (file, summary) = (message.journal.unwrap(), message.summary.unwrap());
    assert_eq!((file.bytes, file.problem), (PASSED.len() as u64, None));
    assert_eq!(file.sha256, format!("{:x}", Sha256::digest(PASSED)));
    assert_eq!((summary.outcome, summary.activities.succeeded), (Outcome::Passed, 1));
    assert_eq!(mode(&sandbox.path("dir/journal/starts/1/journal.json")), 0o644);
    assert!(sandbox.path("dir/journal/done").exists());
}

#[rstest]
#[case(&["chaos", "run", "--journal-path", "j.json", "x.json"], "work/j.json")]
#[case(&["chaos", "--change-dir", "../out", "run", "--journal-path=j.json", "x.json"], "out/j.json")]
fn a_journal_at_another_path_is_found(#[case] line: &[&str], #[case] path: &str) {
    let sandbox = Sandbox::new(&format!("umask 077; cp $ROOT/passed.json $ROOT/{path}"));
    sandbox.output(line);
    assert_eq!(sandbox.message().summary.unwrap().outcome, Outcome::Passed);
    assert_eq!(sandbox.text("dir/journal/starts/1/journal.json"), PASSED);
    assert_eq!(mode(&sandbox.path("dir/journal/starts/1/journal.json")), 0o644);
    assert_eq!(mode(&sandbox.path(path)), 0o600, "the original keeps its mode");
}

#[rstest]
#[case("true", false)]
#[case("cp $ROOT/passed.json j.json", true)]
#[case("cat $ROOT/passed.json > new.json; mv new.json j.json", true)]
fn a_journal_of_an_earlier_run_is_ignored(#[case] does: &str, #[case] is: bool) {
    let sandbox = Sandbox::new(does);
    fs::write(sandbox.path("work/j.json"), PASSED).unwrap();
    sandbox.output(&["chaos", "run", "--journal-path", "j.json", "x.json"]);
    assert_eq!(sandbox.message().journal.is_some(), is);
    assert_eq!(sandbox.path("dir/journal/starts/1/journal.json").exists(), is);
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
fn an_unreadable_journal_is_reported(#[case] does: &str, #[case] problem: Option<&str>) {
    let sandbox = Sandbox::new(does);
    sandbox.output(&["chaos", "run", "x.json"]);
    let message = sandbox.message();
    assert!(message.summary.is_none());
    match (problem, message.journal) {
        (None, None) => {}
        (Some(problem), Some(file)) => assert!(file.problem.as_ref().unwrap().contains(problem), "{file:?}"),
        (expected, found) => panic!("{expected:?} {found:?}"),
    }
    assert!(sandbox.path("dir/journal/done").exists());
}

#[rstest]
#[case(&["no-such-chaos", "run", "x.json"], 127, "no-such-chaos not found in PATH=")]
#[case(&["/no/such/chaos", "run", "x.json"], 127, "/no/such/chaos not found")]
#[case(&["./x.json", "run"], 126, "./x.json is not executable")]
#[case(&["broken"], 127, "/bin/broken: its interpreter was not found")]
fn a_failed_start_is_reported(#[case] line: &[&str], #[case] code: i32, #[case] reason: &str) {
    let sandbox = Sandbox::new("");
    sandbox.script("bin/broken", "#!/no/such/interpreter\n");
    let output = sandbox.output(line);
    assert_eq!(output.status.code(), Some(code));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("chaos-runner: ") && stderr.contains(reason), "{stderr}");
    let message = sandbox.message();
    assert_eq!((message.state, message.exit_code), (State::Ended, Some(code)));
    // The reason in the message is shorter.
    assert!(!message.not_started.unwrap().is_empty());
    assert!(sandbox.path("dir/journal/done").exists());
}

#[test]
fn the_command_runs_without_a_message() {
    let sandbox = Sandbox::new("exit 4");
    fs::create_dir(sandbox.path("message")).unwrap();
    let output = sandbox.output(&["chaos", "run", "x.json"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .starts_with("chaos-runner: cannot open the termination message ")
    );
}

#[test]
fn the_command_runs_without_a_volume() {
    let sandbox = Sandbox::new("cp $ROOT/passed.json journal.json; exit 4");
    let mut command = std::process::Command::new(RUNNER);
    sandbox.with_env(&mut command).args(["run", "/proc/none", "--message"]).arg(sandbox.path("message"));
    let output = finish(command.args(["--", "chaos", "run", "x.json"]).spawn().unwrap());
    assert_eq!(output.status.code(), Some(4));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("chaos-runner: cannot create the directory for the journal: /proc/none")
    );
    assert_eq!(sandbox.args(), "--no-version-check run --rollback-strategy always x.json");
    assert_eq!(sandbox.message().summary.unwrap().outcome, Outcome::Passed);
}

#[test]
fn the_message_may_be_moved_meanwhile() {
    let sandbox = Sandbox::new("mv $ROOT/message $ROOT/moved; echo '{}' > $ROOT/message");
    sandbox.output(&["chaos", "run", "x.json"]);
    assert_eq!(Message::read(&sandbox.text("moved")).unwrap().state, State::Ended);
}

#[test]
fn the_message_cannot_be_forged() {
    // One forger is in the process group of the toolkit, and the other in a group of its own.
    let forger = "sh -c 'while :; do echo forged > $ROOT/message; sleep 0.001; done' &";
    let sandbox = Sandbox::new(&format!("cp $ROOT/passed.json $JOURNAL; {forger} setsid {forger} sleep 0.1"));
    sandbox.output(&["chaos", "run", "x.json"]);
    wait_a_moment();
    assert_eq!(sandbox.message().summary.unwrap().outcome, Outcome::Passed);
}

#[test]
fn a_restart_of_the_container_removes_old_files() {
    let sandbox =
        Sandbox::new("cp $ROOT/passed.json $JOURNAL; test -e $ROOT/dir/journal/done && exit 9; exit 1");
    assert_eq!(sandbox.output(&["chaos", "run", "x.json"]).status.code(), Some(1));
    assert_eq!(sandbox.output(&["chaos", "run", "x.json"]).status.code(), Some(1));
    sandbox.bare_toolkit("bin/chaos", "exit 1");
    sandbox.output(&["chaos", "run", "x.json"]);
    assert!(sandbox.message().journal.is_none());
}
