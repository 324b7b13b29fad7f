//! All starts of the toolkit in a container are noticed, and what only looks like the toolkit is left alone.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests panic to fail")]

mod common;

use std::fs;

use chaostoolkit_journal::{Outcome, RollbackState};
use common::*;
use rstest::rstest;
use rustix::process::Signal;

/// A toolkit that writes the journal in the file which the experiment names.
const COPY: &str =
    "for source; do :; done; cp $ROOT/$source $JOURNAL; case $source in passed*) exit 0;; esac; exit 1";

const DEVIATED: &str = r#"{"chaoslib-version": "1.44.0", "status": "completed", "deviated": true,
"experiment": {"title": "d", "steady-state-hypothesis": {"title": "h", "probes": [{"name": "p", "type": "probe"}]},
"method": [], "rollbacks": [{"name": "r", "type": "action"}]},
"steady_states": {"before": {"steady_state_met": true, "probes": [{"activity": {"name": "p", "type": "probe"}, "output": 1,
"status": "succeeded", "tolerance_met": true}]}, "after": {"steady_state_met": false, "probes": [{"activity": {"name": "p",
"type": "probe"}, "output": 2, "status": "succeeded", "tolerance_met": false}]}, "during": []},
"run": [], "rollbacks": [{"activity": {"name": "r", "type": "action"}, "output": null, "status": "failed",
"exception": ["x"]}], "start": "2026-11-21T07:51:32+00:00", "end": "2026-11-21T07:51:33+00:00", "duration": 1.0}"#;

/// A sandbox with a toolkit at `out/chaos`, which is not on the `PATH`, and one on the `PATH`.
fn sandbox(script: &str) -> Sandbox {
    let sandbox = Sandbox::new(script);
    sandbox.hooked_toolkit("out/chaos", script);
    fs::write(sandbox.path("deviated.json"), DEVIATED).unwrap();
    sandbox
}

#[rstest]
#[case::by_path("$OUT/chaos run deviated.json && exit $?")]
#[case::by_path_of_its_own("PATH=$OUT:$PATH; chaos run deviated.json")]
#[case::with_another_path("PATH=/usr/bin:/bin; $OUT/chaos run deviated.json")]
#[case::after_a_failure("nothing run x || $OUT/chaos run deviated.json")]
#[case::in_the_background("$OUT/chaos run deviated.json & wait $!")]
#[case::through_python("python3 $OUT/chaos run deviated.json")]
#[case::through_a_script("exec $ROOT/bin/chaos-wrapper")]
fn a_start_by_any_way_is_noticed(#[case] line: &str) {
    let sandbox = sandbox(COPY);
    sandbox.script("bin/chaos-wrapper", "#!/bin/sh\nexec $OUT/chaos run deviated.json\n");
    sandbox.output(&["sh", "-c", line]);
    let message = sandbox.message();
    let summary = message.summary.unwrap();
    assert_eq!((summary.outcome, summary.rollbacks.state), (Outcome::Deviated, RollbackState::Failed));
    assert_eq!(message.toolkit_end.unwrap().exit_code, 1);
    assert!(message.starts.is_none());
    assert!(sandbox.args().contains("--rollback-strategy always deviated.json"), "{}", sandbox.args());
    assert_eq!(sandbox.text("work/journal.json"), DEVIATED, "where a script expects it");
}

#[test]
fn the_toolkit_as_a_module_is_noticed() {
    let sandbox = sandbox(COPY);
    fs::create_dir_all(sandbox.path("lib/chaostoolkit")).unwrap();
    let main = format!(
        "import os, sys\nos.execv('/bin/sh', ['/bin/sh', '{}'] + sys.argv[1:])\n",
        sandbox.path("out/chaos.sh").display()
    );
    fs::write(sandbox.path("lib/chaostoolkit/__main__.py"), main).unwrap();
    sandbox.output(&[
        "sh",
        "-c",
        "export PYTHONPATH=$ROOT/lib:$PYTHONPATH; python3 -m chaostoolkit run deviated.json",
    ]);
    assert_eq!(sandbox.message().summary.unwrap().outcome, Outcome::Deviated);
}

