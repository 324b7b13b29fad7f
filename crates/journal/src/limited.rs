//! Limits the number of bytes that are read.

use std::io::{self, Read};

/// Fails with [`FileTooLarge`](io::ErrorKind::FileTooLarge) if there are more bytes than allowed.
pub(crate) struct Limited<R> {
    source: R,
    left: u64,
}

impl<R> Limited<R> {
    pub(crate) const fn new(source: R, limit: u64) -> Self {
        Self { source, left: limit }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(buffer)?;
        let left = u64::try_from(length).ok().and_then(|length| self.left.checked_sub(length));
        self.left = left.ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(length)
    }
}
