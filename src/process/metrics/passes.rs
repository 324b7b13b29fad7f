//! Passes over experiments.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use super::{Label, Metrics};
use chaostoolkit_api::Text;
use chaostoolkit_api::reason::Reason;

/// What is counted of passes.
#[derive(Clone)]
pub(super) struct Passes {
    ended: Family<Label, Counter>,
    failures: Family<Label, Counter>,
    duration: Histogram,
}

impl Passes {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let passes = Self {
            ended: Family::default(),
            failures: Family::default(),
            duration: Histogram::new(exponential_buckets(0.005, 2.0, 12)),
        };
        registry.register("reconciliations", "Passes over experiments, by result", passes.ended.clone());
        registry.register("reconciliation_failures", "Failed passes, by reason", passes.failures.clone());
        registry.register_with_unit(
            "reconciliation_duration",
            "Time of a pass",
            Unit::Seconds,
            passes.duration.clone(),
        );
        passes
    }
}

impl Metrics {
    /// Counts a pass that has ended.
    pub fn reconciled(&self, success: bool, took: Duration) {
        self.passes.ended.get_or_create(&[("result", if success { "success" } else { "error" })]).inc();
        self.passes.duration.observe(took.as_secs_f64());
    }

    /// Counts a pass that failed for this reason.
    pub fn failed(&self, reason: Reason) {
        self.passes.failures.get_or_create(&[("reason", reason.as_str())]).inc();
    }
}
