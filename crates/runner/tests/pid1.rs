//! As the first process of a container, as far as `unshare` makes one.

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
fn signals_arrive() {
    if !is_permitted() {
        return;
    }
    let stage = Stage::new(&format!("echo $PPID > $OUT/parent; {WAITS}"));
    let child = run_first(&stage, &["chaos", "run", "x.json"]);
    until("ready", || stage.path("out/ready").exists());
    assert_eq!(stage.text("out/parent"), "1\n");
    for _ in 0..3 {
        kill_process(first(&child), Signal::TERM).unwrap();
    }
    until("the signal", || !stage.text("out/signals").is_empty());
    linger();
    stage.go();
    assert_eq!(finish(child).status.code(), Some(7));
    assert_eq!(stage.text("out/signals"), "INT\n");
    assert_eq!(stage.message().stopped_by.as_deref(), Some("SIGTERM"));
}

#[test]
fn a_stop_while_loading_works() {
    if !is_permitted() {
        return;
    }
    // As PID 1, the toolkit itself would not even notice.
    let stage = Stage::new("touch $OUT/ready; exec sleep 30");
    let child = run_first(&stage, &["chaos", "run", "x.json"]);
    until("ready", || stage.path("out/ready").exists());
    kill_process(first(&child), Signal::TERM).unwrap();
    assert_eq!(finish(child).status.code(), Some(130));
}

#[test]
fn orphans_are_taken_leave_of() {
    if !is_permitted() {
        return;
    }
    let stage = Stage::new(
        "for i in 1 2 3 4 5; do (sleep 0.1 & ) ; done; sleep 0.6; grep -l '^State:.Z' /proc/[0-9]*/status > $OUT/zombies; true",
    );
    assert_eq!(finish(run_first(&stage, &["chaos", "run", "x.json"])).status.code(), Some(0));
    assert_eq!(stage.text("out/zombies"), "");
    assert!(stage.path("out/zombies").exists());
}

#[test]
fn nobody_is_left_to_forge_the_message() {
    if !is_permitted() {
        return;
    }
    let forger =
        "sh -c 'trap \"\" TERM INT HUP; while :; do echo forged > $ROOT/message; sleep 0.001; done' &";
    let stage =
        Stage::new(&format!("cp $ROOT/passed.json $JOURNAL; setsid {forger} (setsid {forger}) ; sleep 0.2"));
    assert_eq!(finish(run_first(&stage, &["chaos", "run", "x.json"])).status.code(), Some(0));
    assert_eq!(stage.message().summary.unwrap().outcome, Outcome::Passed);
}

#[test]
fn who_keeps_the_pipe_open_keeps_nobody_waiting() {
    if !is_permitted() {
        return;
    }
    let stage = Stage::new("setsid sleep 60 & echo last words >&2");
    let output = finish(run_first(&stage, &["chaos", "run", "x.json"]));
    assert_eq!(output.stderr, b"last words\n");
}

#[test]
fn a_killed_toolkit_is_reported() {
    if !is_permitted() {
        return;
    }
    let stage = Stage::new("kill -9 $$");
    assert_eq!(finish(run_first(&stage, &["chaos", "run", "x.json"])).status.code(), Some(137));
    assert_eq!(stage.message().signal, Some(9));
}

#[test]
fn its_memory_and_its_files_are_out_of_reach_for_the_same_user() {
    if !is_permitted() {
        return;
    }
    let stage = Stage::new("");
    stage.script(
        "bin/chaos",
        "#!/bin/sh\ncase \"$*\" in *--help*) exit;; esac\n{ ls /proc/1/fd && echo listed; (exec 3>>/proc/1/mem) && echo opened; ls /proc/self/fd >/dev/null && echo own; } 2>/dev/null; true",
    );
    for path in ["", "dir", "dir/journal", "out", "work", "bin"] {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        fs::set_permissions(stage.path(path), mode).unwrap();
    }
    fs::write(stage.path("message"), "").unwrap();
    fs::set_permissions(stage.path("message"), std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    let mut outer = Command::new("unshare");
    stage.dress(&mut outer).args(UNSHARE).arg("setpriv").args(["--reuid=4321", "--clear-groups", "--"]);
    outer.arg(stage.path("dir/chaos-runner")).arg("run").arg(stage.path("dir")).arg("--message");
    outer.arg(stage.path("message")).args(["--", "chaos", "run", "x.json"]).stdout(Stdio::piped());
    let output = finish(outer.spawn().unwrap());
    assert_eq!(
        (output.status.code(), output.stdout.as_slice()),
        (Some(0), b"own\n".as_slice()),
        "{output:?}"
    );
}

#[test]
fn the_sidecar_ends_on_sigterm() {
    if !is_permitted() {
        return;
    }
    let stage = Stage::new("");
    let dir = stage.path("dir");
    let child = unshare(&stage, &["sidecar", dir.to_str().unwrap()]);
    let pid = first(&child);
    linger();
    kill_process(pid, Signal::TERM).unwrap();
    let output = finish(child);
    assert_eq!(output.status.code(), Some(0));
    assert!(matches!(read(&output.stdout).unwrap(), Frame::None { .. }));
}
