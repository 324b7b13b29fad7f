//! Serves the probes and the metrics over HTTP.

use std::future::Future;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::process::health::Health;
use crate::process::metrics::Metrics;

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

async fn metrics(State(endpoints): State<Endpoints>) -> impl IntoResponse {
    ([(CONTENT_TYPE, Metrics::CONTENT_TYPE)], endpoints.metrics.text())
}

/// Serves until `stop` completes.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}
