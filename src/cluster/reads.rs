//! Reads that passes share.
//!
//! Many experiments use the same templates, variables and namespaces. A pass takes an answer that another pass has got, if that
//! one was asked for after this pass was due. So it sees whatever was written before the experiment was, as if it had read the
//! object itself.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::ConfigMap;
use tokio::time::Instant;

use crate::cluster::Cluster;
use crate::cluster::error::Error;
use crate::cluster::manifest::Kind;
use crate::process::remembered::Remembered;
use chaostoolkit_api::Text;

/// The answers that may be shared.
#[derive(Debug)]
pub struct Memory {
    config_maps: Remembered<Option<Arc<ConfigMap>>>,
    namespaces: Remembered<Option<State>>,
}

/// How many `ConfigMap`s are remembered.
const MOST: usize = 64;

/// The largest `ConfigMap` that is remembered, in bytes of its values.
const LARGEST: usize = 64 << 10;

/// For how long answers are remembered.
const AGE: Duration = Duration::from_secs(30);

impl Default for Memory {
    fn default() -> Self {
        Self { config_maps: Remembered::of(MOST), namespaces: Remembered::default() }
    }
}

/// A namespace that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Objects can be created in it.
    Active,
    /// It is being deleted.
    Terminating,
}

/// The reads of one pass.
#[derive(Clone, Copy)]
pub struct Reads<'a> {
    /// Access to the API server.
    pub cluster: &'a Cluster,
    memory: &'a Memory,
    since: Instant,
}

impl<'a> Reads<'a> {
    /// Reads for a pass that was due at this time.
    #[must_use]
    pub const fn new(cluster: &'a Cluster, memory: &'a Memory, since: Instant) -> Self {
        Self { cluster, memory, since }
    }

    /// Returns a `ConfigMap`, if it exists.
    pub async fn config_map(&self, namespace: &str, name: &str) -> Result<Option<Arc<ConfigMap>>, Error> {
        if let Some(known) = self.known_config_map(namespace, name) {
            return Ok(known);
        }
        let asked = Instant::now();
        let api = self.cluster.config_maps(namespace)?;
        let found = self.cluster.find(&api, Kind::ConfigMap.as_str(), name).await?.map(Arc::new);
        if found.as_ref().is_none_or(|found| size(found) <= LARGEST) {
            self.memory.config_maps.put_at(key(namespace, name), (asked, found.clone()), AGE);
        }
        Ok(found)
    }

    /// Returns what is known of a `ConfigMap` without a call.
    #[must_use]
    pub fn known_config_map(&self, namespace: &str, name: &str) -> Option<Option<Arc<ConfigMap>>> {
        self.memory.config_maps.since(&key(namespace, name), self.since, AGE)
    }

    /// Returns the state of a namespace, if it exists.
    pub async fn namespace(&self, name: &str) -> Result<Option<State>, Error> {
        if let Some(known) = self.memory.namespaces.since(name, self.since, AGE) {
            return Ok(known);
        }
        let asked = Instant::now();
        let found = self.cluster.find(&self.cluster.namespaces(), Kind::Namespace.as_str(), name).await?;
        let state = found.map(|found| match found.metadata.deletion_timestamp {
            Some(_) => State::Terminating,
            None => State::Active,
        });
        self.memory.namespaces.put_at(name.to_owned(), (asked, state), AGE);
        Ok(state)
    }
}

fn key(namespace: &str, name: &str) -> String {
    format!("{namespace}/{name}")
}

/// The length of all values of a `ConfigMap` in bytes.
fn size(map: &ConfigMap) -> usize {
    let texts = map.data.iter().flat_map(|data| data.values().map(String::len));
    let bytes = map.binary_data.iter().flat_map(|data| data.values().map(|ByteString(bytes)| bytes.len()));
    texts.chain(bytes).sum()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use http::{Request, Response};
    use kube::Client;
    use kube::client::Body;
    use serde_json::{Value, json};

    /// Access to an API server that gives this answer to each request, and the number of requests.
    fn cluster(answer: Value) -> (Cluster, Arc<AtomicUsize>) {
        let count = Arc::<AtomicUsize>::default();
        let requests = count.clone();
        let service = tower::service_fn(move |_: Request<Body>| {
            requests.fetch_add(1, Ordering::Relaxed);
            let status = answer["code"].as_u64().map_or(200, |code| u16::try_from(code).unwrap());
            let body = Body::from(answer.to_string().into_bytes());
            futures::future::ready(Ok::<_, Infallible>(
                Response::builder().status(status).body(body).unwrap(),
            ))
        });
        (Cluster::new(Client::new(service, "default"), Duration::from_secs(1)), count)
    }

    fn map(bytes: usize) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"k": "x".repeat(bytes)}})
    }

    async fn calls(answer: Value, pauses: [u64; 2]) -> usize {
        let (cluster, count) = cluster(answer);
        let memory = Memory::default();
        let begin = Instant::now();
        for pause in pauses {
            // The pass was due this long after the first one.
            let reads = Reads::new(&cluster, &memory, begin + Duration::from_secs(pause));
            tokio::time::advance(Duration::from_millis(1)).await;
            reads.config_map("n", "m").await.unwrap();
            tokio::time::advance(Duration::from_secs(2)).await;
        }
        count.load(Ordering::Relaxed)
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_serves_the_passes_that_were_due_before_it_was_asked_for() {
        assert_eq!(calls(map(10), [0, 0]).await, 1);
        assert_eq!(calls(map(10), [0, 1]).await, 2, "it may have changed before this experiment was written");
        assert_eq!(calls(map(LARGEST + 1), [0, 0]).await, 2, "large ones are not kept");
        let missing = json!({"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404});
        assert_eq!(calls(missing, [0, 0]).await, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_namespace_that_is_being_deleted_is_told_apart() {
        for (deleted, expected) in
            [(Value::Null, State::Active), (json!("2026-01-01T00:00:00Z"), State::Terminating)]
        {
            let metadata = json!({"name": "n", "deletionTimestamp": deleted});
            let (cluster, _) =
                cluster(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}));
            let memory = Memory::default();
            let found = Reads::new(&cluster, &memory, Instant::now()).namespace("n").await.unwrap();
            assert_eq!(found, Some(expected));
        }
    }
}
