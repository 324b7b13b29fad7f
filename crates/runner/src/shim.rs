//! The program that wrappers find under the name `chaos`.
//!
//! The shim edits the command line as the runner does, and then executes the toolkit in its place.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::command::{self, StartError};
use crate::edit::{current_context, edit};
use crate::version;
use crate::volume::{SHIM, Volume, write_atomically};

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
