//! Metrics in the text format of Prometheus. The number of label values is bounded, so no label holds the name of an object
//! or the text of an error, unless the administrator asks for it.
//!
//! Events are counted here. What can be seen in the caches is computed when somebody reads the metrics ([`Metrics::derive`]).

pub mod budgets;
pub mod classic;
pub mod family;
mod outbound;
mod passes;
pub mod queue;
mod requests;
pub mod runs;
mod sources;
#[cfg(test)]
mod tests;
pub mod watches;

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::process::leader::term::Leadership;

/// Several labels and their values.
type Labels<const N: usize> = [(&'static str, &'static str); N];

/// One label and its value.
type Label = Labels<1>;

/// The prefix of all names but those of single experiments.
pub const PREFIX: &str = "chaostoolkit_operator";

/// The metrics of the operator. Clones share them.
#[derive(Clone)]
pub struct Metrics {
    passes: passes::Passes,
    runs: runs::Runs,
    requests: requests::Requests,
    budgets: budgets::Budgets,
    sources: sources::Sources,
    outbound: outbound::Outbound,
    watches: watches::Watches,
    is_leader: Gauge,
    leadership: Arc<OnceLock<Leadership>>,
    registry: Arc<Registry>,
    derived: Arc<Mutex<Vec<Registry>>>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The version of this operator", build);
        let is_leader = Gauge::default();
        registry.register("leader", "Whether this operator leads, 1 or 0", is_leader.clone());
        let watches = watches::Watches::default();
        let metrics = Self {
            passes: passes::Passes::register(&mut registry),
            runs: runs::Runs::register(&mut registry),
            requests: requests::Requests::register(&mut registry),
            budgets: budgets::Budgets::register(&mut registry),
            sources: sources::Sources::register(&mut registry),
            outbound: outbound::Outbound::register(&mut registry),
            watches: watches.clone(),
            is_leader,
            leadership: Arc::default(),
            registry: Arc::default(),
            derived: Arc::default(),
        };
        registry.register_collector(Box::new(watches));
        Self { registry: Arc::new(registry), ..metrics }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// The content type of [`Metrics::text`].
    pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// Sets the leadership that the metrics report. A term can end at any time, so [`Metrics::text`] reads its state.
    pub fn report_leadership(&self, leadership: Leadership) {
        self.leadership.get_or_init(|| leadership);
    }

    /// Adds metrics that are computed when somebody reads them. Their names get [`PREFIX`].
    pub fn derive(&self, collector: impl Collector) {
        self.add(Registry::with_prefix(PREFIX), collector);
    }

    /// Adds metrics that are computed when somebody reads them, and have names of their own.
    pub fn derive_named(&self, collector: impl Collector) {
        self.add(Registry::default(), collector);
    }

    fn add(&self, mut registry: Registry, collector: impl Collector) {
        registry.register_collector(Box::new(collector));
        self.derived.lock().unwrap_or_else(PoisonError::into_inner).push(registry);
    }

    /// Returns all metrics as text.
    #[must_use]
    pub fn text(&self) -> String {
        self.is_leader.set(i64::from(self.leadership.get().is_some_and(Leadership::holds)));
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode_registry(&mut text, &self.registry);
        for registry in self.derived.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _ = encode_registry(&mut text, registry);
        }
        let _ = encode_eof(&mut text);
        text
    }
}
