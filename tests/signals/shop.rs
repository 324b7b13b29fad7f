//! A shop whose metrics a test sets.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;

/// What the shop reports. Clones share it.
#[derive(Clone)]
pub struct Shop {
    pub address: SocketAddr,
    metrics: Arc<Mutex<Vec<(&'static str, f64)>>>,
}

impl Shop {
    pub async fn open() -> Self {
        let metrics = Arc::new(Mutex::new(vec![
            ("shop_success_ratio", 0.995),
            ("shop_maintenance", 0.0),
            ("shop_shard_up{shard=\"a\"}", 1.0),
            ("shop_shard_up{shard=\"b\"}", 1.0),
        ]));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shop = Self { address: listener.local_addr().unwrap(), metrics };
        let reporting = shop.clone();
        let router = Router::new().route("/metrics", get(async move || reporting.text()));
        tokio::spawn(async move { axum::serve(listener, router).await });
        shop
    }

    pub fn set(&self, metric: &str, value: f64) {
        let mut metrics = self.metrics.lock().unwrap();
        metrics.iter_mut().find(|(name, _)| *name == metric).unwrap().1 = value;
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (name, value) in self.metrics.lock().unwrap().iter() {
            writeln!(text, "{name} {value}").unwrap();
        }
        text
    }
}
