//! Probes and metrics over HTTP.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::experiment::Context;

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
        .route(
            "/metrics",
            get(async |State(Endpoints { context, .. }): State<Endpoints>| context.metrics.text()),
        )
        .with_state(Endpoints { context, is_ready })
}

async fn ready(State(endpoints): State<Endpoints>) -> (StatusCode, &'static str) {
    if (endpoints.is_ready)() {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the caches are not full yet")
    }
}

/// Serves until told to stop.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}
