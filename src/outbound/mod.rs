//! What the operator tells other servers of runs: a `CloudEvent` when one starts and ends, and a trace after its end.
//!
//! A pass puts what it has recorded into a queue and goes on. A task for each queue sends it. The queues are bounded, and what
//! finds no room is dropped. Nothing is stored: what is in a queue when the process dies is lost.

pub mod event;
pub mod facts;
pub mod queue;
pub mod target;
pub mod trace;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::outbound::event::CloudEvent;
use crate::outbound::facts::Told;
use crate::outbound::queue::{Queue, Worker, start};
use crate::outbound::target::Target;
use crate::outbound::trace::{Journal, PassSpan, RunTrace};
use crate::process::metrics::Metrics;
use crate::process::remembered::Remembered;

/// How many journals may wait, in bytes as they are compressed.
const MAX_JOURNALS: usize = 8 << 20;

/// For how long it is remembered what was told.
const TOLD: Duration = Duration::from_secs(24 * 60 * 60);

/// How many spans of passes are in one request.
const PASSES: usize = 128;

/// Where to send what, and how many of the passes have a span.
#[derive(Default)]
pub struct Targets {
    /// The receiver of events.
    pub events: Option<Target>,
    /// The receiver of traces.
    pub traces: Option<Target>,
    /// The receiver of the spans of passes, and the part of the passes that have one, from 0 to 1.
    pub passes: Option<(Target, f64)>,
}

/// Takes what is to be told. Clones share the queues. By default, nothing is told.
#[derive(Clone, Default)]
pub struct Outbound(Option<Arc<Shared>>);

struct Shared {
    events: Option<Queue<CloudEvent>>,
    traces: Option<Queue<RunTrace>>,
    passes: Option<(Queue<PassSpan>, f64)>,
    /// The room for journals that wait.
    room: Arc<Semaphore>,
    /// The ids of what was told, so that a run whose record comes and goes is told of once.
    told: Remembered<()>,
}

/// The tasks that send.
#[derive(Default)]
pub struct Workers(Vec<Worker>);

impl Outbound {
    /// Starts the tasks that send.
    #[must_use]
    pub fn start(targets: Targets, metrics: &Metrics) -> (Self, Workers) {
        let mut workers = Vec::new();
        let mut keep = |worker| workers.push(worker);
        let events = targets.events.map(|target| {
            let encode = |events: Vec<CloudEvent>| events.first().map(CloudEvent::encode).unwrap_or_default();
            let (queue, worker) = start(target, encode, ("event", 1), metrics.clone());
            keep(worker);
            queue
        });
        let traces = targets.traces.map(|target| {
            let encode = |runs: Vec<RunTrace>| runs.first().map(RunTrace::encode).unwrap_or_default();
            let (queue, worker) = start(target, encode, ("trace", 1), metrics.clone());
            keep(worker);
            queue
        });
        let passes = targets.passes.map(|(target, part)| {
            let encode = |passes: Vec<PassSpan>| trace::encode_passes(&passes);
            let (queue, worker) = start(target, encode, ("pass", PASSES), metrics.clone());
            keep(worker);
            (queue, part)
        });
        let room = Arc::new(Semaphore::new(MAX_JOURNALS));
        let shared = Shared { events, traces, passes, room, told: Remembered::default() };
        (Self(Some(Arc::new(shared))), Workers(workers))
    }

    /// Whether traces of runs are sent, so that their journals are of use.
    #[must_use]
    pub fn has_traces(&self) -> bool {
        self.0.as_ref().is_some_and(|shared| shared.traces.is_some())
    }

    /// Tells of a run by an event.
    pub fn tell(&self, told: Told) {
        let Some(shared) = &self.0 else { return };
        let Some(events) = &shared.events else { return };
        let event = CloudEvent::of(told);
        if shared.is_new(event.id()) {
            events.put(event);
        }
    }

    /// Sends the trace of a run. A journal that finds no room is left out.
    pub fn trace(&self, run: facts::RunFacts, gzip: Option<Vec<u8>>) {
        let Some(shared) = &self.0 else { return };
        let Some(traces) = &shared.traces else { return };
        if !shared.is_new(&format!("trace/{}/{}", run.uid, run.id)) {
            return;
        }
        let journal = match gzip {
            None => Journal::None,
            Some(gzip) => {
                match u32::try_from(gzip.len()).map(|size| shared.room.clone().try_acquire_many_owned(size)) {
                    Ok(Ok(permit)) => Journal::Here(gzip, permit),
                    _ => Journal::LeftOut,
                }
            }
        };
        traces.put(RunTrace { run, journal });
    }

    /// Sends the span of a pass, if it is one of those that have a span.
    pub fn pass(&self, pass: impl FnOnce() -> PassSpan) {
        let Some(shared) = &self.0 else { return };
        let Some((passes, part)) = &shared.passes else { return };
        let pass = pass();
        if pass.is_drawn(*part) {
            passes.put(pass);
        }
    }
}

impl Shared {
    fn is_new(&self, id: &str) -> bool {
        let is_new = self.told.get(id, TOLD).is_none();
        self.told.put(id.to_owned(), (), TOLD);
        is_new
    }
}

impl Workers {
    /// Sends what is in the queues, within a limit of time for all of them.
    pub async fn finish(self, limit: Duration) {
        let deadline = tokio::time::Instant::now() + limit;
        self.0.iter().for_each(Worker::close);
        for worker in self.0 {
            worker.finish(deadline).await;
        }
    }
}
