//! Runs the toolkit as a child process, and records how it went.
//!
//! A single SIGINT is the only signal on which all versions from 1.0 to 1.21 stop cleanly, in each phase of a run.
//! While they load, they exit. During an activity, they go on to the rollbacks. A second signal of any kind makes them
//! skip the remaining rollbacks. The first signal does the same if the rollbacks have already begun.

mod background;
mod relay;
mod rollbacks;

use std::ffi::{OsString, c_int};
use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use chaostoolkit_journal::Refusal;
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;

use crate::command::StartError;
use crate::command_line::edit::{current_context, edit};
use crate::command_line::version;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::journal;
use crate::processes;
use crate::started::{FileStamp, Started};
use crate::starts::{Record, Registration};
use crate::supervise::background::Descendants;
use crate::supervise::relay::Relay;
use crate::toolkit::Toolkit;
use crate::volume::{Volume, copy};

/// The signals that ask for a stop.
pub const STOP_SIGNALS: [c_int; 4] = [SIGTERM, SIGINT, SIGHUP, SIGQUIT];

/// The signals that the toolkit has a meaning of its own for.
const OTHER_SIGNALS: [c_int; 2] = [SIGUSR1, SIGUSR2];

/// For how long the toolkit may be unable to receive a signal.
///
/// Python drops the exception of a SIGINT at some moments of its own start, and goes on. The toolkit has begun when it
/// writes to its log, and does no harm before.
const DEAF_FOR: Duration = Duration::from_secs(1);

/// The interval at which to check whether it has begun.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The exit code of a shell after a SIGINT.
pub const INTERRUPTED: i32 = 130;

/// Sets the handlers for all signals that a supervisor deals with.
///
/// Do this before anything else. The kernel drops signals to PID 1 that have no handler.
pub fn handle_signals() -> io::Result<Signals> {
    Signals::new(STOP_SIGNALS.iter().chain(&OTHER_SIGNALS).chain(&[SIGCHLD]))
}

/// Returns the first signal among these that asks for a stop.
pub fn stop_signal(signals: impl IntoIterator<Item = c_int>) -> Option<c_int> {
    signals.into_iter().find(|signal| STOP_SIGNALS.contains(signal))
}

/// A toolkit that is about to be started, with the options that it lacked.
pub struct Supervisor {
    toolkit: Toolkit,
    args: Vec<OsString>,
    started: Started,
    environment: Environment,
    registration: Option<Registration>,
    record: Record,
}

/// How a supervised toolkit went.
pub struct Supervised {
    pub record: Record,
    /// The signal that asked the supervisor to stop, if there was one.
    pub stopped_by: Option<c_int>,
}

impl Supervisor {
    /// Registers a start, and adds the options that its command line lacks.
    ///
    /// If the volume cannot be written, the start is not registered, and the toolkit selects the path of the journal.
    pub fn new(
        volume: &Volume,
        toolkit: Toolkit,
        environment: Environment,
        is_stopped: &mut dyn FnMut() -> bool,
    ) -> Self {
        let registration = if volume.is_writable() { Registration::new(volume).ok() } else { None };
        let mut ask = || {
            let mut command = toolkit.command();
            environment.apply(&mut command);
            version::supports_strategy(command, is_stopped)
        };
        let journal = registration.as_ref().map(Registration::journal);
        let python_path = environment.python_path.as_deref();
        let (args, started) =
            edit(toolkit.args.clone(), current_context(journal, &toolkit, python_path, &mut ask));
        let mut record = Record {
            toolkit: started.toolkit.clone(),
            rollback_strategy: started.rollback_strategy.clone(),
            subcommand: started.subcommand.clone(),
            ..Record::default()
        };
        if let Some(registration) = &registration {
            registration.began(&mut record);
        }
        Self { toolkit, args, started, environment, registration, record }
    }

    /// What is known of the start so far.
    pub const fn record(&self) -> &Record {
        &self.record
    }

