//! Runs a command as PID 1 of its container, and reports its end in the termination message.

use std::ffi::{OsStr, OsString, c_int};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use chaostoolkit_journal::message::{Message, State};
use rustix::process::{DumpableBehavior, Pid, set_child_subreaper, set_dumpable_behavior};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::command::{self, Kind, StartError};
use crate::edit::{current_context, edit};
use crate::journal;
use crate::processes::{self, ExitStatus};
use crate::relay::Relay;
use crate::shim::INTERRUPTED;
use crate::started::Started;
use crate::stop::{self, StopTarget};
use crate::termination::TerminationLog;
use crate::version;
use crate::volume::Volume;

/// The interval at which to check a process that may not be a child of this one, so that no signal reports its end.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Runs a command, writes the termination message and marks the journal as complete. Returns the exit code.
pub fn run(dir: &Path, message: &Path, command: &OsStr, args: Vec<OsString>) -> i32 {
    // Set the handlers first. The kernel drops signals to PID 1 that have no handler.
    let signals = match Signals::new([SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT]) {
        Ok(signals) => signals,
        Err(error) => {
            crate::warn(format_args!("cannot handle signals: {error}"));
            return 1;
        }
    };
    let mut termination = TerminationLog::open(message);
    let mut message = Message::new(State::Running);
    termination.write(&message);
    protect_process();
    let volume = Volume::new(dir);
    if let Err(error) = volume.create_journal_dir() {
        crate::warn(format_args!(
            "cannot create the directory for the journal: {}: {error}",
            volume.journal_dir().display()
        ));
    }
    volume.clear();

    let mut runner = Runner { volume, signals, stopped_by: None };
    let prepared = runner.prepare(command, args);
    if let Ok(prepared) = &prepared {
        message.toolkit.clone_from(&prepared.started.toolkit);
        message.rollback_strategy.clone_from(&prepared.started.rollback_strategy);
        termination.write(&message);
    }
    message.state = State::Ended;
    match prepared.and_then(|prepared| runner.execute(prepared, &mut message)) {
        Ok(code) => message.exit_code = Some(code),
        Err(StartError { reason, code }) => {
            crate::warn(&reason);
            message.exit_code = Some(code);
            message.not_started = Some(reason);
        }
    }
    message.stopped_by = runner.stopped_by.map(signal_name);
    // The sidecar waits for this file, even if there is no journal.
    let done = runner.volume.done_file();
    if let Err(error) = std::fs::write(&done, "") {
        crate::warn(format_args!("cannot create {}: {error}", done.display()));
    }
    termination.write(&message);
    message.exit_code.unwrap_or_default()
}

/// Protects this process, and lets it adopt orphans.
///
/// Children can run as the same user. They must not access the memory or the open files of this process. PID 1 adopts
/// orphans anyway. Any other process has to become a subreaper.
fn protect_process() {
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let _ = set_child_subreaper(Some(rustix::process::getpid()));
}

fn signal_name(signal: c_int) -> String {
    match signal {
        SIGTERM => "SIGTERM".to_owned(),
        SIGINT => "SIGINT".to_owned(),
        SIGHUP => "SIGHUP".to_owned(),
        SIGQUIT => "SIGQUIT".to_owned(),
        other => other.to_string(),
    }
}

/// A command that is ready to be started.
struct Prepared {
    program: PathBuf,
    /// The command as the user wrote it.
    name: OsString,
    args: Vec<OsString>,
    /// Whether the command is the toolkit, and not a wrapper that starts the toolkit.
    toolkit: bool,
    /// The `PATH` for the command, if it has to find the shim.
    path: Option<OsString>,
    started: Started,
}

struct Runner {
    volume: Volume,
    signals: Signals,
    stopped_by: Option<c_int>,
}

impl Runner {
    /// Finds the program of a command, and edits the arguments if it is the toolkit. Fails if there is no such program.
    fn prepare(&mut self, command: &OsStr, args: Vec<OsString>) -> Result<Prepared, StartError> {
        let path = command::search_path();
        let program = command::find(command, &path)?;
        let kind = command::kind(&program, &path);
        let file = program.file_name().unwrap_or_default().as_encoded_bytes();
        // A script for another interpreter is the toolkit only if its name is exactly `chaos`. Others, such as
        // `run-chaos.sh`, can use their arguments differently.
        let toolkit =
            file == b"chaos" || (kind != Kind::Script && file.windows(5).any(|part| part == b"chaos"));
        let volume = self.volume.clone();
        // A toolkit that is a Python script needs no shim. Commands that it starts are left alone, even those named
        // `chaos`.
        let needs_shim = (!toolkit || !matches!(kind, Kind::Python(_)))
            && volume.bin_dir().join(crate::volume::SHIM).exists();
        let shims = needs_shim.then(|| {
            let mut shims = volume.bin_dir().into_os_string();
            if !path.is_empty() {
                shims.push(":");
                shims.push(&path);
            }
            shims
        });
        let (args, started) = if toolkit {
            let mut ask = || version::supports_strategy(&program, &mut || self.is_stop_requested());
            edit(args, current_context(&volume, &program, &kind, &mut ask))
        } else {
            (args, Started::default())
        };
        Ok(Prepared { program, name: command.to_owned(), args, toolkit, path: shims, started })
    }

