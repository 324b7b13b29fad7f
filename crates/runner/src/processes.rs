//! Observes and ends the other processes of the container.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, kill_process_group, wait};

use crate::command::is_python;
use crate::command_line::args;
use crate::exit::Exit;
use crate::toolkit::Toolkit;

/// The time that killed processes have to end. A process that waits for a disk cannot be killed.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);

/// Reaps all children that ended, adopted orphans included. Returns how `child` ended if it is among them.
pub fn reap(child: Pid) -> Option<Exit> {
    let mut end = None;
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        if pid == child {
            end = exit_status(status).or(end);
        }
    }
    end
}

fn exit_status(status: WaitStatus) -> Option<Exit> {
    status.exit_status().map(Exit::Code).or_else(|| status.terminating_signal().map(Exit::Signal))
}

/// Kills all processes of the container but this one, so that none of them can change the message or a journal later.
pub fn kill_all() {
    let first = std::process::id() == 1;
    let began = Instant::now();
    loop {
        if first {
            // This calls kill(-1), which kills all processes of the container except this one, including those of
            // `kubectl exec`. The library negates the id of the group, so PID 1 stands for -1.
            let _ = kill_process_group(Pid::INIT, Signal::KILL);
        } else {
            below().for_each(|process| {
                let _ = kill_process(process.pid, Signal::KILL);
            });
        }
        // Killing a process makes its children orphans, which this process adopts. Repeat until no child is left.
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some(_)) => {}
                Err(Errno::CHILD) => return,
                Ok(None) | Err(_) => break,
            }
        }
        if began.elapsed() > KILL_TIMEOUT {
            crate::warn("some processes cannot be killed");
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Returns the processes that this one started, directly or not.
pub fn below() -> impl Iterator<Item = Process> {
    let own = [rustix::process::getpid()];
    all().filter(move |process| is_below(process, &own))
}

/// Returns whether a process executes this program.
pub fn is_runner(process: &Process) -> bool {
    let program = |id: &str| fs::read_link(format!("/proc/{id}/exe")).ok();
    program("self").is_some_and(|own| program(&process.pid.to_string()) == Some(own))
}

/// Returns whether a process still runs.
pub fn is_running(pid: Pid) -> bool {
    read(pid).is_some_and(|process| process.running)
}

/// Returns whether any process of a process group still runs.
pub fn is_group_running(group: Pid) -> bool {
    all().any(|process| process.group == Some(group) && process.running)
}

/// Returns the toolkits that run an experiment, but not those that a toolkit started.
///
/// A toolkit can start another one: to use other packages, in which case it forwards signals, or as an activity.
pub fn toolkits() -> Vec<Process> {
    let found: Vec<Process> = all().filter(|process| process.running && is_toolkit(process.pid)).collect();
    let is_top =
        |process: &Process| !ancestors(process).any(|above| found.iter().any(|other| other.pid == above.pid));
    found.iter().filter(|process| is_top(process)).copied().collect()
}

/// Returns whether one of these processes started a process, directly or not.
pub fn is_below(process: &Process, others: &[Pid]) -> bool {
    ancestors(process).any(|above| others.contains(&above.pid))
}

/// Returns the parent of a process, its parent, and so on.
fn ancestors(process: &Process) -> impl Iterator<Item = Process> {
    std::iter::successors(process.parent.and_then(read), |process| process.parent.and_then(read))
}

/// Returns whether a process is a toolkit, or has started one.
pub fn has_toolkit(pid: Pid) -> bool {
    let is_or_below = |process: &Process| process.pid == pid || is_below(process, &[pid]);
    all().any(|process| is_toolkit(process.pid) && is_or_below(&process))
}

/// Returns whether a process is the toolkit, such as `/usr/bin/python3 /usr/bin/chaos … run …`.
///
/// A shell that runs a script with such a name, or a command with `-c`, is not.
fn is_toolkit(pid: Pid) -> bool {
    let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) else { return false };
    let line = line.strip_suffix(b"\0").unwrap_or(&line);
    let words: Vec<OsString> =
        line.split(|byte| *byte == 0).map(|word| OsStr::from_bytes(word).to_owned()).collect();
    let Some((program, words)) = words.split_first().filter(|(program, _)| is_python(program.as_bytes()))
    else {
        return false;
    };
    let dir = format!("/proc/{pid}/cwd");
    Toolkit::of_python(Path::new(program), words, Path::new(&dir))
        .is_some_and(|toolkit| args::parse(&toolkit.args).is_some())
}

/// A process, as `/proc` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: Pid,
    pub parent: Option<Pid>,
    pub group: Option<Pid>,
    pub running: bool,
    /// When it was started, in ticks of the kernel's clock since the boot. No two processes with the same id share it.
    pub started: u64,
}

impl Process {
    /// Returns whether this very process still runs.
    pub fn is_same(&self) -> bool {
        read(self.pid).is_some_and(|now| now.running && now.started == self.started)
    }

    /// Returns how long ago the process was started.
    pub fn age(&self) -> Duration {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let now = Duration::new(now.tv_sec.cast_unsigned(), u32::try_from(now.tv_nsec).unwrap_or_default());
        let ticks = rustix::param::clock_ticks_per_second().max(1);
        now.saturating_sub(Duration::from_millis(self.started.saturating_mul(1000) / ticks))
    }
}

/// Returns all processes that this one can see.
pub fn all() -> impl Iterator<Item = Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter(|id: &i32| *id > 0).filter_map(Pid::from_raw).filter_map(read)
}

/// Reads a process from `/proc`, see `proc_pid_stat(5)`. The name is in parentheses and can contain any byte.
pub fn read(pid: Pid) -> Option<Process> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let mut fields = std::str::from_utf8(&stat[end + 1..]).ok()?.split_whitespace();
    let state = fields.next()?;
    // A process that is just being removed shows a group of -1.
    let mut number = || fields.next()?.parse().ok().filter(|id: &i32| *id > 0).and_then(Pid::from_raw);
    let (parent, group) = (number(), number());
    // The start is field 22. The group is field 5.
    let started = fields.nth(16)?.parse().ok()?;
    Some(Process { pid, parent, group, running: !matches!(state, "Z" | "X"), started })
}
