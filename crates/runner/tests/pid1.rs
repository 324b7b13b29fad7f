//! The runner as PID 1, in a namespace that `unshare` creates.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests panic to fail")]

mod common;

use std::fs;
use std::process::{Command, Stdio};

use chaostoolkit_journal::Outcome;
use chaostoolkit_journal::frame::{Frame, read};
use common::*;
use rustix::process::{Signal, kill_process};

#[test]
fn pid1_receives_signals() {
    if !can_unshare() {
        return;
    }
    let sandbox = Sandbox::new(&format!("echo $PPID > $OUT/parent; {COUNT_SIGNALS}"));
    let child = run_as_pid1(&sandbox, &["chaos", "run", "x.json"]);
    wait_until("ready", || sandbox.path("out/ready").exists());
    assert_eq!(sandbox.text("out/parent"), "1\n");
    for _ in 0..3 {
        kill_process(runner_pid(&child), Signal::TERM).unwrap();
    }
    wait_until("the signal", || !sandbox.text("out/signals").is_empty());
    wait_a_moment();
    sandbox.release();
    assert_eq!(finish(child).status.code(), Some(7));
    assert_eq!(sandbox.text("out/signals"), "INT\n");
    assert_eq!(sandbox.message().stopped_by.as_deref(), Some("SIGTERM"));
}

#[test]
fn a_stop_while_loading_ends_the_toolkit() {
    if !can_unshare() {
        return;
    }
    // As PID 1, the toolkit itself would not receive the signal.
    let sandbox = Sandbox::new("touch $OUT/ready; exec sleep 30");
    let child = run_as_pid1(&sandbox, &["chaos", "run", "x.json"]);
    wait_until("ready", || sandbox.path("out/ready").exists());
    kill_process(runner_pid(&child), Signal::TERM).unwrap();
    assert_eq!(finish(child).status.code(), Some(130));
}

#[test]
fn orphans_are_reaped() {
    if !can_unshare() {
        return;
    }
    let sandbox = Sandbox::new(
        "for i in 1 2 3 4 5; do (sleep 0.1 & ) ; done; sleep 0.6; grep -l '^State:.Z' /proc/[0-9]*/status > $OUT/zombies; true",
    );
    assert_eq!(finish(run_as_pid1(&sandbox, &["chaos", "run", "x.json"])).status.code(), Some(0));
    assert_eq!(sandbox.text("out/zombies"), "");
    assert!(sandbox.path("out/zombies").exists());
}

#[test]
fn no_process_is_left_to_forge_the_message() {
    if !can_unshare() {
        return;
    }
    let forger =
        "sh -c 'trap \"\" TERM INT HUP; while :; do echo forged > $ROOT/message; sleep 0.001; done' &";
    let sandbox = Sandbox::new(&format!(
        "cp $ROOT/passed.json $JOURNAL; setsid {forger} (setsid {forger}) ; sleep 0.2"
    ));
    assert_eq!(finish(run_as_pid1(&sandbox, &["chaos", "run", "x.json"])).status.code(), Some(0));
    assert_eq!(sandbox.message().summary.unwrap().outcome, Outcome::Passed);
}

#[test]
fn an_open_pipe_does_not_delay_the_end() {
    if !can_unshare() {
        return;
    }
    let sandbox = Sandbox::new("setsid sleep 60 & echo last words >&2");
    let output = finish(run_as_pid1(&sandbox, &["chaos", "run", "x.json"]));
    assert_eq!(output.stderr, b"last words\n");
}

#[test]
fn a_killed_toolkit_is_reported() {
    if !can_unshare() {
        return;
    }
    let sandbox = Sandbox::new("kill -9 $$");
    assert_eq!(finish(run_as_pid1(&sandbox, &["chaos", "run", "x.json"])).status.code(), Some(137));
    assert_eq!(sandbox.message().signal, Some(9));
}

#[test]
fn processes_of_the_same_user_cannot_access_the_runner() {
    if !can_unshare() {
        return;
    }
    let sandbox = Sandbox::new("");
    sandbox.bare_toolkit("bin/chaos", "case \"$*\" in *--help*) exit;; esac\n{ ls /proc/1/fd && echo listed; (exec 3>>/proc/1/mem) && echo opened; ls /proc/self/fd >/dev/null && echo own; } 2>/dev/null; true",
    );
    for path in ["", "dir", "dir/journal", "out", "work", "bin"] {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        fs::set_permissions(sandbox.path(path), mode).unwrap();
    }
    fs::write(sandbox.path("message"), "").unwrap();
    fs::set_permissions(sandbox.path("message"), std::os::unix::fs::PermissionsExt::from_mode(0o666))
        .unwrap();
    let mut outer = Command::new("unshare");
    sandbox.with_env(&mut outer).args(UNSHARE).arg("setpriv").args(["--reuid=4321", "--clear-groups", "--"]);
    outer.arg(sandbox.path("dir/chaos-runner")).arg("run").arg(sandbox.path("dir")).arg("--message");
    outer.arg(sandbox.path("message")).args(["--", "chaos", "run", "x.json"]).stdout(Stdio::piped());
    let output = finish(outer.spawn().unwrap());
    assert_eq!(
        (output.status.code(), output.stdout.as_slice()),
        (Some(0), b"own\n".as_slice()),
        "{output:?}"
    );
}

#[test]
fn the_sidecar_ends_on_sigterm() {
    if !can_unshare() {
        return;
    }
    let sandbox = Sandbox::new("");
    let dir = sandbox.path("dir");
    let child = unshare(&sandbox, &["sidecar", dir.to_str().unwrap()]);
    let pid = runner_pid(&child);
    wait_a_moment();
    kill_process(pid, Signal::TERM).unwrap();
    let output = finish(child);
    assert_eq!(output.status.code(), Some(0));
    assert!(matches!(read(&output.stdout).unwrap(), Frame::None { .. }));
}