    /// Starts the command, waits for its end, and adds the result to the message. Returns the exit code.
    fn execute(&mut self, prepared: Prepared, message: &mut Message) -> Result<i32, StartError> {
        if self.is_stop_requested() {
            return Ok(INTERRUPTED);
        }
        let mut command = Command::new(&prepared.program);
        command.arg0(&prepared.name).args(&prepared.args).stderr(Stdio::piped());
        // Use a new process group, so that ^C in a terminal reaches only this process.
        command.process_group(0);
        if let Some(path) = &prepared.path {
            command.env("PATH", path);
        }
        let mut child = command.spawn().map_err(|error| start_error(&prepared.program, &error))?;
        let volume = self.volume.clone();
        let registered = move || stop::registered_toolkit(&volume).map_or(0, Pid::as_raw_pid);
        let relay = child.stderr.take().and_then(|pipe| Relay::start(pipe, registered).ok());
        let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
            return Ok(1);
        };
        let end = self.wait_for_end(pid, prepared.toolkit, relay.as_ref(), message);
        processes::kill_remaining(pid);
        if let Some(relay) = relay {
            relay.finish();
        }
        let started = if let Some(started) = Started::read(&self.volume) {
            message.toolkit = started.toolkit.clone().or_else(|| message.toolkit.take());
            message.rollback_strategy =
                started.rollback_strategy.clone().or_else(|| message.rollback_strategy.take());
            Started { journal: started.journal.or(prepared.started.journal), ..started }
        } else {
            prepared.started
        };
        if let Some((file, summary)) = journal::collect(&self.volume, &started) {
            message.journal = Some(file);
            message.summary = summary;
        }
        Ok(match end {
            ExitStatus::Exited(code) => code,
            ExitStatus::Signalled(signal) => {
                message.signal = Some(signal);
                128 + signal
            }
        })
    }

    /// Waits for the end of the child.
    ///
    /// If a signal asks for a stop, asks the toolkit to stop and waits for its end, too. If the rollbacks have already
    /// begun, holds the signal back and notes this in the message.
    fn wait_for_end(
        &mut self,
        child: Pid,
        toolkit: bool,
        relay: Option<&Relay>,
        message: &mut Message,
    ) -> ExitStatus {
        let mut end = None;
        let mut target: Option<StopTarget> = None;
        loop {
            let reaped = processes::reap(child);
            end = end.or(reaped);
            if let Some(end) = end {
                // A wrapper can end before its toolkit has played the rollbacks.
                if target.is_none_or(|target| !target.is_running()) {
                    return end;
                }
                std::thread::sleep(POLL_INTERVAL);
            }
            let arrived: Vec<c_int> =
                if end.is_some() { self.signals.pending().collect() } else { self.signals.wait().collect() };
            let Some(signal) = arrived.into_iter().find(|signal| *signal != SIGCHLD) else { continue };
            if self.stopped_by.is_some() {
                continue;
            }
            self.stopped_by = Some(signal);
            stop::forbid_starts(&self.volume);
            let running = stop::registered_toolkit(&self.volume).map_or(0, Pid::as_raw_pid);
            if relay.is_some_and(|relay| relay.in_rollbacks(running)) {
                message.held_back = true;
            } else {
                target = Some(stop::request_stop(&self.volume, child, toolkit));
            }
        }
    }

    /// Returns whether a signal has asked for a stop before anything was started.
    fn is_stop_requested(&mut self) -> bool {
        let first = self.signals.pending().find(|signal| *signal != SIGCHLD);
        self.stopped_by = self.stopped_by.or(first);
        self.stopped_by.is_some()
    }
}

/// Describes why a program that was found could not be started.
fn start_error(program: &Path, error: &io::Error) -> StartError {
    let (reason, code) = match error.kind() {
        io::ErrorKind::NotFound => ("its interpreter was not found".to_owned(), 127),
        _ => (error.to_string(), 126),
    };
    StartError { reason: format!("{}: {reason}", program.display()), code }
}
