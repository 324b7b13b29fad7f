//! Sends a journal.

use std::io::{self, Read, Seek, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::shed::Shed;
use super::{END, Header, LIMIT, LINE, VERSION};

/// The longest reason, in characters.
const REASON: usize = 500;

/// Sends the journal that is in a file, or says why it does not.
///
/// However long the file is, only [`LIMIT`] bytes and a little more are held. Nothing is written before the whole file
/// was read.
pub fn write(file: &mut (impl Read + Seek), out: &mut impl Write) -> io::Result<()> {
    let mut hash = Sha256::new();
    let mut bytes = 0_u64;
    let mut gzip = Gzip::new();
    file.rewind()?;
    chunks(file, |chunk| {
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
        return journal(raw, &gzip, out);
    }
    file.rewind()?;
    match without_outputs(file) {
        Ok(Some(gzip)) => journal(Header { truncated: true, ..raw }, &gzip, out),
        Ok(None) => none(raw, &format!("over {LIMIT} bytes of gzip even without its outputs"), out),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => none(
            raw,
            &format!("over {LIMIT} bytes of gzip, and its outputs cannot be left out: {error}"),
            out,
        ),
        Err(error) => Err(error),
    }
}

/// Says that there is no journal, and why.
pub fn write_none(reason: &str, out: &mut impl Write) -> io::Result<()> {
    none(Header { version: VERSION, ..Header::default() }, reason, out)
}

fn none(header: Header, reason: &str, out: &mut impl Write) -> io::Result<()> {
    let none = Some(reason.chars().take(REASON).collect());
    writeln!(out, "{}\n{END}", Header { none, ..header }.line()?)?;
    out.flush()
}

fn journal(header: Header, gzip: &[u8], out: &mut impl Write) -> io::Result<()> {
    let header = Header {
        gzip_bytes: Some(gzip.len()),
        gzip_sha256: Some(super::hash(gzip)),
        lines: gzip.len().div_ceil(LINE),
        ..header
    };
    writeln!(out, "{}", header.line()?)?;
    for line in gzip.chunks(LINE) {
        writeln!(out, "{}", STANDARD.encode(line))?;
    }
    writeln!(out, "{END}")?;
    out.flush()
}

fn without_outputs(file: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut shed = Shed::default();
    let mut gzip = Gzip::new();
    let mut kept = Vec::new();
    chunks(file, |chunk| {
        kept.clear();
        shed.push(chunk, &mut kept)?;
        gzip.write(&kept)
    })?;
    shed.finish()?;
    gzip.finish()
}

fn chunks(file: &mut impl Read, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
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

/// Compresses until it is too much. The same input always makes the same bytes: the header has no time and no name.
struct Gzip(Option<GzEncoder<Vec<u8>>>);

impl Gzip {
    fn new() -> Self {
        Self(Some(GzEncoder::new(Vec::new(), Compression::default())))
    }

    fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        if let Some(encoder) = &mut self.0 {
            encoder.write_all(chunk)?;
        }
        // Dropped at once: the rest of the file is only hashed.
        self.0.take_if(|encoder| encoder.get_ref().len() > LIMIT);
        Ok(())
    }

    fn finish(self) -> io::Result<Option<Vec<u8>>> {
        let gzip = self.0.map(GzEncoder::finish).transpose()?;
        Ok(gzip.filter(|gzip| gzip.len() <= LIMIT))
    }
}
