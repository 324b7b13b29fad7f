//! Writes the termination message.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::Path;

use chaostoolkit_journal::message::Message;

/// The file of the termination message. It stays open, so it does not matter what the experiment does to its path.
pub struct TerminationLog(Option<File>);

impl TerminationLog {
    /// Opens the file. If this fails, prints a warning, and messages are discarded.
    pub fn open(path: &Path) -> Self {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        Self(
            file.inspect_err(|error| {
                crate::warn(format_args!("cannot open the termination message {}: {error}", path.display()));
            })
            .ok(),
        )
    }

    /// Replaces the message in the file.
    pub fn write(&mut self, message: &Message) {
        if let Some(file) = &mut self.0
            && let Err(error) = replace(file, message.to_json().as_bytes())
        {
            crate::warn(format_args!("cannot write the termination message: {error}"));
        }
    }
}

fn replace(file: &mut File, text: &[u8]) -> io::Result<()> {
    // Write first and truncate then. Later messages are longer, so the file holds a message at any time.
    file.rewind()?;
    file.write_all(text)?;
    file.set_len(text.len() as u64)
}
