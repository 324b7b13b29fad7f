//! Collects the journal that the toolkit wrote.

use std::cell::RefCell;
use std::fs::{self, File as FileHandle, OpenOptions, Permissions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use chaostoolkit_journal::message::File;
use chaostoolkit_journal::{Error, Summary, read};
use rustix::fs::OFlags;
use sha2::{Digest, Sha256};

use crate::started::{FileStamp, Started};
use crate::volume::copy;

/// The maximum length of a journal that is read. Longer journals are only passed to the sidecar.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Reads the journal of a start, and keeps a copy at the given path, where the sidecar looks for it.
///
/// Returns `None` if this start wrote no journal. Returns no summary if the journal cannot be read.
pub fn collect(kept: Option<&Path>, started: &Started) -> Option<(File, Option<Summary>)> {
    let path = started.journal.as_deref()?;
    let now = FileStamp::of(path)?;
    if started.before.as_ref() == Some(&now) {
        return None;
    }
    let mut file = open(path).ok()?;
    let keep = |kept: &Path| -> io::Result<()> {
        if path == kept {
            // The sidecar runs as another user.
            return fs::set_permissions(path, Permissions::from_mode(0o644));
        }
        copy(path, kept, Some(0o644))
    };
    if let Some(Err(error)) = kept.map(keep) {
        crate::warn(format_args!("cannot pass the journal to the sidecar: {error}"));
    }
    Some(summarize(&mut file).unwrap_or_else(|error| {
        (File { problem: Some(format!("I/O error: {error}")), ..File::default() }, None)
    }))
}

/// Opens a regular file. Fails for anything else, since opening or reading it could block.
pub fn open(path: &Path) -> io::Result<FileHandle> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
}

/// Summarizes a journal, and returns its length and hash. It is read in small parts, since containers have limits.
fn summarize(file: &mut FileHandle) -> io::Result<(File, Option<Summary>)> {
    let is_too_long = file.metadata()?.len() > MAX_BYTES;
    let hashed = RefCell::new(Hashed::default());
    let mut journal = None;
    if !is_too_long {
        let mut is_first = true;
        let open = || {
            (&*file).rewind()?;
            let hashed = std::mem::take(&mut is_first).then_some(&hashed);
            Ok(Tee { file, hashed })
        };
        journal = Some(read(open, MAX_BYTES));
        // The parser may have stopped early, or read the file twice.
        file.seek(SeekFrom::Start(hashed.borrow().bytes))?;
    }
    io::copy(&mut Tee { file, hashed: Some(&hashed) }, &mut io::sink())?;
    let Hashed { hash, bytes } = hashed.into_inner();
    let (summary, problem) = match journal {
        Some(Ok(journal)) => (Some(Summary::of(&journal)), None),
        None | Some(Err(Error::TooLong)) => {
            (None, Some(format!("over {} MiB, which is the limit of the runner", MAX_BYTES >> 20)))
        }
        Some(Err(error)) => (None, Some(error.to_string())),
    };
    Ok((File { bytes, sha256: format!("{:x}", hash.finalize()), problem }, summary))
}

/// The hash and the length of what was read.
#[derive(Default)]
struct Hashed {
    hash: Sha256,
    bytes: u64,
}

/// Reads a file, and hashes what is read. So the hash is that of the journal that was judged, even if the file changes.
struct Tee<'a> {
    file: &'a FileHandle,
    hashed: Option<&'a RefCell<Hashed>>,
}

impl Read for Tee<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        if let Some(hashed) = self.hashed {
            let mut hashed = hashed.borrow_mut();
            hashed.hash.update(&buffer[..length]);
            hashed.bytes += length as u64;
        }
        Ok(length)
    }
}
