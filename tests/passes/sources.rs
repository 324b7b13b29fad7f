//! A source that answers as a test says, and operators that may ask it.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::StatusCode;
use chaostoolkit_operator::process::metrics::Metrics;
use chaostoolkit_operator::signals::sources::Sources;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::*;

/// A source with the API of Prometheus, which any experiment may use under the name `prom`.
pub struct Source {
    /// The value of each query. `None` is no answer at all.
    value: Arc<Mutex<Option<String>>>,
    asked: Arc<Mutex<usize>>,
    file: TempDir,
}

impl Source {
    /// Starts a source in which each query has this value.
    pub async fn of(value: &str) -> Self {
        let value = Arc::new(Mutex::new(Some(value.to_owned())));
        let asked = Arc::new(Mutex::new(0));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let known = (value.clone(), asked.clone());
        let answer = move || {
            let (value, asked) = known.clone();
            async move {
                *asked.lock().unwrap() += 1;
                let value = value.lock().unwrap().clone();
                let Some(value) = value else { return std::future::pending().await };
                let data = json!({"resultType": "scalar", "result": [1, value]});
                (StatusCode::OK, json!({"status": "success", "data": data}).to_string())
            }
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        let file = TempDir::new().unwrap();
        let source = json!({"name": "prom", "type": "prometheus", "url": format!("http://{address}"),
            "namespaces": ["*"], "timeoutSeconds": 30});
        let resources = json!([{"apiGroup": "batch", "kind": "Job", "resource": "jobs"}]);
        let text = json!({"sources": [source], "resources": resources}).to_string();
        std::fs::write(file.path().join("sources.yaml"), text).unwrap();
        Self { value, asked, file }
    }

    /// From now on, each query has this value.
    pub fn set(&self, value: &str) {
        *self.value.lock().unwrap() = Some(value.to_owned());
    }

    /// From now on, no query is answered.
    pub fn hang(&self) {
        *self.value.lock().unwrap() = None;
    }

    /// How many queries there were.
    pub fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }

    /// Lets an operator ask the source. It has read nothing yet, so it asks again.
    pub fn known_to(&self, operator: &mut Operator) {
        operator.has_sources(Sources::open(Some(self.file.path().join("sources.yaml")), Metrics::default()));
    }
}

/// A signal that holds if the value is at least 1.
pub fn signal() -> Value {
    json!({"source": "prom", "query": "slo", "expect": ">= 1"})
}

/// Makes passes until something is so. Fails after a minute.
pub async fn until(fake: &FakeApi, operator: &mut Operator, is_so: impl Fn(&FakeApi) -> bool) {
    let passes = async {
        while !is_so(fake) {
            operator.pass().await;
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    let is_in_time = tokio::time::timeout(std::time::Duration::from_secs(60), passes).await.is_ok();
    assert!(is_in_time, "{:#}", status(fake));
}
