//! The trace of a real run, compared with its journal. The receiver is in this process, as the operator is on this machine.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use chaostoolkit_api::Phase;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::common::install::Install;
use crate::common::operator::Operator;
use crate::common::wait_for_phase;
use crate::experiments::{echo, inline, process, well};

/// The limit for a trace to arrive after the end of its run.
const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test]
#[ignore = "needs a node"]
async fn the_trace_of_a_real_run_has_the_activities_and_the_times_of_its_journal() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::<Bytes>::new()));
    let taken = seen.clone();
    let take = move |body: Bytes| {
        taken.lock().unwrap().push(body);
        std::future::ready(())
    };
    tokio::spawn(async move {
        axum::serve(listener, Router::new().route("/v1/traces", axum::routing::post(take))).await
    });
    let install = Install::new("traces").await;
    let _operator = Operator::start_with(&install, &["--otlp-endpoint", &url]).await;
    install.apply_experiment("exp", inline(&well(vec![process("sleep", json!("1"))], vec![echo()]))).await;
    let ended = wait_for_phase(&install.experiments(), "exp", Phase::Completed).await;
    let began = Instant::now();
    while seen.lock().unwrap().is_empty() {
        assert!(began.elapsed() < LIMIT, "no trace has arrived");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let request = ExportTraceServiceRequest::decode(seen.lock().unwrap()[0].clone()).unwrap();
    let spans = &request.resource_spans[0].scope_spans[0].spans;

    let name = loop {
        let status = install.experiments().get("exp").await.unwrap().status.unwrap();
        if let Some(name) = status.run.and_then(|run| run.journal?.config_map) {
            break name;
        }
        assert!(began.elapsed() < LIMIT, "no journal is kept: {:?}", ended.run);
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let maps: Api<ConfigMap> = Api::namespaced(install.client.clone(), &install.namespace);
    let map = maps.get(&name).await.unwrap();
    let gzip = &map.binary_data.unwrap()["journal.json.gz"].0;
    let journal = chaostoolkit_journal::frame::unzip(gzip, 1 << 24).unwrap();
    let journal: Value = serde_json::from_slice(&journal).unwrap();
    for list in ["run", "rollbacks"] {
        for entry in journal[list].as_array().unwrap() {
            let activity = |field: &str| entry["activity"][field].as_str().unwrap();
            // Names are shown without double quotes, as everywhere.
            let expected = format!("{} {}", activity("type"), activity("name")).replace('"', "'");
            let span = spans
                .iter()
                .find(|span| span.name == expected)
                .unwrap_or_else(|| panic!("{expected} is not in {spans:?}"));
            let start: k8s_openapi::jiff::Timestamp = entry["start"].as_str().unwrap().parse().unwrap();
            assert_eq!(i128::from(span.start_time_unix_nano), start.as_nanosecond(), "{expected}");
        }
    }
}
