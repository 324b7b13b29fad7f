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
//! A log can hold several journals, if the toolkit was started more than once. Each first line has the number of the start
//! (`start`), and how many journals follow (`more`).
//!
//! If the compressed journal has more than [`LIMIT`] bytes, it is sent without the outputs of its activities. If it is
//! still too large, it is not sent, and the first line says why.
//!
//! The receiver gets exactly the bytes that were sent, or an error if the log was cut short or changed.

mod content;
mod format;
mod read;
mod strip;
mod write;

use std::io::{self, Read};

use flate2::read::GzDecoder;

use crate::limited::Limited;

pub use content::{Carried, Frame, FrameError};
pub use format::{LIMIT, MAX_JOURNALS};
pub use read::{Scanner, is_complete, read, read_all};
pub use write::{Place, write, write_none, write_none_of, write_one_of};

/// Unpacks the journal of a [`Carried`] while it is read.
#[must_use]
pub fn unpack(gzip: &[u8]) -> impl Read {
    GzDecoder::new(gzip)
}

/// Unpacks the whole journal of a [`Carried`]. Fails if it has more than `limit` bytes.
pub fn unzip(gzip: &[u8], limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    Limited::new(unpack(gzip), limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}
