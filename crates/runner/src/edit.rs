//! What is added to the toolkit's command line. Nothing that the user gave is ever changed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use crate::args::{self, CommandLine};
use crate::command::Kind;
use crate::experiment::{Strategy, of_experiment, of_settings};
use crate::started::{FileStamp, Started};
use crate::version::{self, PythonPaths};
use crate::volume::Volume;

/// The strategy that leaves no fault behind.
const ALWAYS: &str = "always";

/// What the toolkit takes for `--rollback-strategy`.
const STRATEGIES: [&str; 4] = ["default", ALWAYS, "never", "deviated"];

/// Where the toolkit logs to unless told otherwise.
const LOG_FILE: &str = "chaostoolkit.log";

/// Where it writes its journal unless told otherwise.
const JOURNAL: &str = "journal.json";

/// What the edits depend on, beside the command line.
pub struct Context<'a> {
    pub cwd: PathBuf,
    pub home: Option<PathBuf>,
    /// Where our journal goes, if there is a place for it.
    pub journal: Option<PathBuf>,
    /// The version of the toolkit, where it was found.
    pub version: Option<String>,
    /// Asks the toolkit whether it takes a rollback strategy, which is slow.
    pub ask: &'a mut dyn FnMut() -> bool,
}

/// The context of this process, whose working directory and environment the toolkit will have.
pub fn current_context<'a>(
    volume: &Volume,
    program: &Path,
    kind: &Kind,
    ask: &'a mut dyn FnMut() -> bool,
) -> Context<'a> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let python_path = std::env::var_os("PYTHONPATH").filter(|path| !path.is_empty());
    let version = match kind {
        Kind::Python(interpreter) => version::installed(&PythonPaths {
            script: program,
            interpreter,
            python_path: python_path.as_deref(),
            home: home.as_deref(),
        }),
        Kind::Script | Kind::Binary => None,
    };
    let journal = volume.is_writable().then(|| volume.journal_file());
    Context { cwd: std::env::current_dir().unwrap_or_else(|_| "/".into()), home, journal, version, ask }
}

/// Adds what is missing. Arguments that do not ask for `run` stay as they are.
pub fn edit(mut args: Vec<OsString>, context: Context) -> (Vec<OsString>, Started) {
    let toolkit = context.version.clone();
    let Some(line) = args::parse(&args) else { return (args, Started { toolkit, ..Started::default() }) };
    let dir = line.change_dir.as_ref().map_or_else(|| context.cwd.clone(), |dir| context.cwd.join(dir));

    let mut global: Vec<OsString> = Vec::new();
    if !line.no_version_check {
        // It would call its maker before every run, and wait for an answer where there is no way out.
        global.push("--no-version-check".into());
    }
    // In all versions, the log is opened before the directory is changed.
    if !line.log_file && !can_write(&context.cwd, LOG_FILE) {
        global.push("--no-log-file".into());
    }
    let mut run: Vec<OsString> = Vec::new();
    let journal = match (&line.journal, &context.journal) {
        (Some(theirs), _) => Some(dir.join(theirs)),
        (None, Some(ours)) => {
            run.extend(["--journal-path".into(), ours.into()]);
            Some(ours.clone())
        }
        (None, None) => Some(dir.join(JOURNAL)),
    };
    let added = strategy(&line, &dir, context);
    if let Some(strategy) = &added {
        run.extend(["--rollback-strategy".into(), strategy.into()]);
    }
    let given = line.strategy.map(|strategy| strategy.to_string_lossy().into_owned());
    args.splice(line.run_at + 1..=line.run_at, run);
    args.splice(line.globals_at..line.globals_at, global);
    let before = journal.as_deref().and_then(FileStamp::of);
    (args, Started { journal, before, toolkit, rollback_strategy: given.or(added) })
}

/// The strategy to add, if one is to be.
fn strategy(line: &CommandLine, dir: &Path, context: Context) -> Option<String> {
    if line.strategy.is_some() {
        return None;
    }
    let source = dir.join(line.source.as_ref()?);
    if let Strategy::Named(_) = of_experiment(&source) {
        return None;
    }
    let settings = match &line.settings {
        Some(path) => Some(dir.join(path)),
        None => context.home.map(|home| dir.join(home).join(".chaostoolkit/settings.yaml")),
    };
    // An experiment with a `runtime` of its own would put `default` in place of what the settings name.
    let strategy = match settings.map_or(Strategy::Unnamed, |settings| of_settings(&settings)) {
        Strategy::Named(name) => STRATEGIES.iter().find(|strategy| **strategy == name)?,
        Strategy::Unnamed | Strategy::Unknown => ALWAYS,
    };
    let takes = match context.version {
        Some(version) => version::takes_strategy(&version),
        None => (context.ask)(),
    };
    takes.then(|| strategy.to_owned())
}

/// Whether a file can be written, or made if it is not there.
fn can_write(dir: &Path, name: &str) -> bool {
    let file = dir.join(name);
    if file.exists() {
        access(file, Access::WRITE_OK).is_ok()
    } else {
        access(dir, Access::WRITE_OK | Access::EXEC_OK).is_ok()
    }
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;
