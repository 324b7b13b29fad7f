//! The watch streams on their way through the proxy.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::header::TRANSFER_ENCODING;
use hyper::{HeaderMap, Request, Response, Uri};
use tokio::sync::{mpsc, watch};

use crate::fault::{Armed, StreamFault, Streams};
use crate::lines::Lines;
use crate::proxy::{Answer, Cut, Shared, plain};
use crate::pump::Pump;

/// The annotation at the end of the initial events.
pub const INITIAL_END: &str = "k8s.io/initial-events-end";

/// The state that all streams share.
pub struct Streaming {
    /// A word that all events of this plan contain.
    own: String,
    pub armed: watch::Sender<Option<Armed>>,
    kinds: Mutex<HashMap<String, KindOfStream>>,
    hits: AtomicUsize,
}

/// The streams of one resource.
#[derive(Default)]
pub struct KindOfStream {
    /// The last request for such a stream.
    request: Option<(Uri, HeaderMap)>,
    /// How many streams have sent all initial events.
    pub filled: usize,
    /// The events of this plan so far.
    pub history: Vec<Bytes>,
    /// How often the present fault has hit this kind of stream.
    pub hits: usize,
    /// Whether the end of the next initial events comes late.
    pub is_next_list_slow: bool,
    /// The initial events of the next stream, in place of the present state.
    stale: Option<Vec<Bytes>>,
}

/// The watches of the operator: of experiments, pods, Jobs, `CronJob`s and freezes.
const WATCHES: usize = 5;

impl Streaming {
    pub fn new(own: &str) -> Self {
        Self {
            own: own.to_owned(),
            armed: watch::Sender::new(None),
            kinds: Mutex::default(),
            hits: AtomicUsize::new(0),
        }
    }

    /// Starts a fault now, for this time.
    pub fn arm(&self, fault: StreamFault, streams: Streams, length: Duration) -> Armed {
        for kind in self.kinds.lock().unwrap().values_mut() {
            kind.hits = 0;
        }
        let armed = Armed { fault, streams, since: Instant::now(), length };
        self.armed.send_replace(Some(armed));
        armed
    }

    /// Lets events pass again.
    pub fn disarm(&self) {
        self.armed.send_replace(None);
    }

    /// Returns how often a fault has hit a stream.
    pub fn hits(&self) -> usize {
        self.hits.load(Ordering::Relaxed)
    }

    /// Whether the caches were filled this many times.
    pub fn is_filled(&self, times: usize) -> bool {
        let kinds = self.kinds.lock().unwrap();
        kinds.len() == WATCHES && kinds.values().all(|kind| kind.filled >= times)
    }

    pub fn with<T>(&self, resource: &str, change: impl FnOnce(&mut KindOfStream) -> T) -> T {
        change(self.kinds.lock().unwrap().entry(resource.to_owned()).or_default())
    }

    /// Counts a hit on a kind of stream. Returns `false` if there were `most` hits already.
    pub fn hit(&self, resource: &str, most: usize) -> bool {
        let is_hit = self.with(resource, |kind| {
            kind.hits += 1;
            kind.hits <= most
        });
        if is_hit {
            self.hits.fetch_add(1, Ordering::Relaxed);
        }
        is_hit
    }

    pub fn is_own(&self, line: &[u8]) -> bool {
        let text = String::from_utf8_lossy(line);
        text.contains(&self.own) && !text.starts_with(r#"{"type":"BOOKMARK""#)
    }
}

/// Answers a request for a stream.
pub async fn watch(
    shared: Arc<Shared>,
    resource: &str,
    request: Request<Bytes>,
) -> Result<Response<Answer>, Cut> {
    let query = request.uri().query().unwrap_or_default();
    if is_question(query) {
        let (mut head, body) = shared.forward(request).await?.into_parts();
        head.headers.remove(TRANSFER_ENCODING);
        return Ok(Response::from_parts(head, body.map_err(|_| Cut).boxed_unsync()));
    }
    let initial = query.contains("sendInitialEvents=true");
    let stale = shared.streaming.with(resource, |kind| {
        if !initial {
            return None;
        }
        kind.request = Some((request.uri().clone(), request.headers().clone()));
        kind.stale.take()
    });
    let response = shared.forward(request).await?;
    if !response.status().is_success() {
        return plain(response).await;
    }
    let (mut head, body) = response.into_parts();
    head.headers.remove(TRANSFER_ENCODING);
    let (sender, mut receiver) = mpsc::channel::<Result<Bytes, Cut>>(256);
    let pump = Pump {
        resource: resource.to_owned(),
        lines: Lines::new(body),
        sender,
        queue: VecDeque::new(),
        began: Instant::now(),
    };
    tokio::spawn(async move {
        match stale {
            Some(stale) => pump.stale(&shared, stale).await,
            None => pump.run(&shared).await,
        }
    });
    let events = futures::stream::poll_fn(move |context| receiver.poll_recv(context));
    let events = futures::StreamExt::map(events, |event| event.map(Frame::data));
    Ok(Response::from_parts(head, StreamBody::new(events).boxed_unsync()))
}

/// Whether a watch only asks for a second, as the operator does at its start to learn what the API server can do. It fills no
/// cache, so no fault is meant for it.
fn is_question(query: &str) -> bool {
    query.split('&').any(|parameter| parameter == "timeoutSeconds=1")
}

/// Keeps the present initial events for the next streams, and lets no event pass from now on.
pub async fn freeze(shared: &Shared) {
    let kinds: Vec<(String, Option<(Uri, HeaderMap)>)> = {
        let kinds = shared.streaming.kinds.lock().unwrap();
        kinds.iter().map(|(resource, kind)| (resource.clone(), kind.request.clone())).collect()
    };
    for (resource, request) in kinds {
        let Some((uri, headers)) = request else { continue };
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        let response = shared.forward(request).await.unwrap();
        let mut lines = Lines::new(response.into_body());
        let mut kept = Vec::new();
        while let Some(Ok(line)) = lines.next().await {
            let is_end = String::from_utf8_lossy(&line).contains(INITIAL_END);
            kept.push(line);
            if is_end {
                break;
            }
        }
        shared.streaming.with(&resource, |kind| kind.stale = Some(kept));
    }
    // This lasts until the plan ends it.
    shared.streaming.arm(StreamFault::Hold, Streams::Every, Duration::from_secs(600));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_of_one_second_fills_no_cache() {
        assert!(is_question("watch=true&timeoutSeconds=1&sendInitialEvents=true"));
        assert!(!is_question("watch=true&timeoutSeconds=290&sendInitialEvents=true"));
    }
}
