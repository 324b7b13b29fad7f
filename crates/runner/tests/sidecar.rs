//! The sidecar installs the program and prints the journal.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]

mod common;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use chaostoolkit_journal::frame::{Frame, read, read_all, unzip};
use common::*;
use rstest::rstest;
use rustix::process::Signal;

fn sidecar(dir: &Path, option: Option<&str>) -> Child {
    fs::create_dir_all(dir.join("journal/starts/1")).unwrap();
    let mut command = Command::new(RUNNER);
    command.arg("sidecar").arg(dir).args(option).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    // The sidecar has set its signal handlers when it waits.
    wait_until("waiting", || {
        fs::read_to_string(format!("/proc/{}/wchan", child.id())).is_ok_and(|place| place.contains("poll"))
            || {
                wait_a_moment();
                true
            }
    });
    child
}

fn stopped(child: Child) -> (Option<i32>, Vec<u8>, String) {
    send(&child, Signal::TERM);
    let output = finish(child);
    (output.status.code(), output.stdout, String::from_utf8(output.stderr).unwrap())
}

fn reason(log: &[u8]) -> String {
    match read(log).unwrap() {
        Frame::None { reason, .. } => reason,
        journal @ Frame::Journal(_) => panic!("{journal:?}"),
    }
}

#[test]
fn the_journal_is_printed_once_when_it_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let child = sidecar(dir.path(), None);
    let shared = dir.path().join("journal");
    assert_eq!(shared.metadata().unwrap().permissions().mode() & 0o777, 0o777);
    fs::write(shared.join("starts/1/journal.json"), PASSED).unwrap();
    wait_a_moment();
    fs::write(shared.join("done"), "1\n").unwrap();
    wait_a_moment();
    fs::write(shared.join("starts/1/journal.json"), "other").unwrap();
    let (code, log, stderr) = stopped(child);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    match read(&log).unwrap() {
        Frame::Journal(carried) => assert_eq!(unzip(&carried.gzip, 1 << 20).unwrap(), PASSED.as_bytes()),
        none @ Frame::None { .. } => panic!("{none:?}"),
    }
}

#[test]
fn the_journal_is_printed_without_delay() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = sidecar(dir.path(), None);
    fs::write(dir.path().join("journal/starts/1/journal.json"), PASSED).unwrap();
    let began = std::time::Instant::now();
    fs::write(dir.path().join("journal/done"), "1\n").unwrap();
    let mut byte = [0];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut byte).unwrap();
    assert!(began.elapsed().as_millis() < 1000, "{:?}", began.elapsed());
    stopped(child);
}

#[test]
fn a_journal_without_the_done_file_is_printed_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let child = sidecar(dir.path(), None);
    fs::write(dir.path().join("journal/starts/1/journal.json"), PASSED).unwrap();
    assert!(matches!(read(&stopped(child).1).unwrap(), Frame::Journal(_)));
}

#[test]
fn the_journals_of_all_starts_are_printed_in_the_order_of_the_runner() {
    let dir = tempfile::tempdir().unwrap();
    let child = sidecar(dir.path(), None);
    let starts = dir.path().join("journal/starts");
    for number in [1, 2, 3] {
        fs::create_dir_all(starts.join(number.to_string())).unwrap();
        fs::write(starts.join(number.to_string()).join("journal.json"), format!("{{\"run\": {number}}}"))
            .unwrap();
    }
    fs::write(dir.path().join("journal/done"), "3\n1\n").unwrap();
    wait_a_moment();
    let (_, log, _) = stopped(child);
    assert!(log.starts_with(b"The lines below hold the journals of the Chaos Toolkit"));
    let journals: Vec<_> = read_all(&log)
        .map(|(start, frame)| match frame.unwrap() {
            Frame::Journal(carried) => {
                (start.unwrap(), String::from_utf8(unzip(&carried.gzip, 100).unwrap()).unwrap())
            }
            none @ Frame::None { .. } => panic!("{none:?}"),
        })
        .collect();
    assert_eq!(journals, [(3, "{\"run\": 3}".to_owned()), (1, "{\"run\": 1}".to_owned())]);
}

