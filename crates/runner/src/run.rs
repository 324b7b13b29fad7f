//! Runs a command as PID 1 of its container, and says how it went.

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

/// How often to look after a process whose end is not reported to this one.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

pub fn run(dir: &Path, message: &Path, command: &OsStr, args: Vec<OsString>) -> i32 {
    // As PID 1, a signal without a handler is lost: first of all.
    let signals = match Signals::new([SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT]) {
        Ok(signals) => signals,
        Err(error) => {
            crate::warn(format_args!("no signals: {error}"));
            return 1;
        }
    };
    let mut termination = TerminationLog::open(message);
    let mut message = Message::new(State::Running);
    termination.write(&message);
    protect_process();
    let volume = Volume::new(dir);
    if let Err(error) = volume.create_journal_dir() {
        crate::warn(format_args!("no place for a journal: {}: {error}", volume.journal_dir().display()));
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
    // What the sidecar waits for, even if there is no journal.
    let done = runner.volume.done_file();
    if let Err(error) = std::fs::write(&done, "") {
        crate::warn(format_args!("{}: {error}", done.display()));
    }
    termination.write(&message);
    message.exit_code.unwrap_or_default()
}

/// Keeps children, who may be the same user, from the memory and the open files of this process, and makes those its
/// own that lose their parents, should it not be PID 1.
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
    /// The name by which it was called.
    name: OsString,
    args: Vec<OsString>,
    /// Whether it is the toolkit, rather than what will start it.
    toolkit: bool,
    /// The `PATH` that needs_shim to the shim, if that is to be found.
    path: Option<OsString>,
    started: Started,
}

struct Runner {
    volume: Volume,
    signals: Signals,
    stopped_by: Option<c_int>,
}

impl Runner {
    fn prepare(&mut self, command: &OsStr, args: Vec<OsString>) -> Result<Prepared, StartError> {
        let path = command::search_path();
        let program = command::find(command, &path)?;
        let kind = command::kind(&program, &path);
        let file = program.file_name().unwrap_or_default().as_encoded_bytes();
        // A shell script of another name, such as `run-chaos.sh`, does with arguments what it likes.
        let toolkit =
            file == b"chaos" || (kind != Kind::Script && file.windows(5).any(|part| part == b"chaos"));
        let volume = self.volume.clone();
        // Python scripts are the toolkit. What they start in turn is none of our business, even by the same name.
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

    /// Starts it, waits for its end, and tells that to the message.
    fn execute(&mut self, prepared: Prepared, message: &mut Message) -> Result<i32, StartError> {
        if self.is_stop_requested() {
            return Ok(INTERRUPTED);
        }
        let mut command = Command::new(&prepared.program);
        command.arg0(&prepared.name).args(&prepared.args).stderr(Stdio::piped());
        // Of its own, so that a terminal's ^C comes here only.
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

    /// Waits for the end of the child, and for that of the toolkit if a stop was asked of it.
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
                // A wrapper may end before its toolkit has played the rollbacks.
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

    /// Whether somebody asked for a stop before anything was started.
    fn is_stop_requested(&mut self) -> bool {
        let first = self.signals.pending().find(|signal| *signal != SIGCHLD);
        self.stopped_by = self.stopped_by.or(first);
        self.stopped_by.is_some()
    }
}

fn start_error(program: &Path, error: &io::Error) -> StartError {
    let (reason, code) = match error.kind() {
        io::ErrorKind::NotFound => ("its interpreter is not found".to_owned(), 127),
        _ => (error.to_string(), 126),
    };
    StartError { reason: format!("{}: {reason}", program.display()), code }
}
