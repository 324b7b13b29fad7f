//! Probes and metrics over HTTP.

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

/// What the endpoints need.
#[derive(Clone)]
pub struct Endpoints {
    /// For the probes.
    pub health: Health,
    /// All that is counted.
    pub metrics: Metrics,
}

/// The endpoints: `/livez` answers as long as no part of the process has fallen silent, `/readyz` once it can work.
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

/// Serves until told to stop.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}
