//! Metrics in the text format of Prometheus. The number of label values is bounded, so no label holds the name of an object
//! or the text of an error.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::process::leader::term::Leadership;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Outcome, Phase, Text};

/// One label and its value.
type Label = [(&'static str, &'static str); 1];

/// The label of a source. The administrator names the sources, of which there are few.
type SourceLabel = [(&'static str, String); 1];

/// The metrics of the operator. Clones share them.
#[derive(Clone)]
pub struct Metrics {
    passes: Family<Label, Counter>,
    failures: Family<Label, Counter>,
    duration: Histogram,
    runs: Family<[(&'static str, &'static str); 2], Counter>,
    waiting: Family<Label, Gauge>,
    is_leader: Gauge,
    source_up: Family<SourceLabel, Gauge>,
    source_success: Family<SourceLabel, Gauge>,
    sources_valid: Gauge,
    leadership: Arc<OnceLock<Leadership>>,
    registry: Arc<Registry>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("chaostoolkit_operator");
        let passes = Family::default();
        let failures = Family::default();
        let runs = Family::default();
        let duration = Histogram::new(exponential_buckets(0.005, 2.0, 12));
        registry.register("reconciliations", "Passes over experiments, by result", passes.clone());
        registry.register("reconciliation_failures", "Failed passes, by reason", failures.clone());
        registry.register_with_unit(
            "reconciliation_duration",
            "Time of a pass",
            Unit::Seconds,
            duration.clone(),
        );
        registry.register("runs_finished", "Runs whose end was recorded, by phase and outcome", runs.clone());
        let waiting = Family::default();
        registry.register(
            "waiting",
            "Experiments whose run does not start for now, by reason",
            waiting.clone(),
        );
        let is_leader = Gauge::default();
        registry.register("leader", "Whether this operator leads, 1 or 0", is_leader.clone());
        let (source_up, source_success, sources_valid) = <(Family<_, _>, Family<_, _>, Gauge)>::default();
        registry.register(
            "source_up",
            "Whether a source has answered its last request, 1 or 0",
            source_up.clone(),
        );
        registry.register_with_unit(
            "source_last_success_timestamp",
            "Time of the last request that a source has answered",
            Unit::Seconds,
            source_success.clone(),
        );
        registry.register(
            "sources_valid",
            "Whether the file of sources can be read as it is now, or there is none, 1 or 0",
            sources_valid.clone(),
        );
        sources_valid.set(1);
        let (leadership, registry) = (Arc::default(), Arc::new(registry));
        Self {
            passes,
            failures,
            duration,
            runs,
            waiting,
            is_leader,
            source_up,
            source_success,
            sources_valid,
            leadership,
            registry,
        }
    }
}

impl Metrics {
    /// The content type of [`Metrics::text`].
    pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// Counts a pass that has ended.
    pub fn reconciled(&self, success: bool, took: Duration) {
        self.passes.get_or_create(&[("result", if success { "success" } else { "error" })]).inc();
        self.duration.observe(took.as_secs_f64());
    }

    /// Counts a pass that failed for this reason.
    pub fn failed(&self, reason: Reason) {
        self.failures.get_or_create(&[("reason", reason.as_str())]).inc();
    }

    /// Counts a run whose end was recorded.
    pub fn run_finished(&self, phase: Option<Phase>, outcome: Option<Outcome>) {
        let phase = phase.map_or("None", |phase| phase.as_str());
        let outcome = outcome.unwrap_or_default().as_str();
        self.runs.get_or_create(&[("phase", phase), ("outcome", outcome)]).inc();
    }

    /// Sets how many experiments wait, by the reason. The others are gone from the metrics.
    pub fn set_waiting(&self, counts: &BTreeMap<&'static str, usize>) {
        self.waiting.clear();
        for (reason, count) in counts {
            let count = i64::try_from(*count).unwrap_or(i64::MAX);
            self.waiting.get_or_create(&[("reason", *reason)]).set(count);
        }
    }

    /// Notes that a source was asked, and when it has answered, if it has.
    pub fn source_asked(&self, source: &str, answered: Option<Timestamp>) {
        let label = [("source", source.to_owned())];
        self.source_up.get_or_create(&label).set(answered.is_some().into());
        if let Some(time) = answered {
            self.source_success.get_or_create(&label).set(time.as_second());
        }
    }

    /// Forgets a source that is not configured any more.
    pub fn source_gone(&self, source: &str) {
        let label = [("source", source.to_owned())];
        self.source_up.remove(&label);
        self.source_success.remove(&label);
    }

    /// Notes whether the file of sources could be read.
    pub fn sources_read(&self, is_valid: bool) {
        self.sources_valid.set(is_valid.into());
    }

    /// Sets the leadership that the metrics report. A term can end at any time, so [`Metrics::text`] reads its state.
    pub fn report_leadership(&self, leadership: Leadership) {
        self.leadership.get_or_init(|| leadership);
    }

    /// Returns all metrics as text.
    #[must_use]
    pub fn text(&self) -> String {
        self.is_leader.set(i64::from(self.leadership.get().is_some_and(Leadership::holds)));
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_in_the_text() {
        let metrics = Metrics::default();
        metrics.reconciled(true, Duration::from_millis(3));
        metrics.failed(Reason::Forbidden);
        metrics.run_finished(Some(Phase::Completed), Some(Outcome::Passed));
        metrics.set_waiting(&BTreeMap::from([("Forbidden", 1)]));
        metrics.set_waiting(&BTreeMap::from([("Frozen", 3)]));
        metrics.source_asked("prom", Timestamp::from_second(1_700_000_000).ok());
        metrics.source_asked("prom", None);
        assert!(metrics.text().contains("chaostoolkit_operator_leader 0"));
        assert!(metrics.text().contains("sources_valid 1"), "no file was named");
        metrics.sources_read(false);
        metrics.clone().report_leadership(Leadership::forever());
        let text = metrics.text();
        for line in [
            r#"chaostoolkit_operator_reconciliations_total{result="success"} 1"#,
            r#"chaostoolkit_operator_reconciliation_failures_total{reason="Forbidden"} 1"#,
            r#"chaostoolkit_operator_runs_finished_total{phase="Completed",outcome="Passed"} 1"#,
            "chaostoolkit_operator_reconciliation_duration_seconds_count 1",
            r#"chaostoolkit_operator_waiting{reason="Frozen"} 3"#,
            "chaostoolkit_operator_leader 1",
            r#"chaostoolkit_operator_source_up{source="prom"} 0"#,
            r#"chaostoolkit_operator_source_last_success_timestamp_seconds{source="prom"} 1700000000"#,
            "chaostoolkit_operator_sources_valid 0",
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
        assert!(!text.contains(r#"waiting{reason="Forbidden"}"#), "nobody waits for that any more: {text}");
        metrics.source_gone("prom");
        assert!(!metrics.text().contains("prom\""), "a source that is gone has no metrics");
    }
}
