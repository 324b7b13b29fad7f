//! How a journal travels through the log of a container.
//!
//! ```text
//! chaostoolkit-journal {"version":1,"bytes":3926,"sha256":"…","gzipBytes":1042,…,"lines":1,"check":"…"}
//! H4sIAAAAAAAA/…
//! chaostoolkit-journal-end
//! ```
//!
//! Between the two lines: the journal, gzip, base64, 4,096 characters a line. Such lines pass all container runtimes
//! whole or in parts that the kubelet puts together again. The same journal always makes the same bytes. A journal of
//! more than [`LIMIT`] bytes travels without the outputs of its activities, or, where that is not enough, not at all:
//! the first line says why then. Whoever reads it gets the very bytes that were sent, or an error, whatever was cut off
//! or changed on the way.

mod read;
mod strip;
mod write;

use std::io::{self, Read};

use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use read::{is_complete, read};
pub use write::{write, write_none};

/// As many bytes of gzip may travel: a `ConfigMap` takes 1 MiB, names and labels included.
pub const LIMIT: usize = 900 * 1024;

/// The only version of this format so far.
const VERSION: u32 = 1;

/// What the first line begins with.
const HEADER: &str = "chaostoolkit-journal ";

/// The last line.
const FOOTER: &str = "chaostoolkit-journal-end";

/// Bytes in a line: 4,096 characters of base64.
const LINE_BYTES: usize = 3072;

/// What arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A journal.
    Journal(Carried),
    /// None.
    None {
        /// Why.
        reason: String,
        /// Length of the journal that was left behind, if there was one.
        bytes: Option<u64>,
        /// SHA-256 of it, in hex.
        sha256: Option<String>,
    },
}

/// A journal that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// The journal, compressed: at most [`LIMIT`] bytes. See [`unzip`].
    pub gzip: Vec<u8>,
    /// Length of the journal that the toolkit wrote, before anything was left out.
    pub bytes: u64,
    /// SHA-256 of that, in hex.
    pub sha256: String,
    /// Whether outputs were left out.
    pub truncated: bool,
}

/// Why nothing arrived.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The first line is not there.
    #[error("no journal: nothing in the log begins one")]
    Missing,
    /// The last line is not there.
    #[error("cut short: the log ends after {lines} of the {expected} lines of the journal")]
    CutShort {
        /// Lines that are there.
        lines: usize,
        /// Lines that the first one announces.
        expected: usize,
    },
    /// The first line was changed, or is of somebody else's making.
    #[error("damaged header: {0}")]
    Header(String),
    /// Of a newer sender.
    #[error("unknown version {0} of the format")]
    Version(u32),
    /// A line that cannot be one of the journal.
    #[error("damaged line {line} of the journal: {what}")]
    Line {
        /// Which one.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// More or fewer lines than announced.
    #[error("wrong number of lines: {lines} instead of {expected}")]
    Lines {
        /// Lines that are there.
        lines: usize,
        /// Lines that the first one announces.
        expected: usize,
    },
    /// More or fewer bytes than announced.
    #[error("wrong length: {bytes} bytes of gzip instead of {expected}")]
    Length {
        /// Bytes that are there.
        bytes: usize,
        /// Bytes that the first line announces.
        expected: usize,
    },
    /// Other bytes than those that were sent.
    #[error("wrong hash: not the bytes that were sent")]
    Hash,
}

/// What the first line says.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gzip_bytes: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gzip_sha256: Option<String>,
    #[serde(default)]
    truncated: bool,
    #[serde(default)]
    lines: usize,
    /// Why there is no journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    none: Option<String>,
    /// Guards the rest of the line. What it says about the original cannot be told from a journal without outputs.
    #[serde(default)]
    check: String,
}

impl Header {
    /// The line, without the newline.
    fn line(&self) -> io::Result<String> {
        let open = Self { check: String::new(), ..self.clone() };
        let check = sha256_hex(&serde_json::to_vec(&open)?);
        Ok(format!("{HEADER}{}", serde_json::to_string(&Self { check, ..open })?))
    }
}

/// The journal of a [`Carried`], unless it has more than `limit` bytes.
pub fn unzip(gzip: &[u8], limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    GzDecoder::new(gzip).take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
        Ok(bytes)
    } else {
        Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {limit} bytes unpacked")))
    }
}

/// SHA-256, in hex.
fn sha256_hex(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}
