//! The termination message.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::Path;

use chaostoolkit_journal::message::Message;

/// The file, which stays open: what the experiment does to the path meanwhile does not matter.
pub struct TerminationLog(Option<File>);

impl TerminationLog {
    pub fn open(path: &Path) -> Self {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        Self(
            file.inspect_err(|error| {
                crate::warn(format_args!("no termination message: {}: {error}", path.display()));
            })
            .ok(),
        )
    }

    /// Replaces what is in it.
    pub fn write(&mut self, message: &Message) {
        if let Some(file) = &mut self.0
            && let Err(error) = replace(file, message.to_json().as_bytes())
        {
            crate::warn(format_args!("no termination message: {error}"));
        }
    }
}

fn replace(file: &mut File, text: &[u8]) -> io::Result<()> {
    // In this order, since what is said later is longer: there is no moment without a message.
    file.rewind()?;
    file.write_all(text)?;
    file.set_len(text.len() as u64)
}