#[rstest]
#[case::one_after_the_other("for f in deviated passed; do $OUT/chaos run $f.json; done")]
#[case::the_other_way_round("for f in passed deviated; do chaos run $f.json; done")]
#[case::side_by_side("chaos run passed.json & $OUT/chaos run deviated.json & wait")]
#[case::and_nobody_waits("(setsid $OUT/chaos run deviated.json & ) ; chaos run passed.json; exit 0")]
fn the_worst_of_several_runs_counts(#[case] line: &str) {
    let sandbox = sandbox(&format!("sleep 0.2; {COPY}"));
    let output = sandbox.output(&["sh", "-c", line]);
    assert_eq!(sandbox.message().exit_code, output.status.code());
    let message = sandbox.message();
    let summary = message.summary.unwrap();
    assert_eq!((summary.outcome, summary.rollbacks.state), (Outcome::Deviated, RollbackState::Failed));
    let starts = message.starts.unwrap();
    assert_eq!((starts.total, starts.unobserved), (2, 0));
    let mut outcomes: Vec<Outcome> = starts.list.iter().map(|start| start.outcome).collect();
    outcomes.sort_by_key(|outcome| format!("{outcome:?}"));
    assert_eq!(outcomes, [Outcome::Deviated, Outcome::Passed]);
    let done: Vec<String> = sandbox.text("dir/journal/done").lines().map(str::to_owned).collect();
    let first = starts.list.iter().find(|start| start.outcome == Outcome::Deviated).unwrap();
    assert_eq!((done.len(), done[0].as_str()), (2, first.number.to_string().as_str()));
}

#[rstest]
#[case::of_the_only_run(
    "chaos run --journal-path j.json passed.json; cp $ROOT/deviated.json j.json",
    Outcome::Deviated
)]
#[case::of_one_of_two(
    "for i in 1 2; do chaos run --journal-path j.json passed.json; done; cp $ROOT/deviated.json j.json",
    Outcome::Passed
)]
#[case::at_the_default_path("chaos run passed.json; cp $ROOT/deviated.json journal.json", Outcome::Passed)]
fn a_journal_that_a_script_replaces_counts_at_the_path_that_it_named(
    #[case] line: &str,
    #[case] expected: Outcome,
) {
    let sandbox = sandbox(COPY);
    sandbox.output(&["sh", "-c", line]);
    assert_eq!(sandbox.message().summary.unwrap().outcome, expected);
    let kept = sandbox.text("dir/journal/starts/1/journal.json");
    assert_eq!(kept == DEVIATED, expected == Outcome::Deviated, "the kept journal is the one that counts");
}

#[test]
fn a_hundred_starts_are_counted_and_few_are_listed() {
    let sandbox = Sandbox::new(COPY);
    fs::write(sandbox.path("deviated.json"), DEVIATED).unwrap();
    finish_within(TIMEOUT * 6, sandbox.run(&["sh", "-c", "i=0; while [ $i -lt 103 ]; do f=passed; [ $i = 101 ] && f=deviated; chaos run $f.json; i=$((i+1)); done"]).spawn().unwrap());
    let message = sandbox.message();
    let starts = message.starts.unwrap();
    assert_eq!((starts.total, starts.list.len()), (103, 16));
    assert_eq!(message.summary.unwrap().outcome, Outcome::Deviated);
    let kept = fs::read_dir(sandbox.path("dir/journal/starts")).unwrap().flatten();
    assert_eq!(kept.filter(|entry| entry.path().join("journal.json").exists()).count(), 100);
}

