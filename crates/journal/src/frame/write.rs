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
    let mut hash = Sha256::new();
    let mut bytes = 0_u64;
    let mut gzip = LimitedGzip::new();
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
        ..Header::default()
    };
    if let Some(gzip) = gzip.finish()? {
        return write_journal(raw, &gzip, out);
    }
    file.rewind()?;
    match gzip_without_outputs(file) {
        Ok(Some(gzip)) => write_journal(Header { truncated: true, ..raw }, &gzip, out),
        Ok(None) => write_reason(raw, &format!("over {LIMIT} bytes of gzip even without its outputs"), out),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => write_reason(
            raw,
            &format!("over {LIMIT} bytes of gzip, and its outputs cannot be left out: {error}"),
            out,
        ),
        Err(error) => Err(error),
    }
}

/// Writes to a log why there is no journal.
pub fn write_none(reason: &str, out: &mut impl Write) -> io::Result<()> {
    write_reason(Header { version: VERSION, ..Header::default() }, reason, out)
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

fn gzip_without_outputs(file: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut stripper = OutputStripper::default();
    let mut gzip = LimitedGzip::new();
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

/// Compresses until the result exceeds [`LIMIT`].
///
/// The same input always produces the same bytes, since the gzip header holds neither a time nor a name.
struct LimitedGzip(Option<GzEncoder<Vec<u8>>>);

impl LimitedGzip {
    fn new() -> Self {
        Self(Some(GzEncoder::new(Vec::new(), Compression::default())))
    }

    fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        if let Some(encoder) = &mut self.0 {
            encoder.write_all(chunk)?;
        }
        // Above the limit, the result is dropped at once. The rest of the file is only hashed.
        self.0.take_if(|encoder| encoder.get_ref().len() > LIMIT);
        Ok(())
    }

    fn finish(self) -> io::Result<Option<Vec<u8>>> {
        let gzip = self.0.map(GzEncoder::finish).transpose()?;
        Ok(gzip.filter(|gzip| gzip.len() <= LIMIT))
    }
}
