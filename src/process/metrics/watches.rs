//! When each watch has received something for the last time. Bookmarks count, so the age shows whether a watch is alive.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::Metrics;
use super::family::Gauge;
use crate::process::clock;

const LAST_EVENT: Gauge = Gauge::seconds(
    "watch_last_event_timestamp",
    "Time when a watch received something, bookmarks included, by kind; of several watches of a kind the one that is silent for longest.",
);

/// The time at which a watch has last received something. Clones share it.
#[derive(Clone, Debug)]
pub struct LastEvent(Arc<AtomicI64>);

impl LastEvent {
    /// The watch has received something.
    pub fn now(&self) {
        self.set(clock::now().as_second());
    }

    pub(super) fn set(&self, second: i64) {
        self.0.store(second, Ordering::Relaxed);
    }
}

/// The watches of the process.
#[derive(Clone, Debug, Default)]
pub(super) struct Watches(Arc<Mutex<Vec<(&'static str, LastEvent)>>>);

impl Metrics {
    /// Adds a watch of a kind. Its beginning counts as the first event.
    #[must_use]
    pub fn watch_begins(&self, kind: &'static str) -> LastEvent {
        let last = LastEvent(Arc::default());
        last.now();
        self.watches.0.lock().unwrap_or_else(PoisonError::into_inner).push((kind, last.clone()));
        last
    }
}

impl Collector for Watches {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut oldest: BTreeMap<&str, i64> = BTreeMap::new();
        for (kind, last) in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let last = last.0.load(Ordering::Relaxed);
            oldest.entry(kind).and_modify(|oldest| *oldest = last.min(*oldest)).or_insert(last);
        }
        LAST_EVENT.all(&mut encoder, oldest.into_iter().map(|(kind, last)| ([("kind", kind)], last)))
    }
}
