//! What was made of the toolkit's command line: by the runner, or by the shim, which tells it the runner in a file.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::place::{Place, write_whole};

/// How the toolkit was started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Started {
    /// Where it writes its journal.
    pub journal: Option<PathBuf>,
    /// What was there before.
    pub before: Option<Stamp>,
    /// Its version.
    pub toolkit: Option<String>,
    /// The rollback strategy on its command line.
    pub rollback_strategy: Option<String>,
}

/// Tells whether a file was written to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    inode: (u64, u64),
    bytes: u64,
    changed: (i64, i64),
}

impl Stamp {
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
    pub fn write(&self, place: &Place) -> std::io::Result<()> {
        write_whole(&place.started(), &serde_json::to_vec(self)?)
    }

    /// What the shim wrote, if it was called.
    pub fn read(place: &Place) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(place.started()).ok()?).ok()
    }
}
