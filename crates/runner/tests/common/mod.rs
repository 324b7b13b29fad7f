//! A sandbox for the runner: a directory with the installed runner, a script in place of the toolkit, and their output.

#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests panic to fail")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use chaostoolkit_journal::message::Message;
use rustix::process::{Pid, Signal, kill_process};

pub const RUNNER: &str = env!("CARGO_BIN_EXE_chaos-runner");

/// The limit for everything that a test waits for. Nothing takes this long, even on a busy machine.
pub const TIMEOUT: Duration = Duration::from_secs(20);

/// A toolkit that executes a shell script. Python ignores the environment, so that only the name leads to the runner.
const ISOLATED: &str = "#!/usr/bin/env -S python3 -IS";

/// A toolkit that executes a shell script, after Python has imported the module of the runner.
const HOOKED: &str = "#!/usr/bin/env python3";

/// The beginning of each toolkit script. It prints the help, and records its arguments.
const PROLOGUE: &str = r#"#!/bin/sh
case " $* " in *" --help "*) echo "  --rollback-strategy TEXT"; exit 0;; esac
printf '%s\n' "$@" >> "$OUT/args"
journal() {
  while [ $# -gt 0 ]; do
    case "$1" in
      --journal-path) echo "$2"; return;;
      --journal-path=*) echo "${1#*=}"; return;;
    esac
    shift
  done
}
JOURNAL=$(journal "$@")
"#;

/// A script that records signals until the test releases it.
pub const COUNT_SIGNALS: &str = r#"
for signal in INT TERM HUP QUIT; do trap "echo $signal >> $OUT/signals" $signal; done
touch $OUT/ready
while [ ! -e $OUT/go ]; do sleep 0.01; done
exit 7
"#;

/// The journal of an experiment that passed.
pub const PASSED: &str = r#"{"chaoslib-version": "1.44.0", "status": "completed", "deviated": false,
"experiment": {"title": "t", "method": [{"name": "a", "type": "action"}], "rollbacks": []},
"steady_states": {"before": null, "after": null, "during": []},
"run": [{"activity": {"name": "a", "type": "action"}, "output": 1, "status": "succeeded"}], "rollbacks": [],
"start": "2026-11-21T07:51:32+00:00", "end": "2026-11-21T07:51:33+00:00", "duration": 1.0}"#;

/// The line that announces the rollbacks.
pub const ROLLBACK_LINE: &str = "[2026-11-21 07:51:32 INFO] Let's rollback...";

pub struct Sandbox {
    root: tempfile::TempDir,
}

impl Sandbox {
    /// Creates a sandbox whose toolkit is this shell script.
    pub fn new(chaos: &str) -> Self {
        let sandbox = Self { root: tempfile::tempdir().unwrap() };
        for dir in ["dir", "work", "bin", "out"] {
            fs::create_dir(sandbox.path(dir)).unwrap();
        }
        let installed = Command::new(RUNNER).arg("install").arg(sandbox.path("dir")).status().unwrap();
        assert!(installed.success());
        sandbox.toolkit("bin/chaos", chaos);
        fs::write(sandbox.path("work/x.json"), "{}").unwrap();
        fs::write(sandbox.path("passed.json"), PASSED).unwrap();
        sandbox
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub fn script(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), Permissions::from_mode(0o755)).unwrap();
    }

    /// Writes a toolkit that is this shell script, and that is noticed only by its name.
    pub fn toolkit(&self, name: &str, script: &str) {
        self.python(ISOLATED, name, &format!("{PROLOGUE}{script}"));
    }

    /// Writes a toolkit that is this shell script, and that is noticed wherever it is.
    pub fn hooked_toolkit(&self, name: &str, script: &str) {
        self.python(HOOKED, name, &format!("{PROLOGUE}{script}"));
    }

    /// Writes a toolkit that is a whole shell script.
    pub fn bare_toolkit(&self, name: &str, script: &str) {
        self.python(ISOLATED, name, script);
    }

    fn python(&self, interpreter: &str, name: &str, script: &str) {
        let body = format!("{name}.sh");
        self.script(&body, script);
        let body = self.path(&body);
        self.script(
            name,
            &format!(
                "{interpreter}\n# stands for chaostoolkit\nimport os, sys\nos.execv('/bin/sh', ['/bin/sh', '{}'] + sys.argv[1:])\n",
                body.display()
            ),
        );
    }

    /// Gives a command the environment of the sandbox.
    pub fn with_env<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.path("bin").display());
        command.env_clear().env("PATH", path).env("HOME", self.path("work")).env("OUT", self.path("out"));
        command.env("ROOT", self.root.path()).env("ROLLBACK", ROLLBACK_LINE).current_dir(self.path("work"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped())
    }

    /// Returns the command of a runner that runs `line`.
    pub fn run(&self, line: &[&str]) -> Command {
        let mut command = Command::new(self.path("dir/chaos-runner"));
        self.with_env(&mut command).arg("run").arg(self.path("dir"));
        command.arg("--message").arg(self.path("message")).arg("--").args(line);
        command
    }

    /// Runs `line` to its end.
    pub fn output(&self, line: &[&str]) -> Output {
        finish(self.run(line).spawn().unwrap())
    }

    /// Starts `line`, and waits until the script is ready.
    pub fn start(&self, line: &[&str]) -> Child {
        let child = self.run(line).spawn().unwrap();
        wait_until("ready", || self.path("out/ready").exists());
        child
    }

    pub fn release(&self) {
        fs::write(self.path("out/go"), "").unwrap();
    }

    pub fn message(&self) -> Message {
        Message::read(&self.text("message"))
            .unwrap_or_else(|| panic!("no message: {:?}", self.text("message")))
    }

    pub fn args(&self) -> String {
        self.text("out/args").trim().replace('\n', " ").replace(self.root.path().to_str().unwrap(), "")
    }
}

