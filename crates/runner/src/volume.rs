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

/// The paths in the volume. The runner, the supervisors of the toolkit and the sidecar exchange data through these files.
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

    /// The directory with the module that Python imports when it starts.
    pub fn hook_dir(&self) -> PathBuf {
        self.dir.join("python")
    }

    /// Exists when the run has ended. All journals are complete then. Holds the numbers of the starts whose journals
    /// are printed, in this order, one in each line.
    pub fn done_file(&self) -> PathBuf {
        self.file(DONE)
    }

    /// Exists when a stop was requested. No toolkit starts then.
    pub fn stop_file(&self) -> PathBuf {
        self.file("stop")
    }

    /// Holds a directory for each start of the toolkit, named by its number.
    pub fn starts_dir(&self) -> PathBuf {
        self.file(STARTS)
    }

    /// Holds a file for each toolkit that runs, named by the id of the process that supervises it.
    pub fn running_dir(&self) -> PathBuf {
        self.file("running")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.journal_dir().join(name)
    }

    /// Creates the directories that all containers and users can write to, with any umask.
    pub fn create_journal_dir(&self) -> io::Result<()> {
        for dir in [self.journal_dir(), self.starts_dir(), self.running_dir()] {
            create_shared(&dir)?;
        }
        Ok(())
    }

    /// Returns whether this process can write to the directory that all containers share.
    pub fn is_writable(&self) -> bool {
        access(self.journal_dir(), Access::WRITE_OK | Access::EXEC_OK).is_ok()
    }

    /// Removes the files of an earlier run, in case the container was restarted.
    pub fn clear(&self) {
        for file in [self.done_file(), self.stop_file()] {
            let _ = fs::remove_file(file);
        }
        for dir in [self.starts_dir(), self.running_dir()] {
            let _ = fs::remove_dir_all(&dir);
            let _ = create_shared(&dir);
        }
    }
}

/// Creates a directory that all users can write to.
pub fn create_shared(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    // If another user created the directory, its mode cannot be changed. It may be writable anyway.
    match fs::set_permissions(dir, Permissions::from_mode(0o777)) {
        Err(_) if access(dir, Access::WRITE_OK | Access::EXEC_OK).is_ok() => Ok(()),
        result => result,
    }
}

/// The name of the journal of a start, in its directory.
pub const JOURNAL: &str = "journal.json";

/// The name of the directory of all starts in [`Volume::journal_dir`].
pub const STARTS: &str = "starts";

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

/// Copies a file. Others see the copy either complete or not at all. Without a mode, it gets that of the original.
pub fn copy(from: &Path, to: &Path, mode: Option<u32>) -> io::Result<()> {
    let part = temporary_path(to);
    fs::copy(from, &part).inspect_err(|_| drop(fs::remove_file(&part)))?;
    let mode = mode.map_or_else(|| Ok(fs::metadata(&part)?.permissions().mode()), Ok::<_, io::Error>)?;
    publish(&part, to, mode)
}

/// Gives a complete file its mode and its final name. Removes the file if this fails.
pub fn publish(part: &Path, path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(part, Permissions::from_mode(mode)).and_then(|()| fs::rename(part, path)).inspect_err(
        |_| {
            let _ = fs::remove_file(part);
        },
    )
}
