//! The processes around this one.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, kill_process_group, wait};

/// How long processes may take to die: one that waits for a disk cannot be killed.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    Exited(i32),
    Signalled(i32),
}

/// Takes leave of all processes that ended, whoever's they were, and says how `child` did.
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

/// Ends all processes that are left, so that nobody writes to the termination message after this one.
pub fn kill_remaining(child: Pid) {
    let first = std::process::id() == 1;
    let began = Instant::now();
    loop {
        if first {
            // kill(-1): all processes of the container, those of `kubectl exec` too. To this call, PID 1 is the group
            // that all but itself are in.
            let _ = kill_process_group(Pid::INIT, Signal::KILL);
        } else {
            let _ = kill_process_group(child, Signal::KILL);
            children().for_each(|pid| {
                let _ = kill_process(pid, Signal::KILL);
            });
        }
        // Killing makes orphans, which are ours then: again, until there are none.
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some(_)) => {}
                Err(Errno::CHILD) => return,
                Ok(None) | Err(_) => break,
            }
        }
        if began.elapsed() > KILL_TIMEOUT {
            crate::warn("processes are left that cannot be killed");
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn children() -> impl Iterator<Item = Pid> {
    let own = rustix::process::getpid();
    all_processes().filter(move |process| process.parent == Some(own)).map(|process| process.pid)
}

/// Whether a process has not ended yet.
pub fn is_running(pid: Pid) -> bool {
    read_process(pid).is_some_and(|process| process.running)
}

/// Whether a process of a group has not ended yet.
pub fn is_group_running(group: Pid) -> bool {
    all_processes().any(|process| process.group == Some(group) && process.running)
}

/// The Chaos Toolkit among the processes of a group, for wrappers that do not find it on their `PATH`.
pub fn toolkit_in(group: Pid) -> Option<Pid> {
    let found: Vec<Process> = all_processes()
        .filter(|process| process.group == Some(group) && process.running && is_toolkit(process.pid))
        .collect();
    // One may have started another: to have other packages, and then it passes signals on, or as an activity.
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

/// `/usr/bin/python3 /usr/bin/chaos … run …`, but neither a shell with a script of such a name nor one with `-c`.
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

/// See `proc_pid_stat(5)`. The name, in parentheses, may hold anything.
fn read_process(pid: Pid) -> Option<Process> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let mut fields = std::str::from_utf8(&stat[end + 1..]).ok()?.split_whitespace();
    let state = fields.next()?;
    let mut number = || fields.next()?.parse().ok().and_then(Pid::from_raw);
    let (parent, group) = (number(), number());
    Some(Process { pid, parent, group, running: !matches!(state, "Z" | "X") })
}
