//! Serves the probes and the metrics over HTTP.

use std::future::Future;

use axum::Router;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::process::health::Health;
use crate::process::metrics::{Metrics, classic};

/// The data that the endpoints serve.
#[derive(Clone)]
pub struct Endpoints {
    /// The health of the process.
    pub health: Health,
    /// The metrics.
    pub metrics: Metrics,
}

/// Returns the router. `/livez` succeeds while no part of the process is stuck, and `/readyz` when the process is ready.
pub fn router(endpoints: Endpoints) -> Router {
    Router::new()
        .route("/livez", get(async |State(endpoints): State<Endpoints>| probe(endpoints.health.alive())))
        .route("/readyz", get(async |State(endpoints): State<Endpoints>| probe(endpoints.health.ready())))
        .route("/metrics", get(metrics))
        .with_state(endpoints)
}

fn probe(result: Result<(), String>) -> (StatusCode, String) {
    match result {
        Ok(()) => (StatusCode::OK, "ok".to_owned()),
        Err(what) => (StatusCode::SERVICE_UNAVAILABLE, what),
    }
}

/// The metrics in `OpenMetrics`, if the reader accepts that. Otherwise in the older format, which all readers know.
async fn metrics(State(endpoints): State<Endpoints>, headers: HeaderMap) -> impl IntoResponse {
    let mut accepted = headers.get_all(ACCEPT).iter().filter_map(|accepted| accepted.to_str().ok());
    let is_open = accepted.any(|accepted| accepted.contains("application/openmetrics-text"));
    // Thousands of experiments take a while.
    let text = tokio::task::spawn_blocking(move || {
        let text = endpoints.metrics.text();
        if is_open { text } else { classic::classic(&text) }
    });
    match text.await {
        Ok(text) => {
            let type_ = if is_open { Metrics::CONTENT_TYPE } else { classic::CONTENT_TYPE };
            Ok(([(CONTENT_TYPE, type_)], text))
        }
        Err(error) => Err((StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
    }
}

/// Serves until `stop` completes.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}
