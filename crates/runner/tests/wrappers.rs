//! Commands that start the toolkit rather than being it.

#![allow(missing_docs)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests panic to fail, and say why they do not run"
)]

mod common;

use common::*;
use rustix::process::Signal;

const PASSES: &str = "cp $ROOT/passed.json $JOURNAL";

#[test]
fn the_shim_edits_what_a_shell_starts() {
    let stage = Stage::new(PASSES);
    let output = stage.output(&["/bin/sh", "-c", "chaos --verbose run ${FILE:-x.json} && exit $?"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(
        stage.args(),
        "--verbose --no-version-check run --journal-path /dir/journal/journal.json --rollback-strategy always x.json"
    );
    let message = stage.message();
    assert!(message.summary.is_some(), "{message:?}");
    assert_eq!(message.rollback_strategy.as_deref(), Some("always"));
}

#[test]
fn the_journal_may_be_elsewhere() {
    let stage = Stage::new(PASSES);
    stage.output(&[
        "sh",
        "-c",
        "cd /; chaos --change-dir $ROOT run --journal-path $ROOT/out/j.json x.json; exit 5",
    ]);
    let message = stage.message();
    assert!(message.summary.is_some() && stage.text("dir/journal/journal.json") == PASSED, "{message:?}");
    assert_eq!(message.exit_code, Some(5));
}

#[test]
fn a_run_counts_whatever_follows() {
    let stage = Stage::new("case $* in *validate*) ;; *) cp $ROOT/passed.json $JOURNAL;; esac");
    stage.output(&["sh", "-c", "chaos run x.json; chaos validate x.json"]);
    assert!(stage.message().summary.is_some());
    assert!(stage.args().ends_with("x.json validate x.json"), "{}", stage.args());
}

#[test]
fn the_signal_goes_to_the_toolkit_and_not_to_the_shell() {
    let stage = Stage::new(WAITS);
    let child =
        stage.start(&["sh", "-c", "trap 'echo shell >> $OUT/signals' INT TERM; chaos run x.json; exit $?"]);
    send(&child, Signal::TERM);
    send(&child, Signal::TERM);
    until("the signal", || !stage.text("out/signals").is_empty());
    linger();
    stage.go();
    assert_eq!(finish(child).status.code(), Some(7));
    assert_eq!(stage.text("out/signals"), "INT\n");
}

#[test]
fn rollbacks_of_a_wrapped_toolkit_are_left_alone() {
    let stage = Stage::new(&format!("echo \"$ROLLBACK\" >&2\n{WAITS}"));
    let child = stage.start(&["sh", "-c", "chaos run x.json; exit $?"]);
    send(&child, Signal::TERM);
    linger();
    stage.go();
    assert_eq!(finish(child).status.code(), Some(7));
    assert_eq!((stage.text("out/signals").as_str(), stage.message().held_back), ("", true));
}

#[test]
fn rollbacks_of_an_earlier_toolkit_do_not_count() {
    let stage = Stage::new(&format!("case $* in *first*) echo \"$ROLLBACK\" >&2; exit;; esac\n{WAITS}"));
    let child = stage.start(&["sh", "-c", "chaos run first.json; chaos run x.json; exit $?"]);
    send(&child, Signal::TERM);
    until("the signal", || !stage.text("out/signals").is_empty());
    stage.go();
    assert_eq!(finish(child).status.code(), Some(7));
    assert!(!stage.message().held_back);
}

#[test]
fn nothing_starts_after_a_stop_was_asked() {
    let stage = Stage::new("touch $OUT/started");
    let child =
        stage.start(&["sh", "-c", "trap '' INT; touch $OUT/ready; sleep 0.5; chaos run x.json; exit $?"]);
    send(&child, Signal::TERM);
    assert_eq!(finish(child).status.code(), Some(130));
    assert!(!stage.path("out/started").exists());
}

#[test]
fn a_stop_at_any_moment_starts_nothing_or_arrives() {
    for delay in 0..25 {
        let stage = Stage::new(WAITS);
        let child = stage.run(&["sh", "-c", "chaos run x.json; exit $?"]).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(delay * 4));
        if stage.path("message").exists() {
            send(&child, Signal::TERM);
            // Should it have got its handlers before the signal: exactly one.
            std::thread::sleep(std::time::Duration::from_millis(60));
            stage.go();
            let code = finish(child).status.code();
            let signals = stage.text("out/signals");
            assert!(code == Some(130) || signals == "INT\n", "{delay}: {code:?} {signals}");
            assert_eq!(stage.message().stopped_by.as_deref(), Some("SIGTERM"));
        } else {
            stage.go();
            finish(child);
        }
    }
}

#[test]
fn a_script_of_another_name_is_a_wrapper() {
    let stage = Stage::new(PASSES);
    stage.script("bin/run-chaos.sh", "#!/bin/sh\necho \"$@\" > $OUT/script; chaos run x.json");
    stage.output(&["run-chaos.sh", "run", "ignored.json"]);
    assert_eq!(stage.text("out/script"), "run ignored.json\n");
    assert!(stage.args().contains("--rollback-strategy always x.json") && stage.message().summary.is_some());
}

#[test]
fn what_a_script_passes_on_is_edited_once() {
    let stage = Stage::new(PASSES);
    let chaos = stage.text("bin/chaos");
    stage.script("out/chaos", &chaos);
    stage.script("bin/chaos", "#!/bin/sh\ncase \" $* \" in *\" --help \"*) PATH=$OUT:/bin;; *) PATH=${PATH%%:*}:$OUT:/bin;; esac; exec chaos \"$@\"");
    stage.output(&["chaos", "run", "x.json"]);
    assert_eq!(
        stage.args(),
        "--no-version-check run --journal-path /dir/journal/journal.json --rollback-strategy always x.json"
    );
    assert!(stage.message().summary.is_some());
}

#[test]
fn what_the_toolkit_starts_is_left_alone() {
    let stage =
        Stage::new("case $* in *inner*) exit;; esac; chaos run inner.json; cp $ROOT/passed.json $JOURNAL");
    stage.output(&["sh", "-c", "chaos run x.json"]);
    assert!(stage.args().ends_with("x.json run inner.json"), "{}", stage.args());
    assert!(stage.message().summary.is_some());
}

#[test]
fn a_shell_that_dies_of_the_signal_does_not_end_the_rollbacks() {
    // Not found on the PATH, and no Python: only the group is known.
    let stage = Stage::new("");
    let played = "trap 'sleep 0.5; echo played >> $OUT/rollbacks; exit 1' INT; touch $OUT/ready; while :; do sleep 0.01; done";
    stage.script("out/other", &format!("#!/bin/sh\n{played}"));
    let child = stage.start(&["sh", "-c", "$OUT/other; true"]);
    send(&child, Signal::TERM);
    let output = finish(child);
    assert_eq!(output.status.code(), Some(130), "the shell died of it");
    assert_eq!(stage.text("out/rollbacks"), "played\n");
}

#[test]
fn python_is_found_by_its_command_line() {
    let Some(python) = ["/usr/bin/python3", "/usr/local/bin/python3"]
        .into_iter()
        .find(|path| std::path::Path::new(path).exists())
    else {
        eprintln!("skipped: no Python");
        return;
    };
    let stage = Stage::new("");
    let program = "import os, signal, time\ndef on(number, _):\n    open(os.environ['OUT'] + '/signals', 'a').write('INT\\n')\n    time.sleep(.3)\n    open(os.environ['OUT'] + '/rollbacks', 'w')\n    os._exit(1)\nsignal.signal(signal.SIGINT, on)\nopen(os.environ['OUT'] + '/ready', 'w')\nwhile True: time.sleep(1)\n";
    stage.script("out/chaos", &format!("#!{python}\n{program}"));
    let child = stage.start(&["sh", "-c", "$OUT/chaos run x.json; exit 9"]);
    send(&child, Signal::TERM);
    assert_eq!(finish(child).status.code(), Some(9), "the shell got no signal");
    assert!(stage.path("out/rollbacks").exists());
    assert_eq!(stage.text("out/signals"), "INT\n");
}

#[test]
fn a_forged_process_id_is_not_followed() {
    for pid in ["1", "0", "-1", "x", "99999999"] {
        let stage = Stage::new("");
        let line = format!(
            "echo {pid} > $ROOT/dir/journal/pid; trap 'echo INT >> $OUT/signals; exit 4' INT; touch $OUT/ready; while :; do sleep 0.01; done"
        );
        let child = stage.start(&["sh", "-c", &line]);
        send(&child, Signal::TERM);
        assert_eq!(finish(child).status.code(), Some(4), "{pid}");
        assert_eq!(stage.text("out/signals"), "INT\n");
    }
}
