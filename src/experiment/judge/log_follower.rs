//! Follows the logs of pods that are being deleted, for the journals in them.
//!
//! The kubelet reports the end of a deleted pod's containers when the last of them has ended. At the same time it removes
//! the containers and their logs, so a reader that waits for the report comes too late. Therefore the log is followed from
//! the moment the pod is deleted, and what was read is kept for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep, timeout};
use tracing::debug;

use crate::cluster::Cluster;
use crate::experiment::judge::logs::{self, Extent, JOURNAL_WAIT, LOG_LIMIT, Unread};
use crate::experiment::judge::pod_state::sidecar;
use crate::process::clock;
use chaostoolkit_journal::frame;

/// How many logs are followed at a time. Each is a connection to the API server.
const MAX_FOLLOWED: usize = 64;
/// How long a log is kept, and how long after the grace period of its pod it is still followed.
const KEPT: Duration = Duration::from_secs(JOURNAL_WAIT.unsigned_abs());
/// The pause before a log is requested again that does not exist yet.
const RETRY: Duration = Duration::from_millis(500);

/// A log that is followed: nothing until it is complete.
type Log = Option<Vec<u8>>;
type Logs = HashMap<String, watch::Receiver<Log>>;

/// Reads the logs of pods, and follows those of deleted pods. Clones share the followed logs.
#[derive(Clone)]
pub struct LogFollower {
    cluster: Cluster,
    /// By the uid of the pod.
    logs: Arc<Mutex<Logs>>,
    slots: Arc<Semaphore>,
}

impl LogFollower {
    /// Makes a follower that follows no log yet.
    #[must_use]
    pub fn new(cluster: Cluster) -> Self {
        Self { cluster, logs: Arc::default(), slots: Arc::new(Semaphore::new(MAX_FOLLOWED)) }
    }

    /// Follows the journal of a pod that is being deleted, if the pod has one and nobody follows it already. Beyond
    /// `MAX_FOLLOWED` logs, a journal may be lost with its pod.
    pub fn follow(&self, pod: &Pod) {
        if pod.metadata.deletion_timestamp.is_none() {
            return;
        }
        let (Some(uid), Some(sidecar)) = (pod.metadata.uid.clone(), sidecar(pod)) else { return };
        let mut logs = self.lock();
        if logs.contains_key(&uid) {
            return;
        }
        let Ok(slot) = self.slots.clone().try_acquire_owned() else { return };
        let (sender, receiver) = watch::channel(None);
        logs.insert(uid.clone(), receiver);
        drop(logs);
        let (follower, pod, container) = (self.clone(), pod.clone(), sidecar.name.clone());
        tokio::spawn(async move {
            let log = until_complete(&follower.cluster, &pod, &container).await;
            drop(slot);
            if let Some(log) = log {
                debug!(pod = pod.metadata.name, bytes = log.len(), "read the journal of a deleted pod");
                sender.send_replace(Some(log));
                sleep(KEPT).await;
            }
            follower.lock().remove(&uid);
        });
    }

    /// Returns the log of the pod's sidecar, if it was followed. Waits a moment for one that is still being printed.
    pub async fn followed(&self, pod: &Pod) -> Option<Vec<u8>> {
        let uid = pod.metadata.uid.as_deref().unwrap_or_default();
        let mut log = self.lock().get(uid)?.clone();
        let complete = timeout(LOG_LIMIT, log.wait_for(Option::is_some)).await;
        complete.ok()?.ok()?.clone()
    }

    /// Reads a log of a pod now.
    pub async fn read(&self, pod: &Pod, container: &str, extent: &Extent) -> Result<Vec<u8>, Unread> {
        let limit = LOG_LIMIT.min(self.cluster.limit());
        logs::read(&self.cluster, pod, container, extent, limit).await
    }

    /// A panic while the lock was held leaves nothing half-done: an entry exists or not.
    fn lock(&self) -> MutexGuard<'_, Logs> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Until when the log of a deleted pod is followed. The author chooses the grace period, which may be the largest number.
fn deadline(pod: &Pod, now: Instant) -> Instant {
    let grace = pod.metadata.deletion_grace_period_seconds.unwrap_or_default();
    clock::after(now, Duration::from_secs(u64::try_from(grace).unwrap_or_default()).saturating_add(KEPT))
}

/// Reads a log until the journal in it is complete. Returns nothing if that does not happen in time.
async fn until_complete(cluster: &Cluster, pod: &Pod, container: &str) -> Option<Vec<u8>> {
    let deadline = deadline(pod, Instant::now());
    while Instant::now() < deadline {
        let left = deadline.saturating_duration_since(Instant::now());
        match logs::read(cluster, pod, container, &Extent::Frame, left).await {
            Ok(log) if frame::is_complete(&log) => return Some(log),
            Err(unread) if unread.is_final => return None,
            _ => sleep(RETRY).await,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_log_is_followed_beyond_the_grace_period_whatever_its_length(
            grace in prop_oneof![Just(i64::MAX), Just(i64::MIN), Just(0), any::<i64>()],
        ) {
            let metadata = ObjectMeta { deletion_grace_period_seconds: Some(grace), ..ObjectMeta::default() };
            let pod = Pod { metadata, ..Pod::default() };
            let now = Instant::now();
            prop_assert!(deadline(&pod, now) >= now + KEPT);
            if (0..3600).contains(&grace) {
                prop_assert_eq!(deadline(&pod, now), now + KEPT + Duration::from_secs(grace.unsigned_abs()));
            }
        }
    }
}
