//! Runs a command that starts the toolkit, such as a shell or a script, and waits for all toolkits that it started.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString, c_int};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use signal_hook::iterator::Signals;

use crate::command::StartError;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::processes::{self, Process};
use crate::starts::{recorded, registered};
use crate::supervise::stop_signal;
use crate::volume::Volume;

/// The interval at which to look at processes that are not children of this one, so that no signal reports their end.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The interval at which to look for toolkits whose start was not noticed.
const SEARCH_INTERVAL: Duration = Duration::from_millis(250);

/// The age at which a toolkit would have been noticed. Python needs some time until it imports the module of the runner.
const NOTICED_AFTER: Duration = Duration::from_secs(1);

/// How long processes that a command leaves behind have to start the toolkit.
const LEFT_BEHIND: Duration = Duration::from_millis(200);

/// How long a stopped command may go on after its toolkits have ended, before it gets a SIGTERM and before it is killed.
const STOP_LIMITS: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(10));

/// How a command went.
pub struct Ended {
    pub exit: Exit,
    /// The signal that asked for a stop, if there was one.
    pub stopped_by: Option<c_int>,
    /// How many toolkits ran that nobody supervised.
    pub unobserved: u32,
}

/// A command that starts the toolkit.
struct Wrapper<'a> {
    volume: &'a Volume,
    pid: Pid,
    stopped_by: Option<c_int>,
    /// Whether the processes of its group were asked to stop, since no toolkit was found.
    group_stopped: bool,
    /// When the last toolkit was seen after a stop, or the stop itself.
    quiet_since: Option<Instant>,
    /// Whether the command got a SIGTERM after its toolkits had ended.
    terminated: bool,
    /// The toolkits that nobody supervises.
    unobserved: Vec<Process>,
    searched: Option<Instant>,
}

/// Runs a command to its end, and until all toolkits that it started have ended.
pub fn run(
    volume: &Volume,
    (program, name, args): (&Path, &OsStr, &[OsString]),
    environment: &Environment,
    signals: &mut Signals,
) -> Result<Ended, StartError> {
    let mut command = Command::new(program);
    command.arg0(name).args(args);
    // Use a new process group, so that ^C in a terminal reaches only this process.
    command.process_group(0);
    environment.apply(&mut command);
    let child = command.spawn().map_err(|error| StartError::of(program, &error))?;
    let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
        return Ok(Ended { exit: Exit::Code(1), stopped_by: None, unobserved: 0 });
    };
    let mut wrapper = Wrapper {
        volume,
        pid,
        stopped_by: None,
        group_stopped: false,
        quiet_since: None,
        terminated: false,
        unobserved: Vec::new(),
        searched: None,
    };
    let exit = wrapper.wait(signals);
    // On a busy machine, Python can take longer until it hands the toolkit over. Its process stays the same then.
    let (records, _) = recorded(volume);
    let is_recorded = |process: &&Process| {
        let process = (process.pid.as_raw_pid(), process.started);
        records.iter().any(|record| record.supervisor == Some(process))
    };
    let unobserved = wrapper.unobserved.iter().filter(|process| !is_recorded(process)).count();
    let unobserved = u32::try_from(unobserved).unwrap_or(u32::MAX);
    Ok(Ended { exit, stopped_by: wrapper.stopped_by, unobserved })
}