#[rstest]
#[case(true)]
#[case(false)]
fn a_missing_journal_is_reported(#[case] done: bool) {
    let dir = tempfile::tempdir().unwrap();
    let child = sidecar(dir.path(), None);
    if done {
        fs::write(dir.path().join("journal/done"), "").unwrap();
        wait_a_moment();
    }
    let (code, log, _) = stopped(child);
    assert_eq!((code, reason(&log).as_str()), (Some(0), "the toolkit wrote no journal"));
}

#[test]
fn no_journal_is_printed_if_journals_are_off() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("journal/starts/1")).unwrap();
    fs::write(dir.path().join("journal/starts/1/journal.json"), PASSED).unwrap();
    fs::write(dir.path().join("journal/done"), "").unwrap();
    let (code, log, _) = stopped(sidecar(dir.path(), Some("--no-journal")));
    assert_eq!((code, log.len()), (Some(0), 0));
}

#[test]
fn links_and_pipes_are_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let shared = dir.path().join("journal");
    let secret = dir.path().join("journal.json");
    fs::write(&secret, PASSED).unwrap();
    let child = sidecar(dir.path(), None);
    symlink(&secret, shared.join("starts/1/journal.json")).unwrap();
    let (_, log, _) = stopped(child);
    assert!(reason(&log).contains("cannot be opened"), "{}", reason(&log));

    fs::remove_file(shared.join("starts/1/journal.json")).unwrap();
    let child = sidecar(dir.path(), None);
    assert!(Command::new("mkfifo").arg(shared.join("starts/1/journal.json")).status().unwrap().success());
    assert_eq!(reason(&stopped(child).1), "the journal is not a file");

    // Move the directory itself, and put a link in its place.
    let child = sidecar(dir.path(), None);
    fs::rename(&shared, dir.path().join("moved")).unwrap();
    symlink(dir.path(), &shared).unwrap();
    assert_eq!(reason(&stopped(child).1), "the journal is not a file");
}

#[test]
fn waiting_uses_no_cpu_time() {
    let dir = tempfile::tempdir().unwrap();
    let child = sidecar(dir.path(), None);
    let ticks = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
        let fields: Vec<u64> = stat
            .rsplit_once(')')
            .unwrap()
            .1
            .split_whitespace()
            .filter_map(|field| field.parse().ok())
            .collect();
        let switches = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let switches =
            switches.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
        (fields[10] + fields[11], switches.trim().parse::<u64>().unwrap())
    };
    let before = ticks();
    std::thread::sleep(std::time::Duration::from_secs(2));
    let after = ticks();
    assert!(after.0 == before.0 && after.1 - before.1 <= 2, "{before:?} {after:?}");
    stopped(child);
}

#[test]
fn the_runner_can_be_installed_while_it_runs() {
    let sandbox = Sandbox::new(COUNT_SIGNALS);
    let child = sandbox.start(&["sh", "-c", "chaos run x.json; exit $?"]);
    let installed = Command::new(RUNNER).arg("install").arg(sandbox.path("dir")).output().unwrap();
    assert!(installed.status.success(), "{installed:?}");
    sandbox.release();
    assert_eq!(finish(child).status.code(), Some(7));
    let runner = sandbox.path("dir/chaos-runner");
    assert_eq!(runner.metadata().unwrap().permissions().mode() & 0o777, 0o755);
    assert_eq!(fs::read(runner).unwrap(), fs::read(RUNNER).unwrap());
    assert_eq!(fs::read_link(sandbox.path("dir/bin/chaos")).unwrap(), Path::new("../chaos-runner"));
    let left: Vec<_> =
        fs::read_dir(sandbox.path("dir")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 4, "{left:?}");
}

#[rstest]
#[case(&["install", "/proc/none"], 1)]
#[case(&["install"], 2)]
#[case(&[], 2)]
#[case(&["run", "/d", "chaos"], 2)]
#[case(&["--help"], 0)]
fn exit_codes(#[case] args: &[&str], #[case] code: i32) {
    let output = Command::new(RUNNER).args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(code));
    assert_eq!(code == 2, String::from_utf8(output.stderr).unwrap().starts_with("Usage: "));
}
