//! What a wrapper finds under the name of `chaos`: does what the runner does for a command of its own, and becomes the
//! toolkit.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::command::{self, StartError};
use crate::edit::{current_context, edit};
use crate::version;
use crate::volume::{SHIM, Volume, write_atomically};

/// What a shell exits with after a SIGINT.
pub const INTERRUPTED: i32 = 130;

pub fn shim(args: Vec<OsString>) -> i32 {
    let Some(volume) = std::env::current_exe().ok().and_then(|program| Some(Volume::new(program.parent()?)))
    else {
        return fail("chaos: cannot tell where it is", 127);
    };
    let path = without_dir(&command::search_path(), &volume.bin_dir());
    let program = match command::find(OsStr::new(SHIM), &path) {
        Ok(program) => program,
        Err(StartError { reason, code }) => return fail(&reason, code),
    };
    // Before all else: whoever asks for a stop leaves the mark first and looks for this file then.
    let _ = write_atomically(&volume.pid_file(), std::process::id().to_string().as_bytes());
    let kind = command::kind(&program, &path);
    let mut ask = || version::supports_strategy(&program, &mut || volume.stop_file().exists());
    let (args, started) = edit(args, current_context(&volume, &program, &kind, &mut ask));
    // One that validates writes no journal, and may follow one that did.
    if started.journal.is_some() {
        let _ = started.write(&volume);
    }
    if volume.stop_file().exists() {
        return INTERRUPTED;
    }
    // Its own processes are its own: a `chaos` among them must not take the place of this one.
    let error = Command::new(&program).args(args).env("PATH", path).exec();
    fail(&format!("{}: {error}", program.display()), 126)
}

/// The search path without the shim, under whatever name.
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
