//! The environment variables through which starts of the toolkit are noticed.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command;
use crate::fetch::Fetched;
use crate::volume::Volume;

/// The search paths of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// The value of `PATH`. `None` leaves the variable as it is.
    pub path: Option<OsString>,
    /// The value of `PYTHONPATH`. Empty if the variable is to be removed.
    pub python_path: Option<OsString>,
    /// The experiment, if it was fetched.
    pub experiment: Option<Fetched>,
}

impl Environment {
    /// Returns the environment of this process with the shim and the module for Python in front.
    pub fn with_hooks(volume: &Volume) -> Self {
        let path = join(&volume.bin_dir(), &command::search_path());
        let python_path = join(&volume.hook_dir(), &std::env::var_os("PYTHONPATH").unwrap_or_default());
        Self { path: Some(path), python_path: Some(python_path), experiment: None }
    }

    /// Returns the environment of this process without the shim and the module for Python.
    ///
    /// The toolkit gets this one. What it starts as an activity is a part of its run.
    pub fn without_hooks(volume: &Volume) -> Self {
        let path = without(&command::search_path(), &volume.bin_dir());
        let python_path = std::env::var_os("PYTHONPATH").map(|path| without(&path, &volume.hook_dir()));
        Self { path: Some(path), python_path, experiment: None }
    }

    /// Sets the variables for a command.
    pub fn apply(&self, command: &mut Command) {
        if let Some(path) = &self.path {
            command.env("PATH", path);
        }
        if let Some(Fetched { variable, file, .. }) = &self.experiment {
            command.env(variable, file);
        }
        match &self.python_path {
            Some(path) if path.is_empty() => drop(command.env_remove("PYTHONPATH")),
            Some(path) => drop(command.env("PYTHONPATH", path)),
            None => {}
        }
    }
}

fn join(first: &Path, others: &OsStr) -> OsString {
    let mut path = first.as_os_str().to_owned();
    if !others.is_empty() {
        path.push(":");
        path.push(others);
    }
    path
}

/// Removes a directory from a search path, even under other names.
fn without(path: &OsStr, dir: &Path) -> OsString {
    let own = dir.canonicalize().ok();
    let is_other = |other: &PathBuf| other != dir && (own.is_none() || other.canonicalize().ok() != own);
    std::env::join_paths(std::env::split_paths(path).filter(is_other)).unwrap_or_else(|_| path.to_owned())
}
