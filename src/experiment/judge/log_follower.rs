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
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::{debug, warn};

use crate::cluster::Cluster;
use crate::experiment::judge::container::sidecar;
use crate::experiment::judge::held_log::{Budget, HeldLog};
use crate::experiment::judge::logs::{self, Extent, JOURNAL_WAIT, LOG_LIMIT, Unread};
use crate::process::clock;
use chaostoolkit_api::PodAddress;
use chaostoolkit_journal::frame;

/// How many logs are followed at a time. Each is a connection to the API server.
const MAX_FOLLOWED: usize = 64;
/// How many logs are followed, wait for their turn, or are kept.
const MAX_WAITING: usize = 1000;
/// How long a log is kept, and how long after the grace period of its pod it is still followed.
const KEPT: Duration = Duration::from_secs(JOURNAL_WAIT.unsigned_abs());
/// The pause before a log is requested again that does not exist yet.
const RETRY: Duration = Duration::from_millis(500);

/// A log that is followed: nothing until it is complete, or until it is known why it was not read.
type Log = Option<Result<Arc<HeldLog>, String>>;
type Logs = HashMap<String, watch::Receiver<Log>>;

/// Reads the logs of pods, and follows those of deleted pods. Clones share the followed logs.
#[derive(Clone)]
pub struct LogFollower {
    cluster: Cluster,
    /// By the uid of the pod.
    logs: Arc<Mutex<Logs>>,
    connections: Arc<Semaphore>,
    budget: Budget,
}

impl LogFollower {
    /// Makes a follower that follows no log yet.
    #[must_use]
    pub fn new(cluster: Cluster) -> Self {
        Self::with(cluster, MAX_FOLLOWED, Budget::default())
    }

    fn with(cluster: Cluster, connections: usize, budget: Budget) -> Self {
        let connections = Arc::new(Semaphore::new(connections));
        Self { cluster, logs: Arc::default(), connections, budget }
    }

    /// Follows the journal of a pod that is being deleted, if the pod has one and nobody follows it already. Beyond
    /// `MAX_FOLLOWED` logs and the budget of memory, a follow waits, and the journal may be lost with its pod.
    pub fn follow(&self, pod: &Pod) {
        if pod.metadata.deletion_timestamp.is_none() {
            return;
        }
        let (Some(uid), Some(sidecar)) = (pod.metadata.uid.clone(), sidecar(pod)) else { return };
        let mut logs = self.lock();
        if logs.contains_key(&uid) {
            return;
        }
        if logs.len() >= MAX_WAITING {
            warn!(
                pod = pod.metadata.name,
                limit = MAX_WAITING,
                "too many logs are followed to follow this one"
            );
            return;
        }
        let (sender, receiver) = watch::channel(None);
        logs.insert(uid.clone(), receiver);
        drop(logs);
        let (follower, address, container) = (self.clone(), PodAddress::of(pod), sidecar.name.clone());
        let deadline = deadline(pod, Instant::now());
        tokio::spawn(async move {
            let log = follower.until_complete(&address, &container, deadline).await;
            if let Some(log) = log {
                match &log {
                    Ok(log) => {
                        let bytes = log.bytes().len();
                        debug!(pod = %address, bytes, "read the journal of a deleted pod");
                    }
                    Err(problem) => warn!(pod = %address, problem, "lost the journal of a deleted pod"),
                }
                sender.send_replace(Some(log));
                sleep(KEPT).await;
            }
            follower.lock().remove(&uid);
        });
    }

    /// Returns the log of the pod's sidecar, if it was followed, or why it could not be read. Waits a moment for one that is
    /// still being printed.
    pub async fn followed(&self, pod: &Pod) -> Option<Result<Arc<HeldLog>, String>> {
        let uid = pod.metadata.uid.as_deref().unwrap_or_default();
        let mut log = self.lock().get(uid)?.clone();
        let complete = timeout(LOG_LIMIT, log.wait_for(Option::is_some)).await;
        complete.ok()?.ok()?.clone()
    }

    /// Reads a log of a pod now.
    pub async fn read(&self, pod: &Pod, container: &str, extent: &Extent) -> Result<HeldLog, Unread> {
        let limit = LOG_LIMIT.min(self.cluster.limit());
        logs::read(&self.cluster, &PodAddress::of(pod), container, (extent, self.budget.log()), limit).await
    }

