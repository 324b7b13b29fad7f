//! Reads the file that a command is given.

use std::io::Read;
use std::path::Path;

use crate::failure::{Failure, Outcome};
use crate::model::file::LONGEST;

/// Reads a file, or standard input if its name is `-`. A file that is longer than what is read anywhere fails.
pub fn text(name: &str) -> Outcome<String> {
    let path = Path::new(name);
    let fail = |error: std::io::Error| Failure::of_file("read", path, error);
    let mut bytes = Vec::new();
    let most = LONGEST as u64 + 1;
    if name == "-" {
        std::io::stdin().take(most).read_to_end(&mut bytes).map_err(fail)?;
    } else {
        std::fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)).map_err(fail)?;
    }
    String::from_utf8(bytes)
        .map_err(|_| Failure::new(format!("cannot read {}: it is not UTF-8", shown(name))))
}

/// Whether an argument is a URL.
#[must_use]
pub fn is_url(name: &str) -> bool {
    name.starts_with("http://") || name.starts_with("https://")
}

/// The name of a file for people.
#[must_use]
pub fn shown(name: &str) -> &str {
    if name == "-" { "standard input" } else { name }
}
