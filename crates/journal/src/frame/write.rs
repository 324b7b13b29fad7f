//! Writes a journal to a log.

use std::io::{self, Read, Seek, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::format::{FOOTER, Header, LIMIT, LINE_BYTES, VERSION, sha256_hex};
use super::strip::OutputStripper;

/// The maximum length of a reason, in characters.
const MAX_REASON_CHARS: usize = 500;

/// Writes the journal in a file to a log. If the journal is too large, writes the reason instead.
///
/// This holds little more than [`LIMIT`] bytes in memory, however long the file is. It reads the whole file before it
/// writes anything. It fails if the file cannot be read or the log cannot be written.
pub fn write(file: &mut (impl Read + Seek), out: &mut impl Write) -> io::Result<()> {
    write_one_of(file, &Place::default(), LIMIT, out).map(drop)
}

/// The place of a journal among those in the same log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The number of the start of the toolkit that wrote it.
    pub start: Option<u32>,
    /// How many journals follow it.
    pub more: u32,
}

/// Writes one of several journals to a log, as [`write()`] does. Returns the length of the compressed journal, which is at
/// most `limit`.
pub fn write_one_of(
    file: &mut (impl Read + Seek),
    place: &Place,
    limit: usize,
    out: &mut impl Write,
) -> io::Result<usize> {
    let limit = limit.min(LIMIT);
    let mut hash = Sha256::new();
    let mut bytes = 0_u64;
    let mut gzip = LimitedGzip::new(limit);
    file.rewind()?;
    for_each_chunk(file, |chunk| {
        hash.update(chunk);
        bytes += chunk.len() as u64;
        gzip.write(chunk)
    })?;
    let raw = Header {
        version: VERSION,
        bytes: Some(bytes),
        sha256: Some(format!("{:x}", hash.finalize())),
        start: place.start,
        more: place.more,
        ..Header::default()
    };
    if let Some(gzip) = gzip.finish()? {
        write_journal(raw, &gzip, out)?;
        return Ok(gzip.len());
    }
    file.rewind()?;
    let reason = match gzip_without_outputs(file, limit) {
        Ok(Some(gzip)) => {
            write_journal(Header { truncated: true, ..raw }, &gzip, out)?;
            return Ok(gzip.len());
        }
        Ok(None) => format!("over {limit} bytes of gzip even without its outputs"),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            format!("over {limit} bytes of gzip, and its outputs cannot be left out: {error}")
        }
        Err(error) => return Err(error),
    };
    write_reason(raw, &reason, out)?;
    Ok(0)
}

/// Writes to a log why there is no journal.
pub fn write_none(reason: &str, out: &mut impl Write) -> io::Result<()> {
    write_none_of(reason, &Place::default(), out)
}

/// Writes to a log why there is no journal in this place.
pub fn write_none_of(reason: &str, place: &Place, out: &mut impl Write) -> io::Result<()> {
    let header = Header { version: VERSION, start: place.start, more: place.more, ..Header::default() };
    write_reason(header, reason, out)
}

fn write_reason(header: Header, reason: &str, out: &mut impl Write) -> io::Result<()> {
    let none = Some(reason.chars().take(MAX_REASON_CHARS).collect());
    writeln!(out, "{}\n{FOOTER}", Header { none, ..header }.line()?)?;
    out.flush()
}

fn write_journal(header: Header, gzip: &[u8], out: &mut impl Write) -> io::Result<()> {
    let header = Header {
        gzip_bytes: Some(gzip.len()),
        gzip_sha256: Some(sha256_hex(gzip)),
        lines: gzip.len().div_ceil(LINE_BYTES),
        ..header
    };
    writeln!(out, "{}", header.line()?)?;
    for line in gzip.chunks(LINE_BYTES) {
        writeln!(out, "{}", STANDARD.encode(line))?;
    }
    writeln!(out, "{FOOTER}")?;
    out.flush()
}

fn gzip_without_outputs(file: &mut impl Read, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut stripper = OutputStripper::default();
    let mut gzip = LimitedGzip::new(limit);
    let mut kept = Vec::new();
    for_each_chunk(file, |chunk| {
        kept.clear();
        stripper.push(chunk, &mut kept)?;
        gzip.write(&kept)
    })?;
    stripper.finish()?;
    gzip.finish()
}

fn for_each_chunk(file: &mut impl Read, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut chunk = vec![0; 64 * 1024];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(length) => each(&chunk[..length])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Compresses until the result exceeds a limit.
///
/// The same input always produces the same bytes, since the gzip header holds neither a time nor a name.
struct LimitedGzip {
    encoder: Option<GzEncoder<Vec<u8>>>,
    limit: usize,
}

impl LimitedGzip {
    fn new(limit: usize) -> Self {
        Self { encoder: Some(GzEncoder::new(Vec::new(), Compression::default())), limit }
    }

    fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        if let Some(encoder) = &mut self.encoder {
            encoder.write_all(chunk)?;
        }
        // Above the limit, the result is dropped at once. The rest of the file is only hashed.
        self.encoder.take_if(|encoder| encoder.get_ref().len() > self.limit);
        Ok(())
    }

    fn finish(self) -> io::Result<Option<Vec<u8>>> {
        let gzip = self.encoder.map(GzEncoder::finish).transpose()?;
        Ok(gzip.filter(|gzip| gzip.len() <= self.limit))
    }
}
