//! A source of signals that answers as a test says.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// A source with the API of Prometheus, which any experiment may use under the name `prom`.
pub struct Source {
    /// The value of each query. `None` is no answer at all.
    value: Arc<Mutex<Option<String>>>,
    asked: Arc<Mutex<usize>>,
    directory: TempDir,
}

impl Source {
    /// Starts a source in which each query has this value.
    pub async fn of(value: &str) -> Self {
        let value = Arc::new(Mutex::new(Some(value.to_owned())));
        let asked = Arc::new(Mutex::new(0));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let known = (value.clone(), asked.clone());
        let answer = move || {
            let (value, asked) = known.clone();
            async move {
                *asked.lock().unwrap() += 1;
                let value = value.lock().unwrap().clone();
                let Some(value) = value else { return std::future::pending().await };
                let data = json!({"resultType": "scalar", "result": [1, value]});
                json!({"status": "success", "data": data}).to_string()
            }
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        let directory = TempDir::new().unwrap();
        let source = json!({"name": "prom", "type": "prometheus", "url": url, "namespaces": ["*"], "timeoutSeconds": 30});
        let resources = json!([{"apiGroup": "batch", "kind": "Job", "resource": "jobs"}]);
        let text = json!({"sources": [source], "resources": resources}).to_string();
        std::fs::write(directory.path().join("sources.yaml"), text).unwrap();
        Self { value, asked, directory }
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

    /// The file of the operator's sources.
    pub fn file(&self) -> PathBuf {
        self.directory.path().join("sources.yaml")
    }
}

/// A signal that holds if the value is at least 1.
pub fn signal() -> Value {
    json!({"source": "prom", "query": "slo", "expect": ">= 1"})
}
