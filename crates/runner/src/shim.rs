//! The program that wrappers find under the name `chaos`, and that Python executes in place of the toolkit.
//!
//! It supervises the toolkit: it stays its parent until the toolkit has ended, and ends as the toolkit did.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::process::{Signal, getpid, kill_process};
use signal_hook::low_level::emulate_default_handler;

use crate::command::{self, StartError};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::supervise::{Supervisor, handle_signals};
use crate::toolkit::Toolkit;
use crate::volume::{SHIM, Volume};

/// The variable with which the module for Python knows a process that is left alone.
const LEFT_ALONE: &str = "CHAOS_RUNNER_LEFT_ALONE";

/// Runs the program that this one hides on the `PATH`. Returns the exit code.
pub fn shim(args: &[OsString]) -> i32 {
    let Some(volume) = own_volume() else { return fail("chaos: cannot determine its own path", 127) };
    let environment = Environment::without_hooks(&volume);
    let path = environment.path.clone().unwrap_or_default();
    let program = match command::find(OsStr::new(SHIM), &path) {
        Ok(program) => program,
        Err(StartError { reason, code }) => return fail(&reason, code),
    };
    if let Some(toolkit) = Toolkit::of_program(&program, program.as_os_str(), args, &path) {
        return supervise(&volume, toolkit, environment);
    }
    // It only has the same name, or it starts the toolkit, which is noticed in Python then. It must not find the shim again.
    let error = Command::new(&program).args(args).env("PATH", path).exec();
    fail(&format!("{}: {error}", program.display()), 126)
}

/// Runs Python with these words, the first of which is the interpreter. Returns the exit code.
pub fn python(words: &[OsString]) -> i32 {
    let (Some(volume), Some((interpreter, words))) = (own_volume(), words.split_first()) else {
        return fail("python: cannot determine its own path", 127);
    };
    if let Some(toolkit) = Toolkit::of_python(Path::new(interpreter), words, Path::new("")) {
        return supervise(&volume, toolkit, Environment::without_hooks(&volume));
    }
    let own = std::process::id().to_string();
    let error = Command::new(interpreter).args(words).env(LEFT_ALONE, own).exec();
    fail(&format!("{}: {error}", interpreter.to_string_lossy()), 126)
}

fn supervise(volume: &Volume, toolkit: Toolkit, environment: Environment) -> i32 {
    let mut signals = match handle_signals() {
        Ok(signals) => signals,
        Err(error) => return fail(&format!("cannot handle signals: {error}"), 1),
    };
    // The start is registered before this asks for the stop file. To stop a run, the runner first creates the stop file, and
    // then looks for registered starts. So either it finds this process, or this process finds the stop file.
    let mut is_stopped = || volume.stop_file().exists();
    let supervisor = Supervisor::new(volume, toolkit, environment, &mut is_stopped);
    match supervisor.run(&mut signals, |_| volume.stop_file().exists()) {
        Ok(supervised) => end_as(supervised.record.exit.unwrap_or(Exit::Code(1))),
        Err(StartError { reason, code }) => fail(&reason, code),
    }
}

/// Ends this process as another one ended, or returns the exit code.
fn end_as(exit: Exit) -> i32 {
    if let Exit::Signal(signal) = exit {
        if signal == Signal::KILL.as_raw() {
            let _ = kill_process(getpid(), Signal::KILL);
        }
        let _ = emulate_default_handler(signal);
    }
    exit.code()
}

/// The volume that holds this program.
fn own_volume() -> Option<Volume> {
    Some(Volume::new(std::env::current_exe().ok()?.parent()?))
}

fn fail(text: &str, code: i32) -> i32 {
    let _ = writeln!(std::io::stderr(), "chaos-runner: {text}");
    code
}
