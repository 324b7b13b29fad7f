//! The signals that the toolkit receives when the runner is asked to stop.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]

mod common;

use chaostoolkit_journal::message::State;
use common::*;
use rstest::rstest;
use rustix::process::Signal;

#[rstest]
#[case(&[Signal::TERM], "SIGTERM")]
#[case(&[Signal::INT], "SIGINT")]
#[case(&[Signal::HUP], "SIGHUP")]
#[case(&[Signal::QUIT], "SIGQUIT")]
#[case(&[Signal::TERM, Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT, Signal::TERM], "SIGTERM")]
fn any_signals_become_one_sigint(#[case] signals: &[Signal], #[case] name: &str) {
    let sandbox = Sandbox::new(COUNT_SIGNALS);
    let child = sandbox.start(&["chaos", "run", "x.json"]);
    assert_eq!(sandbox.message().state, State::Running);
    for signal in signals {
        send(&child, *signal);
        std::thread::sleep(std::time::Duration::from_millis(30));
    }
    wait_until("the signal", || !sandbox.text("out/signals").is_empty());
    wait_a_moment();
    sandbox.release();
    let output = finish(child);
    assert_eq!(sandbox.text("out/signals"), "INT\n");
    assert_eq!(output.status.code(), Some(7));
    let message = sandbox.message();
    assert_eq!((message.state, message.exit_code, message.signal), (State::Ended, Some(7), None));
    assert_eq!((message.stopped_by.as_deref(), message.held_back), (Some(name), false));
}

#[rstest]
#[case("[2026-11-21 07:51:32 INFO] Let's rollback...")]
#[case("\\033[32m[2026-11-21 07:51:32 INFO] [run:1072]\\033[39m Let's rollback...")]
#[case("{\"levelname\": \"INFO\", \"message\": \"Let's rollback...\"}")]
fn no_signal_arrives_during_rollbacks(#[case] line: &str) {
    let sandbox = Sandbox::new(&format!("printf \"$LINE\\n\" >&2\n{COUNT_SIGNALS}"));
    let mut command = sandbox.run(&["chaos", "run", "x.json"]);
    command.env("LINE", line);
    let child = command.spawn().unwrap();
    wait_until("ready", || sandbox.path("out/ready").exists());
    send(&child, Signal::TERM);
    wait_a_moment();
    send(&child, Signal::INT);
    wait_a_moment();
    sandbox.release();
    assert_eq!(finish(child).status.code(), Some(7));
    assert_eq!(sandbox.text("out/signals"), "");
    let message = sandbox.message();
    assert_eq!((message.stopped_by.as_deref(), message.held_back), (Some("SIGTERM"), true));
}

#[test]
fn rollbacks_are_detected_even_if_nobody_reads_the_log() {
    // This is more than pipes hold, so the runner blocks while it writes.
    let sandbox = Sandbox::new(&format!(
        "echo \"$ROLLBACK\" >&2; (dd if=/dev/zero bs=65536 count=1 >&2 2>/dev/null; touch $OUT/read) &\n{COUNT_SIGNALS}"
    ));
    let child = sandbox.start(&["chaos", "run", "x.json"]);
    send(&child, Signal::TERM);
    wait_a_moment();
    assert_eq!(sandbox.text("out/signals"), "");
    sandbox.release();
    finish(child);
    assert!(sandbox.message().held_back);
}

#[test]
fn a_stop_before_the_start_prevents_it() {
    let sandbox = Sandbox::new("touch $OUT/started");
    // This toolkit is slow to print its help.
    sandbox.bare_toolkit(
        "bin/chaos",
        "case \" $* \" in *--help*) touch $OUT/ready; sleep 30;; *) touch $OUT/started;; esac",
    );
    let child = sandbox.start(&["chaos", "run", "x.json"]);
    send(&child, Signal::TERM);
    let output = finish(child);
    assert_eq!(output.status.code(), Some(130));
    assert!(!sandbox.path("out/started").exists());
    let message = sandbox.message();
    assert_eq!((message.exit_code, message.stopped_by.as_deref()), (Some(130), Some("SIGTERM")));
    assert!(exists(&sandbox.path("dir/journal/done")));
}

#[test]
fn a_toolkit_without_signal_handlers_ends() {
    let sandbox = Sandbox::new("touch $OUT/ready; exec sleep 30");
    let child = sandbox.start(&["chaos", "run", "x.json"]);
    send(&child, Signal::TERM);
    let output = finish(child);
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(sandbox.message().signal, Some(2));
}

#[test]
fn a_toolkit_that_is_killed_is_reported() {
    let sandbox = Sandbox::new("kill -9 $$");
    let output = sandbox.output(&["chaos", "run", "x.json"]);
    assert_eq!(output.status.code(), Some(137));
    let message = sandbox.message();
    assert_eq!((message.exit_code, message.signal, message.stopped_by), (Some(137), Some(9), None));
    assert!(message.journal.is_none() && exists(&sandbox.path("dir/journal/done")));
}

#[test]
fn the_toolkit_inherits_default_signal_handling() {
    let sandbox = Sandbox::new("");
    sandbox.bare_toolkit(
        "bin/chaos",
        "case \"$*\" in *--help*) ;; *) exec grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status;; esac",
    );
    let output = sandbox.output(&["chaos", "run", "x.json"]);
    // Tests that run in the background ignore some signals. A container does not start that way.
    let mut plain = std::process::Command::new("env");
    plain.arg("--default-signal=HUP,INT,QUIT").arg(sandbox.path("bin/chaos"));
    let plain = sandbox.with_env(&mut plain).output().unwrap();
    assert_eq!(masks(&output.stdout), masks(&plain.stdout));
}

/// Reads the signal masks of a process, without signals 32 and above, which the C library uses itself.
fn masks(status: &[u8]) -> Vec<(String, u64)> {
    let lines = std::str::from_utf8(status).unwrap().lines();
    let mask = |line: &str| {
        let (name, mask) = line.split_once(":\t").unwrap();
        (name.to_owned(), u64::from_str_radix(mask, 16).unwrap() & 0x7fff_ffff)
    };
    let masks: Vec<_> = lines.map(mask).collect();
    assert_eq!(masks.len(), 3, "blocked, ignored and caught");
    masks
}
