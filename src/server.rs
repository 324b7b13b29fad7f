//! Probes and metrics over HTTP.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::experiment::Context;
use crate::metrics::Metrics;

/// What the endpoints need.
#[derive(Clone)]
pub struct Endpoints {
    context: Arc<Context>,
    is_ready: Arc<dyn Fn() -> bool + Send + Sync>,
}

/// The endpoints: `/livez` answers as long as the process does, `/readyz` once the caches are full.
pub fn router(context: Arc<Context>, is_ready: Arc<dyn Fn() -> bool + Send + Sync>) -> Router {
    Router::new()
        .route("/livez", get(async || "ok"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(Endpoints { context, is_ready })
}

async fn ready(State(endpoints): State<Endpoints>) -> (StatusCode, &'static str) {
    if (endpoints.is_ready)() {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the caches are not full yet")
    }
}

async fn metrics(State(endpoints): State<Endpoints>) -> impl IntoResponse {
    ([(CONTENT_TYPE, Metrics::CONTENT_TYPE)], endpoints.context.metrics.text())
}

/// Serves until told to stop.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}
