//! Collects the journal that the toolkit wrote.

use std::fs::{self, File as FileHandle, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use chaostoolkit_journal::message::File;
use chaostoolkit_journal::{Summary, parse};
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
    Some(match read_and_hash(&mut file) {
        Ok((found, text)) => summarize(found, text.as_deref()),
        Err(error) => (File { problem: Some(format!("I/O error: {error}")), ..File::default() }, None),
    })
}

/// Opens a regular file. Fails for anything else, since opening or reading it could block.
pub fn open(path: &Path) -> io::Result<FileHandle> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
}

/// Reads a journal. Returns its length and hash, and its text if it is not longer than [`MAX_BYTES`].
fn read_and_hash(file: &mut FileHandle) -> io::Result<(File, Option<Vec<u8>>)> {
    let (mut hash, mut bytes) = (Sha256::new(), 0_u64);
    let length = file.metadata()?.len();
    // Allocate the whole length at once. A growing buffer briefly takes up to three times as much memory, and
    // containers have limits.
    let mut text =
        (length <= MAX_BYTES).then(|| Vec::with_capacity(usize::try_from(length).unwrap_or_default()));
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let length = match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hash.update(&chunk[..length]);
        bytes += length as u64;
        text = text.filter(|_| bytes <= MAX_BYTES);
        if let Some(text) = &mut text {
            text.extend_from_slice(&chunk[..length]);
        }
    }
    Ok((File { bytes, sha256: format!("{:x}", hash.finalize()), problem: None }, text))
}

fn summarize(found: File, text: Option<&[u8]>) -> (File, Option<Summary>) {
    let Some(text) = text else {
        let problem = Some(format!("over {} MiB, which is the limit of the runner", MAX_BYTES >> 20));
        return (File { problem, ..found }, None);
    };
    match parse(text) {
        Ok(journal) => (found, Some(Summary::of(&journal))),
        Err(error) => (File { problem: Some(error.to_string()), ..found }, None),
    }
}
