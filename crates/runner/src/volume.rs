//! The directory that the runner container and the sidecar share.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// The name under which this program is the shim, and which the shim looks for.
pub const SHIM: &str = "chaos";

/// The program itself in the directory.
pub const RUNNER: &str = "chaos-runner";

/// The names of its files are what the runner, the shim and the sidecar agree on.
#[derive(Clone, Debug)]
pub struct Volume {
    dir: PathBuf,
}

impl Volume {
    pub fn new(dir: &Path) -> Self {
        Self { dir: std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned()) }
    }

    pub fn runner(&self) -> PathBuf {
        self.dir.join(RUNNER)
    }

    /// Goes in front of `PATH` for wrappers.
    pub fn bin_dir(&self) -> PathBuf {
        self.dir.join("bin")
    }

    /// What all containers may write to.
    pub fn journal_dir(&self) -> PathBuf {
        self.dir.join("journal")
    }

    pub fn journal_file(&self) -> PathBuf {
        self.file(JOURNAL)
    }

    /// Is there once the journal is, and nobody writes to it any more.
    pub fn done_file(&self) -> PathBuf {
        self.file(DONE)
    }

    /// Is there once somebody asked for a stop: no toolkit starts any more.
    pub fn stop_file(&self) -> PathBuf {
        self.file("stop")
    }

    /// Holds the process id of the toolkit that a wrapper started.
    pub fn pid_file(&self) -> PathBuf {
        self.file("pid")
    }

    /// Holds what the shim made of that toolkit's command line.
    pub fn started_file(&self) -> PathBuf {
        self.file("started.json")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.journal_dir().join(name)
    }

    /// Makes the part that all containers may write to, whatever the umask.
    pub fn create_journal_dir(&self) -> io::Result<()> {
        fs::create_dir_all(self.journal_dir())?;
        // Of another user's making, it may be writable all the same.
        match fs::set_permissions(self.journal_dir(), Permissions::from_mode(0o777)) {
            Err(_) if self.is_writable() => Ok(()),
            result => result,
        }
    }

    pub fn is_writable(&self) -> bool {
        access(self.journal_dir(), Access::WRITE_OK | Access::EXEC_OK).is_ok()
    }

    /// Removes what an earlier run left, should the container have been started again.
    pub fn clear(&self) {
        for file in
            [self.journal_file(), self.done_file(), self.stop_file(), self.pid_file(), self.started_file()]
        {
            let _ = fs::remove_file(file);
        }
    }
}

/// The journal's name in [`Volume::shared`].
pub const JOURNAL: &str = "journal.json";

/// The name of the mark in [`Volume::shared`].
pub const DONE: &str = "done";

/// Writes a file that others see whole or not at all, and can read, whatever the umask.
pub fn write_atomically(path: &Path, content: &[u8]) -> io::Result<()> {
    let part = temporary_path(path);
    fs::write(&part, content)?;
    publish(&part, path, 0o644)
}

/// The name of `path` while it is written.
pub fn temporary_path(path: &Path) -> PathBuf {
    let name = path.file_name().map(OsStr::to_string_lossy).unwrap_or_default();
    path.with_file_name(format!(".{name}.{}", std::process::id()))
}

/// Gives a file that is complete its mode and its name.
pub fn publish(part: &Path, path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(part, Permissions::from_mode(mode)).and_then(|()| fs::rename(part, path)).inspect_err(
        |_| {
            let _ = fs::remove_file(part);
        },
    )
}
