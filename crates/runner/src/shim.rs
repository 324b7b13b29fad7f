//! The program that wrappers find under the name `chaos`.
//!
//! The shim edits the command line as the runner does, and then executes the toolkit in its place.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FileType, fstat};
use rustix::io::ioctl_fionread;

use crate::command::{self, StartError};
use crate::edit::{current_context, edit};
use crate::version;
use crate::volume::{SHIM, Volume, write_atomically};

/// How long a toolkit waits for its predecessor's output to be read.
const READ_LIMIT: Duration = Duration::from_millis(200);

/// The interval at which to check whether it was read.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// The exit code of a shell after a SIGINT.
pub const INTERRUPTED: i32 = 130;

/// Executes the toolkit. Returns an exit code only if the toolkit cannot be started, or must not be.
pub fn shim(args: Vec<OsString>) -> i32 {
    let Some(volume) = std::env::current_exe().ok().and_then(|program| Some(Volume::new(program.parent()?)))
    else {
        return fail("chaos: cannot determine its own path", 127);
    };
    let path = without_dir(&command::search_path(), &volume.bin_dir());
    let program = match command::find(OsStr::new(SHIM), &path) {
        Ok(program) => program,
        Err(StartError { reason, code }) => return fail(&reason, code),
    };
    wait_until_read(&io::stderr());
    // Write the process id first. To stop a run, the runner first creates the stop file, and then looks for this file.
    // So either it finds this process, or this process finds the stop file.
    let _ = write_atomically(&volume.pid_file(), std::process::id().to_string().as_bytes());
    let kind = command::kind(&program, &path);
    let mut ask = || version::supports_strategy(&program, &mut || volume.stop_file().exists());
    let (args, started) = edit(args, current_context(&volume, &program, &kind, &mut ask));
    // A command such as `chaos validate` writes no journal. It must not replace the record of a run before it.
    if started.journal.is_some() {
        let _ = started.write(&volume);
    }
    if volume.stop_file().exists() {
        return INTERRUPTED;
    }
    // The toolkit gets a `PATH` without the shim. A `chaos` that it starts must not register itself in its place.
    let error = Command::new(&program).args(args).env("PATH", path).exec();
    fail(&format!("{}: {error}", program.display()), 126)
}

/// Waits until the runner has read what an earlier toolkit wrote to stderr, so that it does not take the rollbacks of that
/// toolkit for those of this one.
///
/// The wait is limited, since the output stays in the pipe if nobody reads the log. If stderr is no pipe, there is nothing to
/// wait for.
fn wait_until_read(stderr: &impl AsFd) {
    let is_pipe = fstat(stderr).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Fifo);
    if !is_pipe {
        return;
    }
    let began = Instant::now();
    while began.elapsed() < READ_LIMIT && ioctl_fionread(stderr).is_ok_and(|unread| unread > 0) {
        thread::sleep(POLL_INTERVAL);
    }
}

/// Removes a directory from a search path, even under other names.
fn without_dir(path: &OsStr, bin: &Path) -> OsString {
    let own = bin.canonicalize().ok();
    let others = std::env::split_paths(path)
        .filter(|dir| dir != bin && (own.is_none() || dir.canonicalize().ok() != own));
    std::env::join_paths(others).unwrap_or_else(|_| path.to_owned())
}

fn fail(text: &str, code: i32) -> i32 {
    let _ = writeln!(io::stderr(), "chaos-runner: {text}");
    code
}