#[rstest]
#[case::other_python(
    "#!/usr/bin/env python3\nimport os, sys\nopen(os.environ['OUT'] + '/seen', 'w').write(' '.join(sys.argv[1:]))\n"
)]
#[case::other_shell("#!/bin/sh\necho \"$@\" > $OUT/seen\n")]
fn what_only_looks_like_the_toolkit_is_left_alone(
    #[case] program: &str,
    #[values("chaosctl", "chaos", "chaos-run")] name: &str,
) {
    let sandbox = Sandbox::new("");
    sandbox.script(&format!("bin/{name}"), program);
    for line in [&[name, "run", "-c", "x.json"][..], &["sh", "-c", &format!("{name} run -c x.json")]] {
        sandbox.output(line);
        assert_eq!(sandbox.text("out/seen").trim(), "run -c x.json");
        let message = sandbox.message();
        assert!(message.toolkit_end.is_none() && message.starts.is_none(), "{message:?}");
        fs::remove_file(sandbox.path("out/seen")).unwrap();
    }
}

#[test]
fn a_program_with_a_similar_name_can_start_the_toolkit() {
    let sandbox = sandbox(COPY);
    sandbox.script("bin/chaosctl", "#!/usr/bin/env python3\nimport subprocess, sys\nsys.exit(subprocess.run(['chaos', 'run', sys.argv[2]]).returncode)\n");
    sandbox.output(&["chaosctl", "run", "deviated.json"]);
    assert_eq!(sandbox.message().summary.unwrap().outcome, Outcome::Deviated);
}

#[rstest]
#[case("chaos validate x.json", 0, "validate")]
#[case("$OUT/chaos --verbose info core", 3, "info")]
#[case("chaos --help", 0, "--help")]
fn a_subcommand_that_runs_nothing_is_named(#[case] line: &str, #[case] code: i32, #[case] expected: &str) {
    let sandbox = sandbox(&format!("exit {code}"));
    sandbox.output(&["sh", "-c", line]);
    let message = sandbox.message();
    assert_eq!(
        (message.subcommand.as_deref(), message.toolkit_end.unwrap().exit_code),
        (Some(expected), code)
    );
}

#[test]
fn what_a_subcommand_says_is_reported() {
    let sandbox = sandbox("echo '[2026-11-21 07:51:32 ERROR] experiment requires a title' >&2; exit 1");
    sandbox.output(&["chaos", "validate", "x.json"]);
    let message = sandbox.message();
    assert_eq!(message.subcommand.as_deref(), Some("validate"));
    assert_eq!(message.refusal.unwrap().line, "experiment requires a title");
}

#[test]
fn a_start_that_could_not_be_observed_is_counted() {
    let sandbox = Sandbox::new(COPY);
    // Neither its name nor the environment leads to the runner.
    sandbox.script(
        "out/chaos",
        "#!/usr/bin/env -S python3 -IS\n# stands for chaostoolkit\nimport time\ntime.sleep(2)\n",
    );
    sandbox.output(&["sh", "-c", "chaos run passed.json; $OUT/chaos run x.json; true"]);
    let starts = sandbox.message().starts.unwrap();
    assert_eq!((starts.total, starts.unobserved), (1, 1));
}

#[test]
fn a_slow_start_of_python_is_observed_in_the_end() {
    let sandbox = sandbox(COPY);
    // Python imports the packages of the first directory first. This one makes it wait before the module of the runner.
    fs::create_dir(sandbox.path("lib")).unwrap();
    let slow = "import time, sys, os\ntime.sleep(2)\nsys.modules.pop('sitecustomize')\nsys.path.remove(os.path.dirname(__file__))\nimport sitecustomize\n";
    fs::write(sandbox.path("lib/sitecustomize.py"), slow).unwrap();
    sandbox.output(&["sh", "-c", "PYTHONPATH=$ROOT/lib:$PYTHONPATH $OUT/chaos run passed.json; true"]);
    let message = sandbox.message();
    assert!(message.starts.is_none(), "{message:?}");
    assert_eq!(message.summary.unwrap().outcome, Outcome::Passed);
}

