//! Journals of pods that are being deleted, read while they are printed.
//!
//! The kubelet reports the end of a deleted pod's containers when the last of them has ended, and removes them, logs
//! included, at the same time: whoever waits for the report comes too late. So the log is followed from the moment in
//! which somebody has asked for the pod's end. What was heard is kept for as long as anybody may ask for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep, timeout};
use tracing::debug;

use crate::cluster::Cluster;
use crate::experiment::judge::evidence;
use crate::experiment::judge::logs::{self, Log, PATIENCE};
use chaostoolkit_journal::frame;

/// As many logs are followed at a time. Each is a connection to the API server.
const MOST: usize = 64;
/// How long a log is kept that was heard, and how long after the end of the pod's grace one is still listened for.
const KEPT: Duration = Duration::from_secs(evidence::JOURNAL_WAIT.unsigned_abs());
/// How long it is until a log is asked for again that is not there yet.
const RETRY: Duration = Duration::from_millis(500);

/// What has been heard of a log: nothing yet, or all of it.
type Heard = Option<Vec<u8>>;
type Ears = Arc<Mutex<HashMap<String, watch::Receiver<Heard>>>>;

/// The logs that are being followed, by the uid of their pod.
#[derive(Clone)]
pub struct Incoming {
    ears: Ears,
    free: Arc<Semaphore>,
}

impl Default for Incoming {
    fn default() -> Self {
        Self { ears: Ears::default(), free: Arc::new(Semaphore::new(MOST)) }
    }
}

impl Incoming {
    /// Follows the journal of a pod that is being deleted, if it has one and nobody follows it already. With too many at
    /// a time, the rest is left to luck.
    pub fn listen(&self, cluster: &Cluster, pod: &Pod) {
        if pod.metadata.deletion_timestamp.is_none() {
            return;
        }
        let (Some(uid), Some(sidecar)) = (pod.metadata.uid.clone(), evidence::sidecar(pod)) else { return };
        let mut ears = self.ears.lock().unwrap_or_else(PoisonError::into_inner);
        if ears.contains_key(&uid) {
            return;
        }
        let Ok(slot) = self.free.clone().try_acquire_owned() else { return };
        let (tell, heard) = watch::channel(None);
        ears.insert(uid.clone(), heard);
        drop(ears);
        let (ears, cluster, pod, container) =
            (self.ears.clone(), cluster.clone(), pod.clone(), sidecar.name.clone());
        tokio::spawn(async move {
            let log = follow(&cluster, &pod, &container).await;
            drop(slot);
            if let Some(log) = log {
                debug!("heard the journal of pod {:?}, {} bytes", pod.metadata.name, log.len());
                tell.send_replace(Some(log));
                sleep(KEPT).await;
            }
            ears.lock().unwrap_or_else(PoisonError::into_inner).remove(&uid);
        });
    }

    /// The log of the pod's sidecar, if it was followed. One that is still being printed is waited for, for a moment.
    pub async fn heard(&self, pod: &Pod) -> Option<Vec<u8>> {
        let uid = pod.metadata.uid.as_deref().unwrap_or_default();
        let mut ear = self.ears.lock().unwrap_or_else(PoisonError::into_inner).get(uid)?.clone();
        let heard = timeout(PATIENCE, ear.wait_for(Option::is_some)).await;
        heard.ok()?.ok()?.clone()
    }
}

/// Reads a log until the journal in it is complete; nothing if that does not come about in time.
async fn follow(cluster: &Cluster, pod: &Pod, container: &str) -> Option<Vec<u8>> {
    let grace = pod.metadata.deletion_grace_period_seconds.unwrap_or_default().unsigned_abs();
    let deadline = Instant::now() + Duration::from_secs(grace) + KEPT;
    while Instant::now() < deadline {
        let left = deadline.saturating_duration_since(Instant::now());
        match logs::read(cluster, pod, container, &Log::Frame, left).await {
            Ok(log) if frame::is_complete(&log) => return Some(log),
            Err(unread) if unread.is_final => return None,
            _ => sleep(RETRY).await,
        }
    }
    None
}
