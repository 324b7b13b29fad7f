//! Sends a journal through the log of a container.
//!
//! ```text
//! chaostoolkit-journal {"version":1,"bytes":3926,"sha256":"…","gzipBytes":1042,…,"lines":1,"check":"…"}
//! H4sIAAAAAAAA/…
//! chaostoolkit-journal-end
//! ```
//!
//! The journal is between the first and the last line. It is compressed with gzip and encoded as base64, with 4,096
//! characters a line. Container runtimes pass such lines on whole, or in parts that the kubelet joins again. The same
//! journal always produces the same bytes.
//!
//! If the compressed journal has more than [`LIMIT`] bytes, it is sent without the outputs of its activities. If it is
//! still too large, it is not sent, and the first line says why.
//!
//! The receiver gets exactly the bytes that were sent, or an error if the log was cut short or changed.

mod read;
mod strip;
mod write;

use std::io::{self, Read};

use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use read::{is_complete, read};
pub use write::{write, write_none};

/// The maximum length of a compressed journal. A `ConfigMap` holds 1 MiB, including its names and labels.
pub const LIMIT: usize = 900 * 1024;

/// The version of this format. There is only one so far.
const VERSION: u32 = 1;

/// The prefix of the first line.
const HEADER: &str = "chaostoolkit-journal ";

/// The last line.
const FOOTER: &str = "chaostoolkit-journal-end";

/// The number of bytes in a line, which are 4,096 characters of base64.
const LINE_BYTES: usize = 3072;

/// The content of a log that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The log holds a journal.
    Journal(Carried),
    /// The sender says that it sends no journal.
    None {
        /// The reason that the sender gives.
        reason: String,
        /// The length of the journal that was not sent, if there is one.
        bytes: Option<u64>,
        /// The SHA-256 of that journal, in hex.
        sha256: Option<String>,
    },
}

/// A journal that was read from a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// The compressed journal, which has at most [`LIMIT`] bytes. See [`unzip`].
    pub gzip: Vec<u8>,
    /// The length of the journal that the toolkit wrote, with all outputs.
    pub bytes: u64,
    /// The SHA-256 of the journal that the toolkit wrote, in hex.
    pub sha256: String,
    /// Whether the outputs were left out.
    pub truncated: bool,
}

/// Why no journal could be read from a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The first line is missing.
    #[error("no journal: its first line is not in the log")]
    Missing,
    /// The last line is missing.
    #[error("cut short: the log ends after {lines} of the {expected} lines of the journal")]
    CutShort {
        /// The number of lines in the log.
        lines: usize,
        /// The number of lines that the first line announces.
        expected: usize,
    },
    /// The first line was changed, or another program wrote it.
    #[error("damaged header: {0}")]
    Header(String),
    /// A newer sender wrote the first line.
    #[error("unknown version {0} of the format")]
    Version(u32),
    /// A line cannot be part of the journal.
    #[error("damaged line {line} of the journal: {what}")]
    Line {
        /// The number of the line. The first line of the journal is 1.
        line: usize,
        /// The problem with the line.
        what: &'static str,
    },
    /// The log has more or fewer lines than the first line announces.
    #[error("wrong number of lines: {lines} instead of {expected}")]
    Lines {
        /// The number of lines in the log.
        lines: usize,
        /// The number of lines that the first line announces.
        expected: usize,
    },
    /// The compressed journal has more or fewer bytes than the first line announces.
    #[error("wrong length: {bytes} bytes of gzip instead of {expected}")]
    Length {
        /// The number of bytes in the log.
        bytes: usize,
        /// The number of bytes that the first line announces.
        expected: usize,
    },
    /// The bytes differ from those that were sent.
    #[error("wrong hash: the bytes differ from those that were sent")]
    Hash,
}

/// The content of the first line.
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
    /// The reason why no journal is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    none: Option<String>,
    /// The hash of the rest of the line. It protects the length and the hash of the original, which cannot be computed
    /// from a journal without outputs.
    #[serde(default)]
    check: String,
}

impl Header {
    /// Returns the line, without the newline.
    fn line(&self) -> io::Result<String> {
        let open = Self { check: String::new(), ..self.clone() };
        let check = sha256_hex(&serde_json::to_vec(&open)?);
        Ok(format!("{HEADER}{}", serde_json::to_string(&Self { check, ..open })?))
    }
}

/// Unpacks the journal of a [`Carried`]. Fails if it has more than `limit` bytes.
pub fn unzip(gzip: &[u8], limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    GzDecoder::new(gzip).take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
        Ok(bytes)
    } else {
        Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {limit} bytes after unpacking")))
    }
}

/// Returns the SHA-256 of the bytes, in hex.
fn sha256_hex(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}
