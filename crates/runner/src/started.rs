//! Records how the toolkit was started. The shim passes this record to the runner in a file.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::volume::{Volume, write_atomically};

/// How the toolkit was started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Started {
    /// The path to which the toolkit writes its journal.
    pub journal: Option<PathBuf>,
    /// The state of that file before the start.
    pub before: Option<FileStamp>,
    /// The version of the toolkit.
    pub toolkit: Option<String>,
    /// The rollback strategy on the command line.
    pub rollback_strategy: Option<String>,
}

/// The state of a file. It changes if the file is written or replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStamp {
    inode: (u64, u64),
    bytes: u64,
    changed: (i64, i64),
}

impl FileStamp {
    /// Returns the state of a file, or `None` if it does not exist.
    pub fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let file = path.metadata().ok()?;
        Some(Self {
            inode: (file.dev(), file.ino()),
            bytes: file.len(),
            // Programs can set the modification time, but not the change time.
            changed: (file.ctime(), file.ctime_nsec()),
        })
    }
}

impl Started {
    /// Writes the record for the runner.
    pub fn write(&self, volume: &Volume) -> std::io::Result<()> {
        write_atomically(&volume.started_file(), &serde_json::to_vec(self)?)
    }

    /// Reads the record that the shim wrote. Returns `None` if the shim was not called.
    pub fn read(volume: &Volume) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(volume.started_file()).ok()?).ok()
    }
}
