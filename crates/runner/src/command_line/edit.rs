//! Adds options to the toolkit's command line. Never changes the arguments of the user.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use chaostoolkit_journal::RollbackStrategy;
use rustix::fs::{Access, access};

use crate::command_line::args::{self, CommandLine};
use crate::command_line::experiment::{Strategy, of_experiment, of_settings};
use crate::command_line::version::{self, PythonPaths};
use crate::started::{FileStamp, Started};
use crate::toolkit::Toolkit;

/// The default log file of the toolkit.
const LOG_FILE: &str = "chaostoolkit.log";

/// The default journal of the toolkit.
const JOURNAL: &str = "journal.json";

/// The inputs of the edits, beside the command line.
pub struct Context<'a> {
    pub cwd: PathBuf,
    pub home: Option<PathBuf>,
    /// The path for the journal in the volume, if the volume is writable.
    pub journal: Option<PathBuf>,
    /// The version of the toolkit, if it was found.
    pub version: Option<String>,
    /// Asks the toolkit itself whether it supports `--rollback-strategy`. This is slow.
    pub ask: &'a mut dyn FnMut() -> bool,
}

/// Returns the context of this process. The toolkit inherits its working directory and its environment.
pub fn current_context<'a>(
    journal: Option<PathBuf>,
    toolkit: &Toolkit,
    python_path: Option<&OsStr>,
    ask: &'a mut dyn FnMut() -> bool,
) -> Context<'a> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let version = toolkit.interpreter.as_ref().and_then(|interpreter| {
        version::installed(&PythonPaths {
            script: &toolkit.script,
            interpreter,
            python_path,
            home: home.as_deref(),
        })
    });
    Context { cwd: std::env::current_dir().unwrap_or_else(|_| "/".into()), home, journal, version, ask }
}

/// Adds the options that are missing. Returns the arguments unchanged if the subcommand is not `run`.
pub fn edit(mut args: Vec<OsString>, context: Context) -> (Vec<OsString>, Started) {
    let toolkit = context.version.clone();
    let Some(line) = args::parse(&args) else {
        let subcommand = Some(args::subcommand(&args));
        return (args, Started { toolkit, subcommand, ..Started::default() });
    };
    // `chaos run --help` runs nothing.
    let subcommand = line.help.then(|| "run --help".to_owned());
    let dir = line.change_dir.as_ref().map_or_else(|| context.cwd.clone(), |dir| context.cwd.join(dir));

    let mut global: Vec<OsString> = Vec::new();
    if !line.no_version_check {
        // The toolkit otherwise asks its vendor for a newer version before each run. Without access to the internet,
        // it waits for an answer.
        global.push("--no-version-check".into());
    }
    // In all versions, the toolkit opens the log file before it changes the directory.
    if !line.log_file && !can_write(&context.cwd, LOG_FILE) {
        global.push("--no-log-file".into());
    }
    let mut run: Vec<OsString> = Vec::new();
    let mut expected_at = None;
    let journal = match (&line.journal, &context.journal) {
        (Some(theirs), _) => Some(dir.join(theirs)),
        (None, Some(ours)) => {
            run.extend(["--journal-path".into(), ours.into()]);
            expected_at = Some(dir.join(JOURNAL));
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
    let rollback_strategy = given.or(added);
    (args, Started { journal, expected_at, before, toolkit, rollback_strategy, subcommand })
}

/// Returns the rollback strategy to add, or `None` if none is needed or supported.
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
    // Repeat the strategy of the settings: an experiment that has a `runtime` would reset it to `default`.
    let strategy = match settings.map_or(Strategy::Unnamed, |settings| of_settings(&settings)) {
        Strategy::Named(name) => name.parse::<RollbackStrategy>().ok()?,
        // The strategy that leaves no fault behind.
        Strategy::Unnamed | Strategy::Unknown => RollbackStrategy::Always,
    };
    let takes = match context.version {
        Some(version) => version::takes_strategy(&version),
        None => (context.ask)(),
    };
    takes.then(|| <&str>::from(strategy).to_owned())
}

/// Returns whether a file can be written, or created if it does not exist.
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
