//! The passes that are due and wait for a worker.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::family::Gauge;
use crate::process::workers::Workers;

const DEPTH: Gauge = Gauge::count("queue_depth", "Passes that are due and wait for a worker.");
const OLDEST: Gauge = Gauge::seconds(
    "queue_oldest_age",
    "For how long the pass has waited for a worker that has waited longest; 0 if none waits.",
);

/// Reads the queue of workers.
#[derive(Debug)]
pub struct Queue(pub Workers);

impl Collector for Queue {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (depth, oldest) = self.0.queue();
        DEPTH.one(&mut encoder, i64::try_from(depth).unwrap_or(i64::MAX))?;
        OLDEST.one(&mut encoder, i64::try_from(oldest.as_secs()).unwrap_or(i64::MAX))
    }
}