/// Waits for the end of a process. If it does not end in time, kills it and fails the test.
pub fn finish(child: Child) -> Output {
    finish_within(TIMEOUT, child)
}

/// Waits for the end of a process within this time.
pub fn finish_within(limit: Duration, mut child: Child) -> Output {
    let pid = pid(&child);
    let (send, ended) = std::sync::mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        let late = ended.recv_timeout(limit).is_err();
        if late {
            let _ = kill_process(pid, Signal::KILL);
        }
        late
    });
    drop(child.stdin.take());
    let output = child.wait_with_output().unwrap();
    let _ = send.send(());
    assert!(!watch.join().unwrap(), "it did not end: {output:?}");
    output
}

pub fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

pub fn send(child: &Child, signal: Signal) {
    kill_process(pid(child), signal).unwrap();
}

pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < TIMEOUT, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits for a moment in which something must not happen.
pub fn wait_a_moment() {
    std::thread::sleep(Duration::from_millis(300));
}

pub fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// The options of `unshare` that make a process the first one of a new namespace.
pub const UNSHARE: [&str; 4] = ["--pid", "--fork", "--kill-child", "--mount-proc"];

pub fn can_unshare() -> bool {
    let tried = Command::new("unshare").args(UNSHARE).arg("true").output();
    let permitted = tried.as_ref().is_ok_and(|output| output.status.success());
    if !permitted {
        eprintln!("skipped, since unshare is not permitted: {tried:?}");
    }
    permitted
}

pub fn unshare(sandbox: &Sandbox, args: &[&str]) -> Child {
    let mut command = Command::new("unshare");
    sandbox.with_env(&mut command).args(UNSHARE).arg(sandbox.path("dir/chaos-runner")).args(args);
    command.spawn().unwrap()
}

pub fn run_as_pid1(sandbox: &Sandbox, line: &[&str]) -> Child {
    let (dir, message) = (sandbox.path("dir"), sandbox.path("message"));
    let head = ["run", dir.to_str().unwrap(), "--message", message.to_str().unwrap(), "--"];
    unshare(sandbox, &[&head, line].concat())
}

/// Returns the process id of the runner in the namespace of the test.
pub fn runner_pid(unshare: &Child) -> Pid {
    let path = format!("/proc/{0}/task/{0}/children", unshare.id());
    let mut found = None;
    wait_until("a first process", || {
        found = fs::read_to_string(&path).ok().and_then(|text| text.split_whitespace().next()?.parse().ok());
        found.is_some()
    });
    Pid::from_raw(found.unwrap()).unwrap()
}
