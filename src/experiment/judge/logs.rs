//! Logs of containers, read through the API server.

use std::io;
use std::time::Duration;

use futures::AsyncReadExt;
use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;

use crate::cluster::Cluster;
use chaostoolkit_journal::frame;

/// The log that is read, and how.
pub enum Log {
    /// A journal in its frame: the log is followed until that is complete.
    Frame,
    /// The last lines.
    Tail,
}

/// How long a log may take that is about to end.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// A log that was not read.
pub struct Unread {
    /// Why.
    pub problem: String,
    /// Whether another try is of no use.
    pub is_final: bool,
}

impl From<kube::Error> for Unread {
    fn from(error: kube::Error) -> Self {
        // No such container, no such pod; the rest may pass.
        let is_final = matches!(&error, kube::Error::Api(status) if matches!(status.code, 400 | 404));
        Self { problem: error.to_string(), is_final }
    }
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Self { problem: error.to_string(), is_final: false }
    }
}

/// As much of a log is read at most: 900 KiB in base64 and what is around it.
const LONGEST_LOG: usize = 2 << 20;
/// As many of its last lines are read: the traceback of a toolkit that refuses an experiment is long.
const TAIL_LINES: i64 = 60;

/// Reads a log to its end, or to that of the frame in it, within this time.
pub async fn read(
    cluster: &Cluster,
    pod: &Pod,
    container: &str,
    log: &Log,
    limit: Duration,
) -> Result<Vec<u8>, Unread> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let parameters = LogParams {
        container: Some(container.to_owned()),
        follow: matches!(log, Log::Frame),
        tail_lines: matches!(log, Log::Tail).then_some(TAIL_LINES),
        ..LogParams::default()
    };
    let api = cluster.pods(namespace);
    let reading = async {
        let stream = api.log_stream(name, &parameters).await?;
        let mut stream = std::pin::pin!(stream);
        let (mut text, mut chunk) = (Vec::new(), vec![0; 16 << 10]);
        loop {
            let length = stream.read(&mut chunk).await?;
            text.extend_from_slice(&chunk[..length]);
            let is_enough = matches!(log, Log::Frame) && frame::is_complete(&text);
            if length == 0 || is_enough || text.len() > LONGEST_LOG {
                return Ok(text);
            }
        }
    };
    tokio::time::timeout(limit, reading).await.unwrap_or_else(|_| {
        let problem = format!("the log of container {container} did not come to its end within {limit:?}");
        Err(Unread { problem, is_final: false })
    })
}