    /// Starts the toolkit, waits for its end, and records it. `is_stopped` is asked once, just before the start.
    pub fn run(
        mut self,
        signals: &mut Signals,
        is_stopped: impl FnOnce(&mut Signals) -> bool,
    ) -> Result<Supervised, StartError> {
        if is_stopped(signals) {
            self.record.stopped = true;
            self.record.skipped = true;
            self.record.exit = Some(Exit::Code(INTERRUPTED));
            return Ok(Supervised { record: self.finish(&[]), stopped_by: None });
        }
        let mut command = self.toolkit.command();
        command.args(&self.args).stderr(Stdio::piped());
        self.environment.apply(&mut command);
        // In a group of its own, it gets only the signals that this process sends: one, whatever a script sends to its group.
        command.process_group(0);
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                let failed = StartError::of(&self.toolkit.program, &error);
                self.record.exit = Some(Exit::Code(failed.code));
                self.finish(&[]);
                return Err(failed);
            }
        };
        let relay = child.stderr.take().and_then(|pipe| Relay::start(pipe).ok());
        let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
            return Ok(Supervised { record: self.finish(&[]), stopped_by: None });
        };
        if let Some(registration) = &mut self.registration {
            registration.has_child(pid);
        }
        let stopped_by = self.wait((pid, Instant::now()), relay.as_ref(), signals);
        let tail = relay.map(Relay::finish).unwrap_or_default();
        Ok(Supervised { record: self.finish(&tail), stopped_by })
    }

    /// Waits for the end of the toolkit. Passes on one signal that asks for a stop, or holds it back during the rollbacks.
    fn wait(
        &mut self,
        (toolkit, started): (Pid, Instant),
        relay: Option<&Relay>,
        signals: &mut Signals,
    ) -> Option<c_int> {
        let mut stopped_by = None;
        loop {
            if let Some(exit) = processes::reap(toolkit) {
                self.record.exit = Some(exit);
                return stopped_by;
            }
            let arrived: Vec<c_int> = signals.wait().collect();
            for signal in arrived.iter().filter(|signal| OTHER_SIGNALS.contains(signal)) {
                let signal = if *signal == SIGUSR1 { Signal::USR1 } else { Signal::USR2 };
                let _ = kill_process(toolkit, signal);
            }
            let Some(signal) = stop_signal(arrived).filter(|_| stopped_by.is_none()) else { continue };
            stopped_by = Some(signal);
            self.record.stopped = true;
            if relay.is_some_and(Relay::in_rollbacks) {
                self.record.held_back = true;
                continue;
            }
            while started.elapsed() < DEAF_FOR && !relay.is_some_and(Relay::has_output) {
                thread::sleep(POLL_INTERVAL);
            }
            let background = Descendants::of(toolkit);
            let _ = kill_process(toolkit, Signal::INT);
            background.end_soon();
        }
    }

    /// Collects the journal, and records the end.
    fn finish(mut self, tail: &[u8]) -> Record {
        let kept = self.registration.as_ref().map(Registration::journal);
        if let Some((file, summary)) = journal::collect(kept.as_deref(), &self.started) {
            self.record.journal = Some(file);
            self.record.summary = summary;
            // Only the first start can be the only one, whose journal is read again.
            let theirs = self.started.journal.clone().filter(|_| self.record.number == 1);
            let theirs = theirs.filter(|path| Some(path) != kept.as_ref());
            self.record.journal_at = theirs.and_then(|path| Some((path.clone(), FileStamp::of(&path)?)));
            if let (Some(expected), Some(kept)) = (&self.started.expected_at, &kept) {
                provide(kept, expected);
            }
        } else if self.record.exit.is_some_and(|exit| exit.code() != 0) {
            self.record.refusal = Refusal::find(&String::from_utf8_lossy(tail));
        }
        if let Some(registration) = self.registration {
            registration.ended(&self.record);
        }
        self.record
    }
}

/// Puts the journal where a script expects it. This is no loss if the directory cannot be written.
fn provide(journal: &Path, expected: &PathBuf) {
    // Another run can have written there meanwhile. The last one counts, as without the runner.
    if copy(journal, expected, None).is_err() {
        let _ = fs::copy(journal, expected);
    }
}
