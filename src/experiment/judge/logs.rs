//! Logs of containers, read through the API server.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::AsyncReadExt;
use kube::api::LogParams;

use crate::cluster::{self, Cluster};
use crate::experiment::judge::held_log::{BUDGET, HeldLog, OutOfMemory};
use chaostoolkit_api::PodAddress;
use chaostoolkit_journal::frame::Scanner;

/// How much of a log is read.
pub enum Extent {
    /// The journal in its frame. The log is followed until the frame is complete.
    Frame,
    /// The last lines.
    Tail,
}

/// How long a log may take that is about to end.
pub const LOG_LIMIT: Duration = Duration::from_secs(5);

/// For how many seconds after the end of a run the operator tries to read its journal. The verdict does not wait for it.
pub const JOURNAL_WAIT: i64 = 120;

/// A log that was not read.
pub struct Unread {
    /// Why.
    pub problem: String,
    /// Whether another attempt is useless.
    pub is_final: bool,
}

impl From<kube::Error> for Unread {
    fn from(error: kube::Error) -> Self {
        // No such container or no such pod. Anything else may pass.
        let is_final = matches!(&error, kube::Error::Api(status) if matches!(status.code, 400 | 404));
        Self { problem: error.to_string(), is_final }
    }
}

impl From<cluster::Error> for Unread {
    fn from(error: cluster::Error) -> Self {
        Self { problem: error.describe(), is_final: true }
    }
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Self { problem: error.to_string(), is_final: false }
    }
}

impl From<OutOfMemory> for Unread {
    fn from(_: OutOfMemory) -> Self {
        let problem = format!("other logs took all of the {BUDGET} bytes that the operator has for logs");
        Self { problem, is_final: false }
    }
}

/// How many bytes of a log are read: enough for a journal of 900 KiB in base64, with its frame.
const LONGEST_LOG: usize = 2 << 20;
/// How many of the last lines are read: the traceback of a toolkit that refuses an experiment is long.
const TAIL_LINES: i64 = 60;

/// Reads a log to its end, or to the end of the frame in it, within the limit. Adds it to an empty log.
pub async fn read(
    cluster: &Cluster,
    pod: &PodAddress,
    container: &str,
    (extent, mut text): (&Extent, HeldLog),
    limit: Duration,
) -> Result<HeldLog, Unread> {
    let PodAddress { namespace, name } = pod;
    let parameters = LogParams {
        container: Some(container.to_owned()),
        follow: matches!(extent, Extent::Frame),
        tail_lines: matches!(extent, Extent::Tail).then_some(TAIL_LINES),
        ..LogParams::default()
    };
    let api = cluster.pods(namespace)?;
    let name = api.name(name)?;
    let waits_for_memory = AtomicBool::new(false);
    let reading = async {
        let stream = api.log_stream(&name, &parameters).await?;
        let mut stream = std::pin::pin!(stream);
        let (mut scanner, mut chunk) = (Scanner::default(), vec![0; 16 << 10]);
        loop {
            let length = stream.read(&mut chunk).await?;
            waits_for_memory.store(true, Ordering::Relaxed);
            text.extend(&chunk[..length]).await?;
            waits_for_memory.store(false, Ordering::Relaxed);
            let is_enough = matches!(extent, Extent::Frame) && scanner.is_complete(text.bytes());
            if length == 0 || is_enough || text.bytes().len() > LONGEST_LOG {
                return Ok(text);
            }
        }
    };
    tokio::time::timeout(limit, reading).await.unwrap_or_else(|_| {
        if waits_for_memory.load(Ordering::Relaxed) {
            return Err(OutOfMemory.into());
        }
        let problem = format!("the log of container {container} did not end within {limit:?}");
        Err(Unread { problem, is_final: false })
    })
}
