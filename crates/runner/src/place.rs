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
pub struct Place {
    dir: PathBuf,
}

impl Place {
    pub fn new(dir: &Path) -> Self {
        Self { dir: std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned()) }
    }

    pub fn runner(&self) -> PathBuf {
        self.dir.join(RUNNER)
    }

    /// Goes in front of `PATH` for wrappers.
    pub fn bin(&self) -> PathBuf {
        self.dir.join("bin")
    }

    /// What all containers may write to.
    pub fn shared(&self) -> PathBuf {
        self.dir.join("journal")
    }

    pub fn journal(&self) -> PathBuf {
        self.file(JOURNAL)
    }

    /// Is there once the journal is, and nobody writes to it any more.
    pub fn done(&self) -> PathBuf {
        self.file(DONE)
    }

    /// Is there once somebody asked for a stop: no toolkit starts any more.
    pub fn stop(&self) -> PathBuf {
        self.file("stop")
    }

    /// Holds the process id of the toolkit that a wrapper started.
    pub fn pid(&self) -> PathBuf {
        self.file("pid")
    }

    /// Holds what the shim made of that toolkit's command line.
    pub fn started(&self) -> PathBuf {
        self.file("started.json")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.shared().join(name)
    }

    /// Makes the part that all containers may write to, whatever the umask.
    pub fn make_shared(&self) -> io::Result<()> {
        fs::create_dir_all(self.shared())?;
        // Of another user's making, it may be writable all the same.
        match fs::set_permissions(self.shared(), Permissions::from_mode(0o777)) {
            Err(_) if self.writable() => Ok(()),
            result => result,
        }
    }

    pub fn writable(&self) -> bool {
        access(self.shared(), Access::WRITE_OK | Access::EXEC_OK).is_ok()
    }

    /// Removes what an earlier run left, should the container have been started again.
    pub fn clear(&self) {
        for file in [self.journal(), self.done(), self.stop(), self.pid(), self.started()] {
            let _ = fs::remove_file(file);
        }
    }
}

/// The journal's name in [`Place::shared`].
pub const JOURNAL: &str = "journal.json";

/// The name of the mark in [`Place::shared`].
pub const DONE: &str = "done";

/// Writes a file that others see whole or not at all, and can read, whatever the umask.
pub fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let part = part_of(path);
    fs::write(&part, content)?;
    publish(&part, path, 0o644)
}

/// The name of `path` while it is written.
pub fn part_of(path: &Path) -> PathBuf {
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
