//! The examples with gates and stop conditions, with a server that stands for Prometheus, Alertmanager and a shop.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use chaostoolkit_api::condition::Type;
use chaostoolkit_api::{Outcome, Phase};
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::common::{condition_of, pod_of, status, wait_for_action, wait_for_reason, within};
use crate::{Example, LIMIT};

/// What the server says.
#[derive(Clone, Copy)]
struct Said {
    ratio: f64,
    has_alert: bool,
    failed: u32,
}

const WELL: Said = Said { ratio: 0.999, has_alert: false, failed: 0 };

/// A server with all three APIs, and the file that names it.
struct Server {
    said: Arc<Mutex<Said>>,
    file: TempDir,
}

impl Server {
    async fn start(said: Said) -> Self {
        let said = Arc::new(Mutex::new(said));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let [query, alerts, health] = [said.clone(), said.clone(), said.clone()];
        let router = Router::new()
            .route(
                "/api/v1/query",
                get(async move || {
                    let data = json!({"resultType": "scalar", "result": [1, query.lock().unwrap().ratio.to_string()]});
                    (StatusCode::OK, json!({"status": "success", "data": data}).to_string())
                }),
            )
            .route(
                "/api/v2/alerts",
                get(async move || {
                    let alert = json!({"labels": {"alertname": "Down"}, "status": {"state": "active"}});
                    if alerts.lock().unwrap().has_alert { json!([alert]) } else { json!([]) }.to_string()
                }),
            )
            .route(
                "/health",
                get(async move || json!({"failed": health.lock().unwrap().failed}).to_string()),
            );
        tokio::spawn(async move { axum::serve(listener, router).await });
        let of =
            |name: &str, kind: &str| json!({"name": name, "type": kind, "url": url, "namespaces": ["*"]});
        let sources = [of("prom", "prometheus"), of("alerts", "alertmanager"), of("shop", "http")];
        let resources = json!([{"apiGroup": "apps", "kind": "Deployment", "resource": "deployments"}]);
        let file = TempDir::new().unwrap();
        let text = json!({"sources": sources, "resources": resources}).to_string();
        std::fs::write(file.path().join("sources.yaml"), text).unwrap();
        Self { said, file }
    }

    fn say(&self, said: Said) {
        *self.said.lock().unwrap() = said;
    }

    async fn example(&self, name: &str) -> Example {
        let file = self.file.path().join("sources.yaml");
        let example = Example::with(name, &["--sources", file.to_str().unwrap()]).await;
        Example::apply(&example.text, &[]);
        example
    }
}

#[rstest::rstest]
#[case("gate-prometheus", Said { ratio: 0.5, ..WELL }, "gate success-ratio is closed: expected >= 0.99; read: 0.5")]
#[case("gate-http", Said { failed: 2, ..WELL }, "gate checks is closed: expected /failed == 0; read: /failed is 2")]
// `kubectl` blocks a thread, and the server has to answer meanwhile.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a node"]
async fn a_run_waits_for_its_gate(#[case] name: &str, #[case] said: Said, #[case] message: &str) {
    let server = Server::start(said).await;
    let example = server.example(name).await;
    let experiment = &example.names()[0];
    let held = wait_for_reason(&example.install.experiments(), experiment, "GateClosed").await;
    assert_eq!((held.phase, held.message.as_deref()), (Some(Phase::Blocked), Some(message)));
    server.say(WELL);
    let log = example.log_of_completed(experiment).await;
    assert!(log.contains("Action: say-fault"), "{log}");
}

// `kubectl` blocks a thread, and the server has to answer meanwhile.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a node"]
async fn a_run_is_skipped_during_an_incident() {
    let server = Server::start(Said { has_alert: true, ..WELL }).await;
    let example = server.example("gate-alertmanager").await;
    let ended = wait_for_reason(&example.install.experiments(), "unless-incident", "GateClosed").await;
    assert_eq!(ended.phase, Some(Phase::Skipped));
    assert_eq!(ended.counters.unwrap().skipped, 1);
}

// `kubectl` blocks a thread, and the server has to answer meanwhile.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a node"]
async fn a_run_waits_until_a_deployment_is_available() {
    let server = Server::start(WELL).await;
    let example = server.example("gate-resource").await;
    let held = wait_for_reason(&example.install.experiments(), "once-available", "GateClosed").await;
    assert!(held.message.unwrap().ends_with("Deployment gate-target does not exist"));
    // One without replicas is available at once.
    let labels = json!({"app": "gate-target"});
    let pod =
        json!({"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "none"}]}});
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "gate-target", "namespace": example.install.run_namespace},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": pod}});
    let (applied, text) = crate::common::kubectl(&["apply", "--filename=-"], &deployment.to_string());
    assert!(applied, "{text}");
    let log = example.log_of_completed("once-available").await;
    assert!(log.contains("Action: say-fault"), "{log}");
}

// `kubectl` blocks a thread, and the server has to answer meanwhile.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a node"]
async fn a_run_is_stopped_once_users_suffer() {
    let server = Server::start(WELL).await;
    let example = server.example("stop-condition").await;
    let name = "stop-once-users-suffer";
    let pod = pod_of(&example.install, name).await;
    wait_for_action(&example.install, &pod, "long-fault").await;
    server.say(Said { ratio: 0.2, ..WELL });
    let ended = wait_for_reason(&example.install.experiments(), name, "StopConditionMet").await;
    assert!(ended.message.unwrap().contains("read: 0.2 (2 times in a row)"));
    let ended = async || {
        let status = status(Some(&example.experiment(name).await));
        status.is_finished().then_some(status)
    };
    let ended = within(LIMIT, "it ends", ended).await;
    assert_eq!((ended.phase, ended.outcome), (Some(Phase::Aborted), Some(Outcome::Interrupted)));
    assert_eq!(condition_of(&ended, Type::RolledBack), "True/RollbacksPlayed");
}