#[rstest]
#[case("$OUT/chaos run x.json 2>&1 | cat > $OUT/log")]
#[case("chaos run x.json 2>/dev/null")]
#[case("chaos run x.json 2>&1 | sleep 30")]
fn rollbacks_are_seen_wherever_the_log_goes(#[case] line: &str) {
    let sandbox = sandbox(&format!(
        "head -c 200000 /dev/zero | tr '\\0' '\\n' >&2; echo \"$ROLLBACK\" >&2\n{COUNT_SIGNALS}"
    ));
    let child = sandbox.start(&["sh", "-c", line]);
    send(&child, Signal::TERM);
    wait_a_moment();
    sandbox.release();
    finish(child);
    assert_eq!((sandbox.text("out/signals").as_str(), sandbox.message().held_back), ("", true));
}

#[test]
fn a_signal_of_a_script_becomes_one_sigint() {
    let sandbox = sandbox(COUNT_SIGNALS);
    // `timeout` sends two signals: one to its child, and one to its group.
    let child =
        sandbox.start(&["timeout", "--preserve-status", "1", "sh", "-c", "exec $OUT/chaos run x.json"]);
    wait_until("the signal", || !sandbox.text("out/signals").is_empty());
    wait_a_moment();
    sandbox.release();
    finish(child);
    assert_eq!(sandbox.text("out/signals"), "INT\n");
}

#[test]
fn the_end_of_a_killed_toolkit_is_passed_on() {
    let sandbox = sandbox("kill -9 $$");
    let output = sandbox.output(&["sh", "-c", "$OUT/chaos run x.json; exit $?"]);
    assert_eq!(output.status.code(), Some(137));
    let message = sandbox.message();
    assert_eq!((message.toolkit_end.unwrap().signal, message.signal), (Some(9), None));
}

#[test]
fn activities_in_the_background_are_ended_after_a_stop() {
    let sandbox = Sandbox::new(
        "sh -c 'trap \"echo TERM >> $OUT/background; exit\" TERM; touch $OUT/ready; while :; do sleep 0.01; done' &\ntrap 'wait; exit 1' INT; while :; do sleep 0.01; done",
    );
    let child = sandbox.start(&["chaos", "run", "x.json"]);
    send(&child, Signal::TERM);
    assert_eq!(finish(child).status.code(), Some(1));
    assert_eq!(sandbox.text("out/background"), "TERM\n");
}

#[test]
fn a_command_that_goes_on_after_a_stop_is_ended() {
    let sandbox = sandbox("touch $OUT/ready; trap 'exit 1' INT; while :; do sleep 0.01; done");
    let child = sandbox.start(&["sh", "-c", "$OUT/chaos run x.json; sleep 60; true"]);
    send(&child, Signal::TERM);
    finish(child);
    let message = sandbox.message();
    assert_eq!((message.stopped_by.as_deref(), message.toolkit_end.unwrap().exit_code), (Some("SIGTERM"), 1));
}

/// A shell script with the name of the toolkit, which starts the toolkit and waits for it.
const SHELL_WRAPPER: &str = "#!/bin/sh\n# starts chaostoolkit\n$OUT/chaos \"$@\"\nexit $?\n";

#[test]
fn a_shell_script_with_the_name_of_the_toolkit_is_no_toolkit() {
    let sandbox = sandbox(&format!("sleep 2; {COPY}"));
    sandbox.script("bin/chaos", SHELL_WRAPPER);
    sandbox.output(&["sh", "-c", "chaos run passed.json; true"]);
    let message = sandbox.message();
    assert!(message.starts.is_none(), "{:?}", message.starts);
    assert_eq!(message.summary.unwrap().outcome, Outcome::Passed);
}

