//! One watch stream from the API server to the operator.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use hyper::body::Bytes;
use serde_json::json;
use tokio::sync::mpsc;

use crate::fault::{Armed, StreamFault};
use crate::lines::Lines;
use crate::proxy::{Cut, Shared};
use crate::streams::{INITIAL_END, Streaming};

/// How long a connection lives in a reconnect storm.
const GUST: Duration = Duration::from_millis(100);

/// How long the end of a list takes that follows an expired stream. A client must not act on half of it.
const SLOW_LIST: Duration = Duration::from_millis(500);

/// A stream.
pub struct Pump {
    pub resource: String,
    pub lines: Lines,
    pub sender: mpsc::Sender<Result<Bytes, Cut>>,
    /// The lines to send later, each with its time.
    pub queue: VecDeque<(Instant, Bytes)>,
    pub began: Instant,
}

/// What a stream has waited for.
enum Next {
    Line(Option<Result<Bytes, Cut>>),
    Armed,
    Due,
    Moment,
    Closed,
}

impl Pump {
    pub async fn run(mut self, shared: &Shared) {
        let streaming = &shared.streaming;
        let mut changes = streaming.armed.subscribe();
        // What has to happen to this stream, and when.
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
                    // Events that the stream has held back are only sent again on a new stream.
                    let cut = was_held.then(|| (Instant::now(), What::Cut));
                    // The client of a stream that lacks an event learns it only from the end of the stream.
                    let expiry = moment.filter(|(_, what)| matches!(what, What::Expire));
                    moment = expiry.or_else(|| self.plan(streaming, *changes.borrow_and_update())).or(cut);
                    true
                }
                Next::Moment => match moment.take() {
                    Some((_, What::Cut)) => {
                        let _ = self.sender.send(Err(Cut)).await;
                        false
                    }
                    Some((_, What::Expire)) => {
                        streaming.with(&self.resource, |kind| kind.is_next_list_slow = true);
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

    /// Returns what has to happen to this stream, and when, regardless of its events.
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
            // Soon enough to bring older state than the last write, and again after each event.
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
        let ends_slowly = streaming.with(&self.resource, |kind| {
            if is_own {
                kind.history.push(line.clone());
            }
            let is_end = String::from_utf8_lossy(&line).contains(INITIAL_END);
            kind.filled += usize::from(is_end);
            is_end && std::mem::take(&mut kind.is_next_list_slow)
        });
        let now = Instant::now();
        if ends_slowly {
            self.queue.push_back((now + SLOW_LIST, line));
            return true;
        }
        // On a busy machine the first event may come when the time of the fault is over.
        let is_first = is_own && streaming.with(&self.resource, |kind| kind.hits == 0);
        let waits = |armed: &Armed| is_first && matches!(armed.fault, StreamFault::Drop | StreamFault::Delay);
        let armed =
            armed.filter(|armed| armed.streams.has(&self.resource) && (waits(armed) || now < armed.until()));
        match armed.map(|armed| (armed.fault, armed)) {
            Some((StreamFault::Drop, armed)) if is_own && streaming.hit(&self.resource, 1) => {
                *moment = Some((now + armed.length / 2, What::Expire));
                return true;
            }
            Some((StreamFault::Delay, armed)) => {
                if is_own {
                    streaming.hit(&self.resource, usize::MAX);
                }
                self.queue.push_back((now + armed.length, line));
                return true;
            }
            Some((StreamFault::Hold, _)) => return true,
            Some((StreamFault::Replay, _)) if is_own => *moment = Some((now + GUST, What::Replay)),
            _ => {}
        }
        // Events keep their order.
        if let Some((due, _)) = self.queue.back() {
            self.queue.push_back((*due, line));
            return true;
        }
        self.sender.send(Ok(line)).await.is_ok()
    }

    /// Plays the stream of an API server that is behind: it sends the old state, and then nothing until events may
    /// pass again.
    pub async fn stale(self, shared: &Shared, lines: Vec<Bytes>) {
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
