//! The lines of a watch stream.

use http_body_util::BodyExt;
use hyper::body::Bytes;
use kube::client::Body;

use crate::proxy::Cut;

/// The lines of a body, each with its line end.
pub struct Lines {
    body: Body,
    rest: Vec<u8>,
}

impl Lines {
    pub const fn new(body: Body) -> Self {
        Self { body, rest: Vec::new() }
    }

    /// Returns the next line. Cancel-safe: the received bytes are kept.
    pub async fn next(&mut self) -> Option<Result<Bytes, Cut>> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let rest = self.rest.split_off(end + 1);
                return Some(Ok(Bytes::from(std::mem::replace(&mut self.rest, rest))));
            }
            match self.body.frame().await? {
                Ok(frame) => self.rest.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new())),
                Err(_) => return Some(Err(Cut)),
            }
        }
    }
}
