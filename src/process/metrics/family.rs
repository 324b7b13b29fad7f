//! Gauges that are not stored: they are computed when the metrics are read.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

/// What a gauge is. The unit is no part of the name here.
#[derive(Clone, Copy, Debug)]
pub struct Gauge {
    /// The name, without a prefix.
    pub name: &'static str,
    /// What it measures.
    pub help: &'static str,
    /// The unit, if it has one.
    pub unit: Option<&'static Unit>,
}

/// Unix times and durations.
pub static SECONDS: Unit = Unit::Seconds;

impl Gauge {
    /// A gauge that counts.
    #[must_use]
    pub const fn count(name: &'static str, help: &'static str) -> Self {
        Self { name, help, unit: None }
    }

    /// A gauge in seconds.
    #[must_use]
    pub const fn seconds(name: &'static str, help: &'static str) -> Self {
        Self { name, help, unit: Some(&SECONDS) }
    }

    /// Writes its only value.
    pub fn one(self, encoder: &mut DescriptorEncoder<'_>, value: i64) -> fmt::Result {
        let mut family = encoder.encode_descriptor(self.name, self.help, self.unit, MetricType::Gauge)?;
        family.encode_gauge(&value)
    }

    /// Writes its values, if there are any.
    pub fn all<L: EncodeLabelSet>(
        self,
        encoder: &mut DescriptorEncoder<'_>,
        values: impl IntoIterator<Item = (L, i64)>,
    ) -> fmt::Result {
        let mut values = values.into_iter().peekable();
        if values.peek().is_none() {
            return Ok(());
        }
        let mut family = encoder.encode_descriptor(self.name, self.help, self.unit, MetricType::Gauge)?;
        for (labels, value) in values {
            family.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }
}
