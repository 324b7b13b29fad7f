//! What was made of the toolkit's command line: by the runner, or by the shim, which tells it the runner in a file.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::volume::{Volume, write_atomically};

/// How the toolkit was started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Started {
    /// Where it writes its journal.
    pub journal: Option<PathBuf>,
    /// What was there before.
    pub before: Option<FileStamp>,
    /// Its version.
    pub toolkit: Option<String>,
    /// The rollback strategy on its command line.
    pub rollback_strategy: Option<String>,
}

/// Tells whether a file was written to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStamp {
    inode: (u64, u64),
    bytes: u64,
    changed: (i64, i64),
}

impl FileStamp {
    pub fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let file = path.metadata().ok()?;
        Some(Self {
            inode: (file.dev(), file.ino()),
            bytes: file.len(),
            // Not the time of modification, which programs can set.
            changed: (file.ctime(), file.ctime_nsec()),
        })
    }
}

impl Started {
    pub fn write(&self, volume: &Volume) -> std::io::Result<()> {
        write_atomically(&volume.started_file(), &serde_json::to_vec(self)?)
    }

    /// What the shim wrote, if it was called.
    pub fn read(volume: &Volume) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(volume.started_file()).ok()?).ok()
    }
}
