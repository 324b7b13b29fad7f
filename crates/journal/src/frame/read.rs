//! Reads a journal from a log.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::content::{Carried, Frame, FrameError};
use super::format::{FOOTER, HEADER, Header, LIMIT, LINE_BYTES, VERSION, sha256_hex};

/// Reads the first journal in a log. Lines before and after the journal are ignored.
pub fn read(log: &[u8]) -> Result<Frame, FrameError> {
    next(&mut lines(log)).map_or(Err(FrameError::Missing), |(_, frame)| frame)
}

/// Reads the journals in a log one after the other, each with the number of the start of the toolkit that wrote it. The
/// first one has no number if the log can hold only one.
pub fn read_all(log: &[u8]) -> impl Iterator<Item = (Option<u32>, Result<Frame, FrameError>)> {
    let mut lines = lines(log);
    std::iter::from_fn(move || next(&mut lines))
}

/// Reads the next journal. Returns `None` if no first line of one is left.
fn next<'a>(lines: &mut impl Iterator<Item = &'a [u8]>) -> Option<(Option<u32>, Result<Frame, FrameError>)> {
    let text = lines.find_map(|line| line.strip_prefix(HEADER.as_bytes()))?;
    let header = match parse_header(text) {
        Ok(header) => header,
        Err(error) => return Some((None, Err(error))),
    };
    Some((header.start, body(header, lines)))
}

/// Reads a journal after its first line.
fn body<'a>(header: Header, lines: &mut impl Iterator<Item = &'a [u8]>) -> Result<Frame, FrameError> {
    let expected = header.lines;
    let mut gzip = Vec::with_capacity(header.gzip_bytes.unwrap_or_default());
    let mut lines = lines.by_ref().enumerate().peekable();
    while let Some((found, line)) = lines.next() {
        if line == FOOTER.as_bytes() {
            return if found == expected {
                into_frame(header, gzip)
            } else {
                Err(FrameError::Lines { lines: found, expected })
            };
        }
        if lines.peek().is_none() {
            return Err(FrameError::CutShort { lines: found, expected });
        }
        let number = found + 1;
        if number > expected {
            return Err(FrameError::Lines { lines: number, expected });
        }
        decode_line(line, &mut gzip, number == expected)
            .map_err(|what| FrameError::Line { line: number, what })?;
    }
    Err(FrameError::CutShort { lines: 0, expected })
}

/// Returns whether the log holds the last line of the last journal.
///
/// The reader need not wait for more lines then, even if [`read`] fails.
#[must_use]
pub fn is_complete(log: &[u8]) -> bool {
    Scanner::default().is_complete(log)
}

/// Looks for the last line of the last journal in a log that grows. It looks at each line once.
#[derive(Debug, Default)]
pub struct Scanner {
    /// Where the first line begins that was not looked at.
    at: usize,
    /// How many journals follow the one whose first line was seen last.
    more: Option<u32>,
    is_complete: bool,
}

impl Scanner {
    /// Returns whether the log is complete. The log has to begin with the one of the last call.
    pub fn is_complete(&mut self, log: &[u8]) -> bool {
        while let Some(rest) = log.get(self.at..).filter(|rest| !rest.is_empty() && !self.is_complete) {
            let Some(end) = rest.iter().position(|&byte| byte == b'\n') else {
                // The last line may be whole, although nothing says so.
                return rest == FOOTER.as_bytes() && self.more == Some(0);
            };
            let line = &rest[..end];
            if let Some(text) = line.strip_prefix(HEADER.as_bytes()) {
                self.more = Some(parse_header(text).map_or(0, |header| header.more));
            }
            self.is_complete = line == FOOTER.as_bytes() && self.more == Some(0);
            self.at += end + 1;
        }
        self.is_complete
    }
}

fn lines(log: &[u8]) -> impl Iterator<Item = &[u8]> {
    let log = log.strip_suffix(b"\n").unwrap_or(log);
    log.split(|&byte| byte == b'\n')
}

fn parse_header(text: &[u8]) -> Result<Header, FrameError> {
    let damaged = |what: &str| FrameError::Header(what.to_owned());
    let header: Header = serde_json::from_slice(text).map_err(|error| damaged(&error.to_string()))?;
    if header.version != VERSION {
        return Err(FrameError::Version(header.version));
    }
    let (lines, length) = (header.lines, header.gzip_bytes.unwrap_or_default());
    if length > LIMIT || length.div_ceil(LINE_BYTES) != lines {
        return Err(damaged("its numbers contradict each other"));
    }
    let line = header.line().map_err(|error| damaged(&error.to_string()))?;
    if line.as_bytes().strip_prefix(HEADER.as_bytes()) == Some(text) {
        Ok(header)
    } else {
        Err(damaged("wrong hash"))
    }
}

fn decode_line(line: &[u8], gzip: &mut Vec<u8>, last: bool) -> Result<(), &'static str> {
    if line.len() > LINE_BYTES / 3 * 4 {
        return Err("too long");
    }
    let before = gzip.len();
    STANDARD.decode_vec(line, gzip).map_err(|_| "not base64")?;
    match gzip.len() - before {
        0 => Err("empty"),
        LINE_BYTES => Ok(()),
        _ if last => Ok(()),
        _ => Err("too short"),
    }
}

fn into_frame(header: Header, gzip: Vec<u8>) -> Result<Frame, FrameError> {
    let Header { bytes, sha256, gzip_bytes, gzip_sha256, truncated, none, .. } = header;
    match (none, bytes, sha256) {
        (Some(reason), bytes, sha256) => Ok(Frame::None { reason, bytes, sha256 }),
        (None, Some(bytes), Some(sha256)) => {
            let expected = gzip_bytes.unwrap_or_default();
            if gzip.len() != expected {
                return Err(FrameError::Length { bytes: gzip.len(), expected });
            }
            if gzip_sha256 != Some(sha256_hex(&gzip)) {
                return Err(FrameError::Hash);
            }
            Ok(Frame::Journal(Carried { gzip, bytes, sha256, truncated }))
        }
        _ => Err(FrameError::Header("it announces neither a journal nor a reason".to_owned())),
    }
}
