//! The sources of gates and stop conditions.

use k8s_openapi::jiff::Timestamp;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::Metrics;

/// The label of a source. The administrator names the sources, of which there are few.
type SourceLabel = [(&'static str, String); 1];

/// What is known of sources.
#[derive(Clone)]
pub(super) struct Sources {
    up: Family<SourceLabel, Gauge>,
    success: Family<SourceLabel, Gauge>,
    are_valid: Gauge,
}

impl Sources {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let sources = Self { up: Family::default(), success: Family::default(), are_valid: Gauge::default() };
        let help = "Whether a source has answered its last request, 1 or 0";
        registry.register("source_up", help, sources.up.clone());
        registry.register_with_unit(
            "source_last_success_timestamp",
            "Time of the last request that a source has answered",
            Unit::Seconds,
            sources.success.clone(),
        );
        let help = "Whether the file of sources can be read as it is now, or there is none, 1 or 0";
        registry.register("sources_valid", help, sources.are_valid.clone());
        sources.are_valid.set(1);
        sources
    }
}

impl Metrics {
    /// Notes that a source was asked, and when it has answered, if it has.
    pub fn source_asked(&self, source: &str, answered: Option<Timestamp>) {
        let label = [("source", source.to_owned())];
        self.sources.up.get_or_create(&label).set(answered.is_some().into());
        if let Some(time) = answered {
            self.sources.success.get_or_create(&label).set(time.as_second());
        }
    }

    /// Forgets a source that is not configured any more.
    pub fn source_gone(&self, source: &str) {
        let label = [("source", source.to_owned())];
        self.sources.up.remove(&label);
        self.sources.success.remove(&label);
    }

    /// Notes whether the file of sources could be read.
    pub fn sources_read(&self, is_valid: bool) {
        self.sources.are_valid.set(is_valid.into());
    }
}
