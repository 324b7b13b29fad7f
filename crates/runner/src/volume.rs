//! The volume that the runner container and the sidecar share.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// The name of the shim, and of the toolkit that the shim executes.
pub const SHIM: &str = "chaos";

/// The name of this program in the volume.
pub const RUNNER: &str = "chaos-runner";

/// The paths in the volume. The runner, the shim and the sidecar exchange data through these files.
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

    /// The directory with the shim. It is the first one on the `PATH` of wrappers.
    pub fn bin_dir(&self) -> PathBuf {
        self.dir.join("bin")
    }

    /// The directory that all containers can write to.
    pub fn journal_dir(&self) -> PathBuf {
        self.dir.join("journal")
    }

    pub fn journal_file(&self) -> PathBuf {
        self.file(JOURNAL)
    }

    /// Exists when the run has ended. The journal, if there is one, is complete then.
    pub fn done_file(&self) -> PathBuf {
        self.file(DONE)
    }

    /// Exists when a stop was requested. The shim starts no toolkit then.
    pub fn stop_file(&self) -> PathBuf {
        self.file("stop")
    }

    /// Holds the process id of the toolkit that a wrapper started.
    pub fn pid_file(&self) -> PathBuf {
        self.file("pid")
    }

    /// Holds the record of the shim about the start of that toolkit.
    pub fn started_file(&self) -> PathBuf {
        self.file("started.json")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.journal_dir().join(name)
    }

    /// Creates the directory that all containers can write to, with any umask.
    pub fn create_journal_dir(&self) -> io::Result<()> {
        fs::create_dir_all(self.journal_dir())?;
        // If another user created the directory, its mode cannot be changed. It may be writable anyway.
        match fs::set_permissions(self.journal_dir(), Permissions::from_mode(0o777)) {
            Err(_) if self.is_writable() => Ok(()),
            result => result,
        }
    }

    /// Returns whether this process can write to the directory that all containers share.
    pub fn is_writable(&self) -> bool {
        access(self.journal_dir(), Access::WRITE_OK | Access::EXEC_OK).is_ok()
    }

    /// Removes the files of an earlier run, in case the container was restarted.
    pub fn clear(&self) {
        for file in
            [self.journal_file(), self.done_file(), self.stop_file(), self.pid_file(), self.started_file()]
        {
            let _ = fs::remove_file(file);
        }
    }
}

/// The name of the journal in [`Volume::journal_dir`].
pub const JOURNAL: &str = "journal.json";

/// The name of the done file in [`Volume::journal_dir`].
pub const DONE: &str = "done";

/// Writes a file that others see either complete or not at all. They can read it with any umask.
pub fn write_atomically(path: &Path, content: &[u8]) -> io::Result<()> {
    let part = temporary_path(path);
    fs::write(&part, content)?;
    publish(&part, path, 0o644)
}

/// Returns the path under which a file is written before it gets its final name.
pub fn temporary_path(path: &Path) -> PathBuf {
    let name = path.file_name().map(OsStr::to_string_lossy).unwrap_or_default();
    path.with_file_name(format!(".{name}.{}", std::process::id()))
}

/// Gives a complete file its mode and its final name. Removes the file if this fails.
pub fn publish(part: &Path, path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(part, Permissions::from_mode(mode)).and_then(|()| fs::rename(part, path)).inspect_err(
        |_| {
            let _ = fs::remove_file(part);
        },
    )
}
