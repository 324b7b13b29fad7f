//! Observes and ends the other processes of the container.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, kill_process_group, wait};

/// The time that killed processes have to end. A process that waits for a disk cannot be killed.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);

/// The exit status of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    Exited(i32),
    Signalled(i32),
}

/// Reaps all children that ended, adopted orphans included. Returns the exit status of `child` if it is among them.
pub fn reap(child: Pid) -> Option<ExitStatus> {
    let mut end = None;
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        if pid == child {
            end = exit_status(status).or(end);
        }
    }
    end
}

fn exit_status(status: WaitStatus) -> Option<ExitStatus> {
    status
        .exit_status()
        .map(ExitStatus::Exited)
        .or_else(|| status.terminating_signal().map(ExitStatus::Signalled))
}

/// Kills all remaining processes, so that none of them can overwrite the termination message later.
pub fn kill_remaining(child: Pid) {
    let first = std::process::id() == 1;
    let began = Instant::now();
    loop {
        if first {
            // This calls kill(-1), which kills all processes of the container except this one, including those of
            // `kubectl exec`. The library negates the id of the group, so PID 1 stands for -1.
            let _ = kill_process_group(Pid::INIT, Signal::KILL);
        } else {
            let _ = kill_process_group(child, Signal::KILL);
            children().for_each(|pid| {
                let _ = kill_process(pid, Signal::KILL);
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

fn children() -> impl Iterator<Item = Pid> {
    let own = rustix::process::getpid();
    all_processes().filter(move |process| process.parent == Some(own)).map(|process| process.pid)
}

/// Returns whether a process still runs.
pub fn is_running(pid: Pid) -> bool {
    read_process(pid).is_some_and(|process| process.running)
}

/// Returns whether any process of a process group still runs.
pub fn is_group_running(group: Pid) -> bool {
    all_processes().any(|process| process.group == Some(group) && process.running)
}

/// Finds the Chaos Toolkit in a process group. This serves wrappers that do not find the shim on their `PATH`.
pub fn toolkit_in(group: Pid) -> Option<Pid> {
    let found: Vec<Process> = all_processes()
        .filter(|process| process.group == Some(group) && process.running && is_toolkit(process.pid))
        .collect();
    // A toolkit can start another one: to use other packages, in which case it forwards signals, or as an activity. So
    // return the topmost one.
    let is_top = |process: &&Process| {
        let mut parent = process.parent;
        while let Some(above) = parent.filter(|pid| *pid != Pid::INIT).and_then(read_process) {
            if found.iter().any(|other| other.pid == above.pid) {
                return false;
            }
            parent = above.parent;
        }
        true
    };
    found.iter().find(is_top).map(|process| process.pid)
}

/// Returns whether a process is the toolkit, such as `/usr/bin/python3 /usr/bin/chaos … run …`.
///
/// A shell that runs a script with such a name, or a command with `-c`, is not.
fn is_toolkit(pid: Pid) -> bool {
    let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) else { return false };
    let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
    let name = |word: &[u8]| word.rsplit(|byte| *byte == b'/').next().map(<[u8]>::to_vec).unwrap_or_default();
    let python = words.first().is_some_and(|word| name(word).starts_with(b"py"));
    let script =
        if python { words.iter().skip(1).find(|word| !word.starts_with(b"-")) } else { words.first() };
    script.is_some_and(|word| name(word).windows(5).any(|part| part == b"chaos"))
        && words.contains(&b"run".as_slice())
}

struct Process {
    pid: Pid,
    parent: Option<Pid>,
    group: Option<Pid>,
    running: bool,
}

fn all_processes() -> impl Iterator<Item = Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter_map(Pid::from_raw).filter_map(read_process)
}

/// Reads a process from `/proc`, see `proc_pid_stat(5)`. The name is in parentheses and can contain any byte.
fn read_process(pid: Pid) -> Option<Process> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let mut fields = std::str::from_utf8(&stat[end + 1..]).ok()?.split_whitespace();
    let state = fields.next()?;
    let mut number = || fields.next()?.parse().ok().and_then(Pid::from_raw);
    let (parent, group) = (number(), number());
    Some(Process { pid, parent, group, running: !matches!(state, "Z" | "X") })
}
