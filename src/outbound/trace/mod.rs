//! The trace of a run, made from its journal after its end, as OTLP has it.
//!
//! The names are those of OpenTelemetry's conventions for pipelines:
//! <https://opentelemetry.io/docs/specs/semconv/cicd/cicd-spans/>

mod attributes;
mod ids;
mod pass;
mod run;
mod times;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use tokio::sync::OwnedSemaphorePermit;
use tracing::warn;

use crate::outbound::facts::RunFacts;
use crate::outbound::trace::attributes::text;
pub use crate::outbound::trace::ids::trace_id;
pub use crate::outbound::trace::pass::PassSpan;
pub use crate::outbound::trace::run::{MAX_SPANS, spans};
use chaostoolkit_journal::Timeline;

/// The content type of a trace.
pub const CONTENT_TYPE: &str = "application/x-protobuf";

/// What follows the base URL of a receiver of OTLP.
pub const PATH: &str = "/v1/traces";

/// The longest journal that is read, in bytes after unpacking.
const LONGEST_UNPACKED: u64 = 8 << 20;

/// The name of what made the spans.
const SCOPE: &str = "chaostoolkit-operator";

/// The journal of a run that has ended.
#[derive(Debug)]
pub enum Journal {
    /// There is none.
    None,
    /// There was no room for it.
    LeftOut,
    /// It is here, compressed, and takes room.
    Here(Vec<u8>, OwnedSemaphorePermit),
}

/// A run whose trace is to be sent.
#[derive(Debug)]
pub struct RunTrace {
    /// The run.
    pub run: RunFacts,
    /// Its journal.
    pub journal: Journal,
}

impl RunTrace {
    /// Writes the trace as a request of OTLP. Without a journal, it has one span.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let timeline = match &self.journal {
            Journal::None | Journal::LeftOut => None,
            Journal::Here(gzip, _) => match Timeline::unpack(gzip, LONGEST_UNPACKED) {
                Ok(timeline) => Some(timeline),
                Err(problem) => {
                    warn!(experiment = self.run.experiment, %problem, "cannot read a journal for a trace");
                    None
                }
            },
        };
        request(spans(&self.run, timeline.as_ref())).encode_to_vec()
    }
}

/// Writes the spans of passes as a request of OTLP.
#[must_use]
pub fn encode_passes(passes: &[PassSpan]) -> Vec<u8> {
    request(passes.iter().map(PassSpan::span).collect()).encode_to_vec()
}

/// Puts spans into a request.
#[must_use]
pub fn request(spans: Vec<Span>) -> ExportTraceServiceRequest {
    let version = env!("CARGO_PKG_VERSION");
    let scope = InstrumentationScope {
        name: SCOPE.to_owned(),
        version: version.to_owned(),
        ..InstrumentationScope::default()
    };
    let resource = Resource {
        attributes: vec![text("service.name", SCOPE), text("service.version", version)],
        ..Resource::default()
    };
    let scope_spans = ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() };
    let all = ResourceSpans {
        resource: Some(resource),
        scope_spans: vec![scope_spans],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest { resource_spans: vec![all] }
}
