//! The streams of events on their way through the proxy.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::header::TRANSFER_ENCODING;
use hyper::{HeaderMap, Request, Response, Uri};
use kube::client::Body;
use serde_json::json;
use tokio::sync::{mpsc, watch};

use crate::fault::{Armed, StreamFault, Streams};
use crate::proxy::{Answer, Cut, Shared, plain};

/// How long a connection lives in a storm.
const GUST: Duration = Duration::from_millis(100);

/// The mark at the end of what a stream begins with.
const INITIAL_END: &str = "k8s.io/initial-events-end";

/// What all streams share.
pub struct Streaming {
    /// A word that the events of this plan have.
    own: String,
    armed: watch::Sender<Option<Armed>>,
    kinds: Mutex<HashMap<String, KindOfStream>>,
    hits: AtomicUsize,
}

/// All streams of one resource.
#[derive(Default)]
struct KindOfStream {
    /// How they are asked for.
    request: Option<(Uri, HeaderMap)>,
    /// How many have shown all that there was.
    filled: usize,
    /// Own events so far.
    history: Vec<Bytes>,
    /// How often the present fault has hit.
    hits: usize,
    /// What the next stream begins with, instead of how things are.
    stale: Option<Vec<Bytes>>,
}

impl Streaming {
    pub fn new(own: &str) -> Self {
        Self {
            own: own.to_owned(),
            armed: watch::Sender::new(None),
            kinds: Mutex::default(),
            hits: AtomicUsize::new(0),
        }
    }

    /// From now on, and for this time.
    pub fn arm(&self, fault: StreamFault, streams: Streams, length: Duration) -> Armed {
        for kind in self.kinds.lock().unwrap().values_mut() {
            kind.hits = 0;
        }
        let armed = Armed { fault, streams, since: Instant::now(), length };
        self.armed.send_replace(Some(armed));
        armed
    }

    /// Events pass again.
    pub fn disarm(&self) {
        self.armed.send_replace(None);
    }

    /// How often a fault has made a difference to a stream.
    pub fn hits(&self) -> usize {
        self.hits.load(Ordering::Relaxed)
    }

    /// Whether an operator knows all that there is.
    pub fn is_filled(&self, times: usize) -> bool {
        let kinds = self.kinds.lock().unwrap();
        kinds.len() == 2 && kinds.values().all(|kind| kind.filled >= times)
    }

    fn with<T>(&self, resource: &str, change: impl FnOnce(&mut KindOfStream) -> T) -> T {
        change(self.kinds.lock().unwrap().entry(resource.to_owned()).or_default())
    }

    /// Counts a hit on a kind of stream, unless there were enough.
    fn hit(&self, resource: &str, most: usize) -> bool {
        let is_hit = self.with(resource, |kind| {
            kind.hits += 1;
            kind.hits <= most
        });
        if is_hit {
            self.hits.fetch_add(1, Ordering::Relaxed);
        }
        is_hit
    }

    fn is_own(&self, line: &[u8]) -> bool {
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
    let initial = request.uri().query().unwrap_or_default().contains("sendInitialEvents=true");
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

/// Keeps what the streams would begin with now, for the next ones, and lets no event pass from now on.
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
    // Until the plan says otherwise.
    shared.streaming.arm(StreamFault::Hold, Streams::Both, Duration::from_secs(600));
}

/// One stream.
struct Pump {
    resource: String,
    lines: Lines,
    sender: mpsc::Sender<Result<Bytes, Cut>>,
    /// What is to be sent later, and when.
    queue: VecDeque<(Instant, Bytes)>,
    began: Instant,
}

/// What a stream waits for.
enum Next {
    Line(Option<Result<Bytes, Cut>>),
    Armed,
    Due,
    Moment,
    Closed,
}

impl Pump {
    async fn run(mut self, shared: &Shared) {
        let streaming = &shared.streaming;
        let mut changes = streaming.armed.subscribe();
        // When something is to happen to this stream, and what.
        let mut moment = self.plan(streaming, *changes.borrow_and_update());
        loop {
            let due = self.queue.front().map(|(due, _)| *due);
            let next = tokio::select! {
                biased;
                () = self.sender.closed() => Next::Closed,
                armed = changes.changed() => if armed.is_ok() { Next::Armed } else { Next::Closed },
                () = at(moment.map(|(when, _)| when)) => Next::Moment,
                () = at(due) => Next::Due,
                line = self.lines.next() => Next::Line(line),
            };
            let armed = *changes.borrow();
            let going_on = match next {
                Next::Armed => {
                    let was_held = armed.is_none() && matches!(moment, Some((_, What::Cut)));
                    // What a stream has kept back can only be had anew.
                    let cut = was_held.then(|| (Instant::now(), What::Cut));
                    moment = self.plan(streaming, *changes.borrow_and_update()).or(cut);
                    true
                }
                Next::Moment => match moment.take() {
                    Some((_, What::Cut)) => {
                        let _ = self.sender.send(Err(Cut)).await;
                        false
                    }
                    Some((_, What::Expire)) => {
                        let _ = self.sender.send(Ok(expired())).await;
                        false
                    }
                    Some((_, What::Replay)) => {
                        let history = streaming.with(&self.resource, |kind| kind.history.clone());
                        for line in history.iter().take(history.len().saturating_sub(1)) {
                            let _ = self.sender.send(Ok(line.clone())).await;
                        }
                        true
                    }
                    None => true,
                },
                Next::Due => {
                    let line = self.queue.pop_front();
                    match line {
                        Some((_, line)) => self.sender.send(Ok(line)).await.is_ok(),
                        None => true,
                    }
                }
                Next::Line(Some(Ok(line))) => self.line(streaming, armed, line, &mut moment).await,
                Next::Line(_) | Next::Closed => false,
            };
            if !going_on {
                return;
            }
        }
    }

