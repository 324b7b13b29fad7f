//! What a log holds, and why it could not be read.

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
    /// The compressed journal, which has at most [`LIMIT`](super::LIMIT) bytes. See [`unzip`](super::unzip).
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
