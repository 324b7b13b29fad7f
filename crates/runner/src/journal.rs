//! What the toolkit left.

use std::fs::{self, File as Handle, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use chaostoolkit_journal::message::File;
use chaostoolkit_journal::{Summary, parse};
use rustix::fs::OFlags;
use sha2::{Digest, Sha256};

use crate::place::{Place, part_of, publish};
use crate::started::{Stamp, Started};

/// Longer journals are passed on, but not read.
const LONGEST: u64 = 64 * 1024 * 1024;

/// Reads the journal of this run, and puts it where the sidecar looks for it.
pub fn collect(place: &Place, started: &Started) -> Option<(File, Option<Summary>)> {
    let path = started.journal.as_deref()?;
    let now = Stamp::of(path)?;
    if started.before.as_ref() == Some(&now) {
        return None;
    }
    let mut file = open(path).ok()?;
    let bring = || -> io::Result<()> {
        if path == place.journal() {
            // The sidecar is another user.
            return fs::set_permissions(path, Permissions::from_mode(0o644));
        }
        let part = part_of(&place.journal());
        fs::copy(path, &part)?;
        publish(&part, &place.journal(), 0o644)
    };
    if let Err(error) = bring() {
        crate::warn(format_args!("the journal is not passed on: {error}"));
    }
    Some(match read(&mut file) {
        Ok((found, text)) => sum_up(found, text.as_deref()),
        Err(error) => (File { problem: Some(format!("not readable: {error}")), ..File::default() }, None),
    })
}

/// Opens a file, but nothing that would block.
pub fn open(path: &Path) -> io::Result<Handle> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
}

/// Its length and hash, and its text if that is not too long.
fn read(file: &mut Handle) -> io::Result<(File, Option<Vec<u8>>)> {
    let (mut hash, mut bytes) = (Sha256::new(), 0_u64);
    let length = file.metadata()?.len();
    // At once: growing would take up to three times as much for a moment, and containers have limits.
    let mut text =
        (length <= LONGEST).then(|| Vec::with_capacity(usize::try_from(length).unwrap_or_default()));
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
        text = text.filter(|_| bytes <= LONGEST);
        if let Some(text) = &mut text {
            text.extend_from_slice(&chunk[..length]);
        }
    }
    Ok((File { bytes, sha256: format!("{:x}", hash.finalize()), problem: None }, text))
}

fn sum_up(found: File, text: Option<&[u8]>) -> (File, Option<Summary>) {
    let Some(text) = text else {
        let problem = Some(format!("over {} MiB: too long to be read", LONGEST >> 20));
        return (File { problem, ..found }, None);
    };
    match parse(text) {
        Ok(journal) => (found, Some(Summary::of(&journal))),
        Err(error) => (File { problem: Some(error.to_string()), ..found }, None),
    }
}
