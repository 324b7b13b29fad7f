//! The form of a journal in a log: its first line, its last line, and the lines between them.

use std::io;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The maximum length of a compressed journal. A `ConfigMap` holds 1 MiB, including its names and labels.
pub const LIMIT: usize = 900 * 1024;

/// The maximum number of journals in a log: one for each start of the toolkit.
pub const MAX_JOURNALS: usize = 20;

/// The version of this format. There is only one so far.
pub const VERSION: u32 = 1;

/// The prefix of the first line.
pub const HEADER: &str = "chaostoolkit-journal ";

/// The last line.
pub const FOOTER: &str = "chaostoolkit-journal-end";

/// The number of bytes in a line, which are 4,096 characters of base64.
pub const LINE_BYTES: usize = 3072;

/// The content of the first line.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// The version of the format.
    pub version: u32,
    /// The length of the journal that the toolkit wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The SHA-256 of that journal, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The length of the compressed journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gzip_bytes: Option<usize>,
    /// The SHA-256 of the compressed journal, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gzip_sha256: Option<String>,
    /// Whether the outputs were left out.
    #[serde(default)]
    pub truncated: bool,
    /// The number of lines of the journal.
    #[serde(default)]
    pub lines: usize,
    /// The reason why no journal is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub none: Option<String>,
    /// The number of the start of the toolkit that wrote the journal, if the log can hold several journals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<u32>,
    /// How many journals follow this one in the log.
    #[serde(default, skip_serializing_if = "crate::zero::is_zero")]
    pub more: u32,
    /// The hash of the rest of the line. It protects the length and the hash of the original, which cannot be computed
    /// from a journal without outputs.
    #[serde(default)]
    pub check: String,
}

impl Header {
    /// Returns the line, without the newline.
    pub fn line(&self) -> io::Result<String> {
        let open = Self { check: String::new(), ..self.clone() };
        let check = sha256_hex(&serde_json::to_vec(&open)?);
        Ok(format!("{HEADER}{}", serde_json::to_string(&Self { check, ..open })?))
    }
}

/// Returns the SHA-256 of the bytes, in hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}
