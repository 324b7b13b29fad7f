//! Commands that start the toolkit, such as shells and scripts.

#![allow(missing_docs)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests panic to fail, and print why they are skipped"
)]

mod common;

use common::*;
use rustix::process::Signal;

const COPY_JOURNAL: &str = "cp $ROOT/passed.json $JOURNAL";

#[test]
fn the_shim_edits_the_command_line_of_a_shell() {
    let sandbox = Sandbox::new(COPY_JOURNAL);
    let output = sandbox.output(&["/bin/sh", "-c", "chaos --verbose run ${FILE:-x.json} && exit $?"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(
        sandbox.args(),
        "--verbose --no-version-check run --journal-path /dir/journal/starts/1/journal.json --rollback-strategy always x.json"
    );
    let message = sandbox.message();
    assert!(message.summary.is_some(), "{message:?}");
    assert_eq!(message.rollback_strategy.as_deref(), Some("always"));
}

#[test]
fn the_journal_may_have_another_path() {
    let sandbox = Sandbox::new(COPY_JOURNAL);
    sandbox.output(&[
        "sh",
        "-c",
        "cd /; chaos --change-dir $ROOT run --journal-path $ROOT/out/j.json x.json; exit 5",
    ]);
    let message = sandbox.message();
    assert!(
        message.summary.is_some() && sandbox.text("dir/journal/starts/1/journal.json") == PASSED,
        "{message:?}"
    );
    assert_eq!(message.exit_code, Some(5));
}

#[test]
fn a_later_command_does_not_hide_the_run() {
    let sandbox = Sandbox::new("case $* in *validate*) ;; *) cp $ROOT/passed.json $JOURNAL;; esac");
    sandbox.output(&["sh", "-c", "chaos run x.json; chaos validate x.json"]);
    assert!(sandbox.message().summary.is_some());
    assert!(sandbox.args().ends_with("x.json validate x.json"), "{}", sandbox.args());
}

#[test]
fn the_signal_goes_to_the_toolkit_and_not_to_the_shell() {
    let sandbox = Sandbox::new(COUNT_SIGNALS);
    let child =
        sandbox.start(&["sh", "-c", "trap 'echo shell >> $OUT/signals' INT TERM; chaos run x.json; exit $?"]);
    send(&child, Signal::TERM);
    send(&child, Signal::TERM);
    wait_until("the signal", || !sandbox.text("out/signals").is_empty());
    wait_a_moment();
    sandbox.release();
    assert_eq!(finish(child).status.code(), Some(7));
    assert_eq!(sandbox.text("out/signals"), "INT\n");
}

#[test]
fn rollbacks_of_a_wrapped_toolkit_are_not_interrupted() {
    let sandbox = Sandbox::new(&format!("echo \"$ROLLBACK\" >&2\n{COUNT_SIGNALS}"));
    let child = sandbox.start(&["sh", "-c", "chaos run x.json; exit $?"]);
    send(&child, Signal::TERM);
    wait_a_moment();
    sandbox.release();
    assert_eq!(finish(child).status.code(), Some(7));
    assert_eq!((sandbox.text("out/signals").as_str(), sandbox.message().held_back), ("", true));
}

#[test]
fn rollbacks_of_an_earlier_toolkit_do_not_count() {
    let sandbox =
        Sandbox::new(&format!("case $* in *first*) echo \"$ROLLBACK\" >&2; exit;; esac\n{COUNT_SIGNALS}"));
    let child = sandbox.start(&["sh", "-c", "chaos run first.json; chaos run x.json; exit $?"]);
    send(&child, Signal::TERM);
    wait_until("the signal", || !sandbox.text("out/signals").is_empty());
    sandbox.release();
    assert_eq!(finish(child).status.code(), Some(7));
    assert!(!sandbox.message().held_back);
}

#[test]
fn no_toolkit_starts_after_a_stop() {
    let sandbox = Sandbox::new("touch $OUT/started");
    let child =
        sandbox.start(&["sh", "-c", "trap '' INT; touch $OUT/ready; sleep 0.5; chaos run x.json; exit $?"]);
    send(&child, Signal::TERM);
    assert_eq!(finish(child).status.code(), Some(130));
    assert!(!sandbox.path("out/started").exists());
}

#[test]
fn a_stop_at_any_time_prevents_the_start_or_arrives() {
    for delay in 0..25 {
        let sandbox = Sandbox::new(COUNT_SIGNALS);
        let mut child = sandbox.run(&["sh", "-c", "chaos run x.json; exit $?"]).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(delay * 4));
        if sandbox.path("message").exists() {
            send(&child, Signal::TERM);
            // Once the toolkit has its handlers, it gets exactly one signal.
            wait_until("the signal or the end", || {
                !sandbox.text("out/signals").is_empty() || child.try_wait().unwrap().is_some()
            });
            sandbox.release();
            let code = finish(child).status.code();
            let signals = sandbox.text("out/signals");
            assert!(code == Some(130) || signals == "INT\n", "{delay}: {code:?} {signals}");
            assert_eq!(sandbox.message().stopped_by.as_deref(), Some("SIGTERM"));
        } else {
            sandbox.release();
            finish(child);
        }
    }
}

#[test]
fn a_script_with_another_name_is_a_wrapper() {
    let sandbox = Sandbox::new(COPY_JOURNAL);
    sandbox.script("bin/run-chaos.sh", "#!/bin/sh\necho \"$@\" > $OUT/script; chaos run x.json");
    sandbox.output(&["run-chaos.sh", "run", "ignored.json"]);
    assert_eq!(sandbox.text("out/script"), "run ignored.json\n");
    assert!(
        sandbox.args().contains("--rollback-strategy always x.json") && sandbox.message().summary.is_some()
    );
}

#[test]
fn a_command_line_is_edited_only_once() {
    let sandbox = Sandbox::new(COPY_JOURNAL);
    sandbox.toolkit("out/chaos", COPY_JOURNAL);
    sandbox.script("bin/chaos", "#!/bin/sh\nPATH=${PATH%%:*}:$OUT:/usr/bin:/bin; exec chaos \"$@\"");
    sandbox.output(&["chaos", "run", "x.json"]);
    assert_eq!(
        sandbox.args(),
        "--no-version-check run --journal-path /dir/journal/starts/1/journal.json --rollback-strategy always x.json"
    );
    assert!(sandbox.message().summary.is_some());
}

#[test]
fn commands_of_the_toolkit_are_not_edited() {
    let sandbox =
        Sandbox::new("case $* in *inner*) exit;; esac; chaos run inner.json; cp $ROOT/passed.json $JOURNAL");
    sandbox.output(&["sh", "-c", "chaos run x.json"]);
    assert!(sandbox.args().ends_with("x.json run inner.json"), "{}", sandbox.args());
    assert!(sandbox.message().summary.is_some());
}

#[test]
fn rollbacks_outlive_a_shell_that_the_signal_ended() {
    // The toolkit is neither found on the `PATH` nor a Python script, so only its process group is known.
    let sandbox = Sandbox::new("");
    let played = "trap 'sleep 0.5; echo played >> $OUT/rollbacks; exit 1' INT; touch $OUT/ready; while :; do sleep 0.01; done";
    sandbox.script("out/other", &format!("#!/bin/sh\n{played}"));
    let child = sandbox.start(&["sh", "-c", "$OUT/other; true"]);
    send(&child, Signal::TERM);
    let output = finish(child);
    assert_eq!(output.status.code(), Some(130), "the signal ended the shell");
    assert_eq!(sandbox.text("out/rollbacks"), "played\n");
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
    let sandbox = Sandbox::new("");
    let program = "import os, signal, time\ndef on(number, _):\n    open(os.environ['OUT'] + '/signals', 'a').write('INT\\n')\n    time.sleep(.3)\n    open(os.environ['OUT'] + '/rollbacks', 'w')\n    os._exit(1)\nsignal.signal(signal.SIGINT, on)\nopen(os.environ['OUT'] + '/ready', 'w')\nwhile True: time.sleep(1)\n";
    sandbox.script("out/chaos", &format!("#!{python} -I\n# stands for chaostoolkit\n{program}"));
    let child = sandbox.start(&["sh", "-c", "$OUT/chaos run x.json; exit 9"]);
    send(&child, Signal::TERM);
    assert_eq!(finish(child).status.code(), Some(9), "the shell got no signal");
    assert!(sandbox.path("out/rollbacks").exists());
    assert_eq!(sandbox.text("out/signals"), "INT\n");
}

#[test]
fn an_invalid_process_id_is_ignored() {
    for pid in ["1", "0", "-1", "x", "99999999"] {
        let sandbox = Sandbox::new("");
        let line = format!(
            "touch $ROOT/dir/journal/running/{pid} $ROOT/dir/journal/running/{pid}.{pid}; trap 'echo INT >> $OUT/signals; exit 4' INT; touch $OUT/ready; while :; do sleep 0.01; done"
        );
        let child = sandbox.start(&["sh", "-c", &line]);
        send(&child, Signal::TERM);
        let output = finish(child);
        assert_eq!(output.status.code(), Some(4), "{pid}: {output:?}");
        assert_eq!(sandbox.text("out/signals"), "INT\n");
    }
}
