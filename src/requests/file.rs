//! Files of the administrator.

use std::fs::File;
use std::io::Read;
use std::path::Path;

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
