//! How the toolkit was started, and the state of its journal before.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// How the toolkit was started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Started {
    /// The path to which the toolkit writes its journal.
    pub journal: Option<PathBuf>,
    /// The path at which a script expects the journal, if the toolkit was told to write it elsewhere.
    pub expected_at: Option<PathBuf>,
    /// The state of that file before the start.
    pub before: Option<FileStamp>,
    /// The version of the toolkit.
    pub toolkit: Option<String>,
    /// The rollback strategy on the command line.
    pub rollback_strategy: Option<String>,
    /// The subcommand, if the toolkit was not told to run an experiment.
    pub subcommand: Option<String>,
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