    /// Reads a log until the journal in it is complete. Returns why not if that does not happen in time, and nothing if there
    /// is no log.
    async fn until_complete(
        &self,
        pod: &PodAddress,
        container: &str,
        deadline: Instant,
    ) -> Option<Result<Arc<HeldLog>, String>> {
        // The semaphore is never closed.
        let Ok(_connection) = timeout_at(deadline, self.connections.acquire()).await else {
            return Some(Err(format!("{MAX_FOLLOWED} other logs were being followed")));
        };
        let mut problem = "its log did not hold a whole journal in time".to_owned();
        while Instant::now() < deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            let extent = (&Extent::Frame, self.budget.log());
            match logs::read(&self.cluster, pod, container, extent, left).await {
                Ok(log) if frame::is_complete(log.bytes()) => return Some(Ok(Arc::new(log))),
                Err(unread) if unread.is_final => return None,
                Err(unread) => problem = unread.problem,
                Ok(_) => {}
            }
            sleep(RETRY).await;
        }
        Some(Err(problem))
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

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{StreamExt, stream};
    use http::{Request, Response};
    use http_body_util::StreamBody;
    use hyper::body::{Bytes, Frame};
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
    use kube::Client;
    use kube::client::Body;
    use proptest::prelude::*;
    use serde_json::json;
    use std::convert::Infallible;
    use std::io::Cursor;

    /// A cluster in which each log holds a journal that is not compressible.
    fn cluster() -> Cluster {
        let journal = (0..30_000_u32)
            .map(|at| format!("{:x}", at.wrapping_mul(2_654_435_761)))
            .collect::<Vec<_>>()
            .concat();
        let mut log = Vec::new();
        frame::write(&mut Cursor::new(format!("{{\"a\":\"{journal}\"}}")), &mut log).unwrap();
        assert!(log.len() > 100_000, "{}", log.len());
        let answer = move |_: Request<Body>| {
            // It arrives in pieces, and whoever else reads a log has a turn after each.
            let pieces: Vec<_> = log.chunks(16 << 10).map(Bytes::copy_from_slice).collect();
            let pieces = stream::iter(pieces).then(async |piece| {
                tokio::task::yield_now().await;
                Ok::<_, Infallible>(Frame::data(piece))
            });
            async move { Ok::<_, Infallible>(Response::new(StreamBody::new(pieces))) }
        };
        Cluster::new(Client::new(tower::service_fn(answer), "run"), Duration::from_secs(30))
    }

    fn deleted(name: &str) -> Pod {
        let container = json!({"name": "journal", "restartPolicy": "Always",
            "command": ["/chaos-runner", "sidecar", "/chaostoolkit-runner"]});
        let metadata = json!({"name": name, "namespace": "run", "uid": name, "deletionGracePeriodSeconds": 0,
            "deletionTimestamp": "2026-01-01T00:00:00Z"});
        serde_json::from_value(
            json!({"metadata": metadata, "spec": {"containers": [], "initContainers": [container]}}),
        )
        .unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn the_logs_that_are_kept_have_one_budget() {
        let follower = LogFollower::with(cluster(), 2, Budget::of(300_000));
        for pod in ["first", "second"] {
            follower.follow(&deleted(pod));
            sleep(Duration::from_secs(1)).await;
        }
        assert!(follower.followed(&deleted("first")).await.unwrap().is_ok());
        assert!(follower.followed(&deleted("second")).await.is_none(), "it waits");
        sleep(KEPT.saturating_sub(Duration::from_secs(5))).await;
        assert!(follower.followed(&deleted("second")).await.unwrap().is_ok(), "the first was let go");
    }

    #[tokio::test(start_paused = true)]
    async fn logs_that_wait_for_the_memory_of_each_other_let_go() {
        // Each needs three of four steps.
        let follower = LogFollower::with(cluster(), 2, Budget::of(4 << 16));
        let pods = ["one", "other"].map(deleted);
        for pod in &pods {
            follower.follow(pod);
        }
        let read = async || {
            for pod in &pods {
                if let Some(Ok(_)) = follower.followed(pod).await {
                    return;
                }
            }
            panic!("neither was read");
        };
        read().await;
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_told_that_a_journal_was_lost_for_lack_of_memory() {
        let follower = LogFollower::with(cluster(), 2, Budget::of(300_000));
        follower.follow(&deleted("kept"));
        assert!(follower.followed(&deleted("kept")).await.unwrap().is_ok());
        let _held = follower.followed(&deleted("kept")).await;
        follower.follow(&deleted("lost"));
        sleep(KEPT + Duration::from_secs(1)).await;
        let problem = follower.followed(&deleted("lost")).await.unwrap().unwrap_err();
        assert!(problem.starts_with("other logs took all"), "{problem}");
    }

    #[tokio::test(start_paused = true)]
    async fn connections_are_limited_too() {
        let follower = LogFollower::with(cluster(), 0, Budget::default());
        follower.follow(&deleted("pod"));
        sleep(KEPT + Duration::from_secs(1)).await;
        let problem = follower.followed(&deleted("pod")).await.unwrap().unwrap_err();
        assert!(problem.ends_with("other logs were being followed"), "{problem}");
        sleep(KEPT).await;
        assert!(follower.followed(&deleted("pod")).await.is_none() && follower.lock().is_empty());
    }

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
