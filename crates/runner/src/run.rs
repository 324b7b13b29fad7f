//! Runs a command as PID 1 of its container, and reports its end in the termination message.

use std::ffi::{OsStr, OsString, c_int};
use std::path::Path;

use chaostoolkit_journal::frame::MAX_JOURNALS;
use chaostoolkit_journal::message::{Message, State};
use rustix::process::{DumpableBehavior, set_child_subreaper, set_dumpable_behavior};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::command::{self, StartError};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::fetch::{Failure, Fetch, Fetched};
use crate::processes;
use crate::starts::merge::{self, Rest};
use crate::starts::{self, Record};
use crate::supervise::{INTERRUPTED, Supervisor, handle_signals, stop_signal};
use crate::termination::TerminationLog;
use crate::toolkit::Toolkit;
use crate::volume::Volume;
use crate::wrapper;

/// Runs a command, writes the termination message and marks the journals as complete. Returns the exit code.
pub fn run(dir: &Path, message: &Path, fetch: Fetch, (command, args): (&OsStr, &[OsString])) -> i32 {
    let signals = match handle_signals() {
        Ok(signals) => signals,
        Err(error) => {
            crate::warn(format_args!("cannot handle signals: {error}"));
            return 1;
        }
    };
    let mut termination = TerminationLog::open(message);
    termination.write(&Message::new(State::Running));
    protect_process();
    let volume = Volume::new(dir);
    if let Err(error) = volume.create_journal_dir() {
        crate::warn(format_args!(
            "cannot create the directory for the journal: {}: {error}",
            volume.journal_dir().display()
        ));
    }
    volume.clear();

    let mut runner = Runner { volume, signals, termination, fetch, stopped_by: None };
    let mut message = Message::new(State::Ended);
    match runner.execute(command, args, &mut message) {
        Ok(exit) => {
            message.exit_code = Some(exit.code());
            message.signal = exit.signal();
        }
        Err(StartError { reason, code }) => {
            crate::warn(&reason);
            message.exit_code = Some(code);
            message.not_started = Some(reason);
        }
    }
    message.stopped_by = runner.stopped_by.map(signal_name);
    runner.termination.write(&message);
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

struct Runner {
    volume: Volume,
    signals: Signals,
    termination: TerminationLog,
    fetch: Fetch,
    stopped_by: Option<c_int>,
}

impl Runner {
    /// Runs the command, and adds to the message how the toolkit went. Fails if there is no such program.
    fn execute(
        &mut self,
        command: &OsStr,
        args: &[OsString],
        message: &mut Message,
    ) -> Result<Exit, StartError> {
        self.start(command, args, message).inspect_err(|_| {
            processes::kill_all();
            self.mark_done(&[]);
        })
    }

    fn start(
        &mut self,
        command: &OsStr,
        args: &[OsString],
        message: &mut Message,
    ) -> Result<Exit, StartError> {
        let path = command::search_path();
        let program = command::find(command, &path)?;
        let toolkit = Toolkit::of_program(&program, command, args, &path);
        let fetched = match self.fetch((toolkit.as_ref(), args)) {
            Ok(fetched) => fetched,
            // What follows does not start anything then.
            Err(Failure::Stopped) => None,
            Err(Failure::Broken(error)) => return Err(error),
            Err(Failure::Refused(refusal)) => {
                crate::warn(&refusal.line);
                message.refusal = Some(refusal);
                self.mark_done(&[]);
                return Ok(Exit::Code(1));
            }
        };
        let args = fetched.as_ref().map_or_else(|| args.to_vec(), |fetched| fetched.replace(args));
        match toolkit {
            Some(toolkit) => self.supervise(Toolkit { args, ..toolkit }, fetched, message),
            None => self.wrap((&program, command, &args), fetched, message),
        }
    }

    /// Fetches the experiment, if that is to be done here.
    fn fetch(&mut self, command: (Option<&Toolkit>, &[OsString])) -> Result<Option<Fetched>, Failure> {
        if self.fetch.is_empty() {
            return Ok(None);
        }
        let Self { volume, signals, fetch, stopped_by, .. } = self;
        let mut is_stopped = || {
            *stopped_by = stopped_by.or_else(|| stop_signal(signals.pending()));
            stopped_by.is_some()
        };
        fetch.fetch(volume, command, &mut is_stopped).map(Some)
    }

    /// Runs the toolkit itself. What it starts is a part of its run, so its environment stays as it is.
    fn supervise(
        &mut self,
        toolkit: Toolkit,
        experiment: Option<Fetched>,
        message: &mut Message,
    ) -> Result<Exit, StartError> {
        let Self { volume, signals, termination, stopped_by, .. } = self;
        let mut is_stopped = |signals: &mut Signals| {
            *stopped_by = stopped_by.or_else(|| stop_signal(signals.pending()));
            stopped_by.is_some()
        };
        let environment = Environment { experiment, ..Environment::default() };
        let supervisor = Supervisor::new(volume, toolkit, environment, &mut || is_stopped(signals));
        termination.write(&Message {
            toolkit: supervisor.record().toolkit.clone(),
            rollback_strategy: supervisor.record().rollback_strategy.clone(),
            ..Message::new(State::Running)
        });
        let supervised = supervisor.run(signals, is_stopped)?;
        *stopped_by = stopped_by.or(supervised.stopped_by);
        processes::kill_all();
        if stopped_by.is_some() {
            // The sidecar stays a moment longer then.
            let _ = std::fs::write(volume.stop_file(), "");
        }
        let record = supervised.record;
        merge::report(message, std::slice::from_ref(&record), &Rest::default(), 0);
        self.mark_done(&[&record]);
        Ok(record.exit.unwrap_or(Exit::Code(1)))
    }

    /// Runs a command that starts the toolkit.
    fn wrap(
        &mut self,
        command: (&Path, &OsStr, &[OsString]),
        experiment: Option<Fetched>,
        message: &mut Message,
    ) -> Result<Exit, StartError> {
        self.stopped_by = self.stopped_by.or_else(|| stop_signal(self.signals.pending()));
        if self.stopped_by.is_some() {
            self.mark_done(&[]);
            return Ok(Exit::Code(INTERRUPTED));
        }
        let environment = Environment { experiment, ..Environment::with_hooks(&self.volume) };
        let ended = wrapper::run(&self.volume, command, &environment, &mut self.signals)?;
        self.stopped_by = ended.stopped_by;
        // Nothing that still runs may change the files or the message from here on.
        processes::kill_all();
        let (mut records, rest) = starts::recorded(&self.volume);
        for record in &mut records {
            starts::complete(&self.volume, record);
        }
        if let [only] = records.as_mut_slice() {
            starts::look_again(&self.volume, only);
        }
        merge::report(message, &records, &rest, ended.unobserved);
        self.mark_done(&merge::by_severity(&records));
        Ok(ended.exit)
    }

    /// Tells the sidecar that all journals are complete. It waits for this, even if there is none.
    fn mark_done(&self, records: &[&Record]) {
        let numbers = records.iter().filter(|record| record.journal.is_some()).take(MAX_JOURNALS);
        let lines: Vec<String> = numbers.map(|record| record.number.to_string()).collect();
        let done = self.volume.done_file();
        if let Err(error) = crate::volume::write_atomically(&done, lines.join("\n").as_bytes()) {
            crate::warn(format_args!("cannot create {}: {error}", done.display()));
        }
    }
}
