//! Requests to the API server.

use std::time::Duration;

use http::StatusCode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use super::{Label, Metrics};

/// The verb, the resource and the code of a request. An API server or something before it chooses the code.
type RequestLabels = [(&'static str, std::borrow::Cow<'static, str>); 3];

/// What is counted of requests.
#[derive(Clone)]
pub(super) struct Requests {
    ended: Family<RequestLabels, Counter>,
    duration: Family<Label, Histogram, fn() -> Histogram>,
}

impl Requests {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let requests = Self {
            ended: Family::default(),
            duration: Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.005, 2.0, 13))),
        };
        let help = "Requests to the API server, by verb, resource and HTTP status";
        registry.register("api_requests", help, requests.ended.clone());
        let help = "Time from a request to the API server to the beginning of its answer, by verb";
        registry.register_with_unit("api_request_duration", help, Unit::Seconds, requests.duration.clone());
        requests
    }
}

impl Metrics {
    /// Counts a request to the API server. Without a status, there was no answer.
    pub fn requested(
        &self,
        (verb, resource): (&'static str, &'static str),
        status: Option<StatusCode>,
        took: Duration,
    ) {
        // The 5 classes of codes have 100 codes each.
        let code = status.filter(|status| status.as_u16() < 600);
        let code = code.map_or_else(|| "error".into(), |status| status.as_str().to_owned().into());
        let labels = [("verb", verb.into()), ("resource", resource.into()), ("code", code)];
        self.requests.ended.get_or_create(&labels).inc();
        self.requests.duration.get_or_create(&[("verb", verb)]).observe(took.as_secs_f64());
    }
}