impl Wrapper<'_> {
    fn wait(&mut self, signals: &mut Signals) -> Exit {
        let mut end = None;
        loop {
            let reaped = processes::reap(self.pid).map(|exit| (exit, Instant::now()));
            end = end.or(reaped);
            self.search();
            if let Some((exit, ended)) = end
                && !self.is_running()
                && !self.is_starting(ended)
            {
                return exit;
            }
            if let Some(signal) = stop_signal(signals.pending())
                && self.stopped_by.is_none()
            {
                self.stopped_by = Some(signal);
                self.stop();
            }
            if end.is_none() && self.stopped_by.is_some() {
                self.end_command();
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// Asks all toolkits to stop, and lets no other one start.
    fn stop(&mut self) {
        self.quiet_since = Some(Instant::now());
        // This has to come before the search for toolkits that already run.
        let _ = fs::write(self.volume.stop_file(), "");
        // A supervisor turns any signal into the right one. One that was killed has left its toolkit behind.
        let registered = registered(self.volume);
        let supervised = registered.iter().filter_map(|start| start.supervisor.or(start.toolkit));
        let found: HashSet<Pid> =
            supervised.chain(self.unsupervised().iter().map(|process| process.pid)).collect();
        for pid in &found {
            let _ = kill_process(*pid, Signal::INT);
        }
        if found.is_empty() {
            self.group_stopped = true;
            let _ = kill_process_group(self.pid, Signal::INT);
        }
    }

    /// Whether a toolkit still runs, or a process that was asked to stop in place of one.
    fn is_running(&self) -> bool {
        !registered(self.volume).is_empty()
            || self.unobserved.iter().any(Process::is_same)
            || (self.group_stopped && processes::is_group_running(self.pid))
    }

    /// Whether a process that the command left behind at its end may become a toolkit that is noticed.
    ///
    /// The shell executes the toolkit a moment after it was forked, and Python hands the toolkit over a moment later.
    fn is_starting(&self, ended: Instant) -> bool {
        let mut left = processes::below().filter(|process| process.running).peekable();
        (left.peek().is_some() && ended.elapsed() < LEFT_BEHIND)
            || left.any(|process| processes::is_runner(&process))
            || !self.unsupervised().is_empty()
            // It can have been handed over between these two questions.
            || self.is_running()
    }

    /// Whether a toolkit runs, or its supervisor records its end. A supervisor without a toolkit does not count: it starts
    /// none after a stop, and a loop without end starts one supervisor after the other.
    fn has_toolkit(&self) -> bool {
        registered(self.volume).iter().any(|start| start.has_begun)
            || self.unobserved.iter().any(Process::is_same)
    }

    /// Ends a command that goes on after its toolkits were stopped, so that the report is written before the container is
    /// killed.
    fn end_command(&mut self) {
        // Something in its group may play rollbacks.
        if self.group_stopped {
            return;
        }
        if self.has_toolkit() {
            self.quiet_since = Some(Instant::now());
        }
        let quiet = self.quiet_since.map_or(Duration::ZERO, |since| since.elapsed());
        if quiet > STOP_LIMITS.1 {
            let _ = kill_process_group(self.pid, Signal::KILL);
        } else if quiet > STOP_LIMITS.0 && !self.terminated {
            self.terminated = true;
            let _ = kill_process_group(self.pid, Signal::TERM);
        }
    }

    /// Looks from time to time for toolkits whose start was not noticed.
    fn search(&mut self) {
        if self.searched.is_some_and(|at| at.elapsed() < SEARCH_INTERVAL) {
            return;
        }
        self.searched = Some(Instant::now());
        for process in self.unsupervised() {
            let is_known = self
                .unobserved
                .iter()
                .any(|known| known.pid == process.pid && known.started == process.started);
            if !is_known && process.age() > NOTICED_AFTER {
                self.unobserved.push(process);
            }
        }
    }

    /// Returns the running toolkits that nobody supervises.
    fn unsupervised(&self) -> Vec<Process> {
        let registered = registered(self.volume);
        let known: Vec<Pid> =
            registered.iter().flat_map(|start| [start.supervisor, start.toolkit]).flatten().collect();
        // Containers can share their processes. Only those below this process are a part of the run.
        let own = [rustix::process::getpid()];
        let is_new = |process: &Process| {
            !known.contains(&process.pid)
                && !processes::is_below(process, &known)
                && processes::is_below(process, &own)
        };
        processes::toolkits().into_iter().filter(is_new).collect()
    }
}
