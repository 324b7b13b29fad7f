//! Files of the administrator.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use http::HeaderValue;

use crate::requests::client::bearer;

/// The largest file of certificates, in bytes. No `ConfigMap` is larger.
pub const LARGEST: u64 = 1 << 20;

/// The largest token, in bytes.
const LARGEST_TOKEN: u64 = 16 << 10;

/// Reads a file up to a size, in bytes. The error names the problem, without the file.
pub fn limited(file: &Path, most: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let opened = File::open(file).map_err(|error| error.to_string())?;
    opened.take(most + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > most {
        return Err(format!("it is larger than {} KiB", most >> 10));
    }
    Ok(bytes)
}

/// Reads a token, and returns the header that presents it. The error names the file.
pub fn token(file: &Path) -> Result<HeaderValue, String> {
    let at = |problem: &str| format!("{}: {problem}", file.display());
    let bytes = limited(file, LARGEST_TOKEN).map_err(|problem| at(&problem))?;
    let text = String::from_utf8(bytes).map_err(|_| at("it is not UTF-8"))?;
    bearer(&text).ok_or_else(|| at("it has no token, or one of several lines"))
}
