//! What other servers are told.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::{Labels, Metrics};

/// Events and traces for other servers, by what they are and what became of them.
#[derive(Clone)]
pub(super) struct Outbound(Family<Labels<2>, Counter>);

impl Outbound {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let outbound = Self(Family::default());
        registry.register("outbound", "Events and traces for other servers, by result", outbound.0.clone());
        outbound
    }
}

impl Metrics {
    /// Counts what was sent to another server, or was not.
    pub fn outbound(&self, kind: &'static str, result: &'static str, count: u64) {
        self.outbound.0.get_or_create(&[("kind", kind), ("result", result)]).inc_by(count);
    }
}
