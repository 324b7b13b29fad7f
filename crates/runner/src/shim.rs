//! What a wrapper finds under the name of `chaos`: does what the runner does for a command of its own, and becomes the
//! toolkit.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::command::{self, Missing};
use crate::edit::{edit, here};
use crate::place::{Place, SHIM, write_whole};
use crate::version;

/// What a shell exits with after a SIGINT.
pub const INTERRUPTED: i32 = 130;

pub fn shim(args: Vec<OsString>) -> i32 {
    let Some(place) = std::env::current_exe().ok().and_then(|program| Some(Place::new(program.parent()?)))
    else {
        return say("chaos: cannot tell where it is", 127);
    };
    let path = without(&command::search_path(), &place.bin());
    let program = match command::find(OsStr::new(SHIM), &path) {
        Ok(program) => program,
        Err(Missing { reason, code }) => return say(&reason, code),
    };
    // Before all else: whoever asks for a stop leaves the mark first and looks for this file then.
    let _ = write_whole(&place.pid(), std::process::id().to_string().as_bytes());
    let kind = command::kind(&program, &path);
    let mut ask = || version::asked(&program, &mut || place.stop().exists());
    let (args, started) = edit(args, here(&place, &program, &kind, &mut ask));
    // One that validates writes no journal, and may follow one that did.
    if started.journal.is_some() {
        let _ = started.write(&place);
    }
    if place.stop().exists() {
        return INTERRUPTED;
    }
    // Its own processes are its own: a `chaos` among them must not take the place of this one.
    let error = Command::new(&program).args(args).env("PATH", path).exec();
    say(&format!("{}: {error}", program.display()), 126)
}

/// The search path without the shim, under whatever name.
fn without(path: &OsStr, bin: &Path) -> OsString {
    let own = bin.canonicalize().ok();
    let others = std::env::split_paths(path)
        .filter(|dir| dir != bin && (own.is_none() || dir.canonicalize().ok() != own));
    std::env::join_paths(others).unwrap_or_else(|_| path.to_owned())
}

fn say(text: &str, code: i32) -> i32 {
    let _ = writeln!(io::stderr(), "chaos-runner: {text}");
    code
}
