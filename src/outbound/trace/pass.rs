//! The span of a pass of the operator.
//!
//! One span for each pass that does something, and no more. `tracing-opentelemetry` and the exporter of the SDK would bring more
//! crates, a second HTTP client and a second queue.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};

use crate::outbound::trace::attributes::text;
use crate::outbound::trace::ids::{span_id, trace_id};
use crate::outbound::trace::times::nanoseconds;

/// A pass that has ended.
#[derive(Clone, Debug)]
pub struct PassSpan {
    /// The name of the experiment.
    pub experiment: String,
    /// Its namespace.
    pub namespace: String,
    /// Its uid.
    pub uid: String,
    /// When the pass ended.
    pub ended: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// The reason for which it failed, if it did.
    pub failed: Option<&'static str>,
}

impl PassSpan {
    fn trace_id(&self) -> Vec<u8> {
        trace_id(&self.uid, &format!("pass at {}", self.ended.as_nanosecond()))
    }

    /// Whether this is one of the passes that have a span, if this part of them has one.
    #[must_use]
    pub fn is_drawn(&self, part: f64) -> bool {
        // The id is a hash, so its bytes are as good as random.
        let drawn = self.trace_id().iter().take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        f64::from(drawn) < part * f64::from(u32::MAX) + 1.0 && part > 0.0
    }

    /// Returns the span.
    #[must_use]
    pub fn span(&self) -> Span {
        let trace_id = self.trace_id();
        let end = nanoseconds(self.ended).unwrap_or_default();
        let took = u64::try_from(self.took.as_nanos()).unwrap_or(u64::MAX);
        let mut attributes = vec![
            text("chaostoolkit.experiment.name", &self.experiment),
            text("chaostoolkit.experiment.uid", &self.uid),
            text("k8s.namespace.name", &self.namespace),
        ];
        attributes.extend(self.failed.map(|reason| text("error.type", reason)));
        let status =
            self.failed.map(|reason| Status { code: StatusCode::Error as i32, message: reason.to_owned() });
        Span {
            span_id: span_id(&trace_id, "pass"),
            trace_id,
            name: "pass".to_owned(),
            kind: SpanKind::Internal as i32,
            start_time_unix_nano: end.saturating_sub(took),
            end_time_unix_nano: end,
            attributes,
            status,
            ..Span::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_passes_has_a_span() {
        let pass = |nanosecond: i128| PassSpan {
            experiment: "exp".to_owned(),
            namespace: "ns".to_owned(),
            uid: "u".to_owned(),
            ended: Timestamp::from_nanosecond(1_700_000_000_000_000_000 + nanosecond).unwrap(),
            took: Duration::from_millis(5),
            failed: None,
        };
        let drawn = |part| (0..1_000).filter(|at| pass(*at).is_drawn(part)).count();
        assert_eq!((drawn(0.0), drawn(1.0)), (0, 1_000));
        assert!((50..150).contains(&drawn(0.1)), "{}", drawn(0.1));
        let span = pass(7).span();
        assert_eq!(span.end_time_unix_nano - span.start_time_unix_nano, 5_000_000);
        assert_eq!((span.trace_id.len(), span.span_id.len()), (16, 8));
    }
}