#[test]
fn a_toolkit_that_a_command_leaves_behind_at_its_end_counts() {
    for _ in 0..5 {
        let sandbox = sandbox(COPY);
        sandbox.output(&["sh", "-c", "chaos run passed.json; $OUT/chaos run deviated.json & exit 0"]);
        let message = sandbox.message();
        assert_eq!(message.starts.map(|starts| starts.total), Some(2));
        assert_eq!(message.summary.unwrap().outcome, Outcome::Deviated);
    }
}

/// `timeout` kills the supervisor in the middle of the run.
const KILL_THE_SUPERVISOR: &str = "timeout -s KILL 1 $OUT/chaos run deviated.json";

#[rstest]
#[case::alone(&format!("{KILL_THE_SUPERVISOR}; exit 1"), 0)]
#[case::after_a_run(&format!("chaos run passed.json; {KILL_THE_SUPERVISOR}; exit 0"), 1)]
fn a_toolkit_whose_supervisor_was_killed_is_not_observed(#[case] line: &str, #[case] total: u32) {
    let sandbox = sandbox("case $* in *passed*) cp $ROOT/passed.json $JOURNAL;; *) sleep 1.5;; esac");
    sandbox.output(&["sh", "-c", line]);
    let message = sandbox.message();
    let starts = message.starts.unwrap();
    assert_eq!((starts.total, starts.unobserved), (total, 1));
    assert_eq!(message.summary.map(|summary| summary.outcome), (total > 0).then_some(Outcome::Passed));
    assert_eq!(message.toolkit_end.is_some(), total > 0);
}

#[test]
fn the_journal_of_a_toolkit_whose_supervisor_was_killed_counts() {
    let sandbox = sandbox(&format!("sleep 1.5; {COPY}"));
    sandbox.output(&["sh", "-c", KILL_THE_SUPERVISOR]);
    let message = sandbox.message();
    let summary = message.summary.unwrap();
    assert_eq!((summary.outcome, summary.rollbacks.state), (Outcome::Deviated, RollbackState::Failed));
    assert_eq!(sandbox.text("dir/journal/done"), "1");
}

#[test]
fn a_pass_without_an_exit_code_is_not_observed() {
    let sandbox = sandbox(&format!("sleep 1.5; {COPY}"));
    sandbox.output(&["sh", "-c", "timeout -s KILL 1 $OUT/chaos run passed.json; exit 0"]);
    let starts = sandbox.message().starts.unwrap();
    assert_eq!((starts.total, starts.unobserved), (0, 1));
}

#[test]
fn a_toolkit_that_did_not_start_after_a_stop_leaves_the_rollbacks_of_the_others_played() {
    let sandbox = sandbox(
        "touch $OUT/ready; trap 'cp $ROOT/interrupted.json $JOURNAL; exit 1' INT; while :; do sleep 0.01; done",
    );
    let interrupted = DEVIATED
        .replace("completed", "interrupted")
        .replace("\"failed\",\n\"exception\": [\"x\"]", "\"succeeded\"");
    fs::write(sandbox.path("interrupted.json"), interrupted).unwrap();
    let child = sandbox.start(&["sh", "-c", "for i in 1 2; do $OUT/chaos run x.json; done"]);
    send(&child, Signal::TERM);
    finish(child);
    let message = sandbox.message();
    let summary = message.summary.unwrap();
    assert_eq!((summary.outcome, summary.rollbacks.state), (Outcome::Interrupted, RollbackState::Played));
    assert_eq!(summary.rollbacks.total, 1);
}

#[test]
fn a_loop_without_end_is_ended_after_a_stop() {
    let sandbox = sandbox("touch $OUT/ready; trap 'exit 1' INT; while :; do sleep 0.01; done");
    let child = sandbox.start(&["sh", "-c", "while :; do chaos run x.json; $OUT/chaos run x.json; done"]);
    send(&child, Signal::TERM);
    finish(child);
    let message = sandbox.message();
    assert_eq!(message.stopped_by.as_deref(), Some("SIGTERM"));
    assert!(message.starts.unwrap().total > 1);
}