    /// What is to happen to this stream, and when, whatever events come.
    fn plan(&self, streaming: &Streaming, armed: Option<Armed>) -> Option<(Instant, What)> {
        let armed =
            armed.filter(|armed| armed.streams.has(&self.resource) && Instant::now() < armed.until())?;
        match armed.fault {
            StreamFault::Gone => streaming.hit(&self.resource, 2).then(|| (Instant::now(), What::Expire)),
            StreamFault::Hold => {
                streaming.hit(&self.resource, usize::MAX);
                Some((armed.until(), What::Cut))
            }
            StreamFault::Storm => {
                streaming.hit(&self.resource, usize::MAX);
                Some((self.began.max(armed.since) + GUST, What::Cut))
            }
            // Soon enough for it to be behind what has just been done, and again with each event.
            StreamFault::Replay => {
                streaming.hit(&self.resource, usize::MAX);
                Some((Instant::now() + GUST, What::Replay))
            }
            StreamFault::Drop | StreamFault::Delay => None,
        }
    }

    async fn line(
        &mut self,
        streaming: &Streaming,
        armed: Option<Armed>,
        line: Bytes,
        moment: &mut Option<(Instant, What)>,
    ) -> bool {
        let is_own = streaming.is_own(&line);
        streaming.with(&self.resource, |kind| {
            if is_own {
                kind.history.push(line.clone());
            }
            if String::from_utf8_lossy(&line).contains(INITIAL_END) {
                kind.filled += 1;
            }
        });
        let now = Instant::now();
        let armed = armed.filter(|armed| armed.streams.has(&self.resource) && now < armed.until());
        match armed.map(|armed| (armed.fault, armed)) {
            Some((StreamFault::Drop, armed)) if is_own && streaming.hit(&self.resource, 1) => {
                *moment = Some((now + armed.length / 2, What::Expire));
                return true;
            }
            Some((StreamFault::Delay, armed)) => {
                streaming.hit(&self.resource, usize::MAX);
                self.queue.push_back((now + armed.length, line));
                return true;
            }
            Some((StreamFault::Hold, _)) => return true,
            Some((StreamFault::Replay, _)) if is_own => *moment = Some((now + GUST, What::Replay)),
            _ => {}
        }
        // Events stay in their order.
        if let Some((due, _)) = self.queue.back() {
            self.queue.push_back((*due, line));
            return true;
        }
        self.sender.send(Ok(line)).await.is_ok()
    }

    /// A stream of an API server that is behind: how things were, and then nothing until events may pass again.
    async fn stale(self, shared: &Shared, lines: Vec<Bytes>) {
        for line in lines {
            let _ = self.sender.send(Ok(line)).await;
        }
        shared.streaming.with(&self.resource, |kind| kind.filled += 1);
        let mut changes = shared.streaming.armed.subscribe();
        let is_over = tokio::select! {
            () = self.sender.closed() => false,
            freed = changes.wait_for(Option::is_none) => freed.is_ok(),
        };
        if is_over {
            let _ = self.sender.send(Err(Cut)).await;
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum What {
    Cut,
    Expire,
    Replay,
}

async fn at(when: Option<Instant>) {
    match when {
        Some(when) => tokio::time::sleep_until(when.into()).await,
        None => std::future::pending().await,
    }
}

fn expired() -> Bytes {
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "too old resource version", "reason": "Expired", "code": 410});
    Bytes::from(format!("{}\n", json!({"type": "ERROR", "object": status})))
}

/// The lines of a body, each with its end.
struct Lines {
    body: Body,
    rest: Vec<u8>,
}

impl Lines {
    const fn new(body: Body) -> Self {
        Self { body, rest: Vec::new() }
    }

    /// Safe to give up waiting for: what has come is kept.
    async fn next(&mut self) -> Option<Result<Bytes, Cut>> {
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
