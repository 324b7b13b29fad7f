//! What other servers are told of runs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use chaostoolkit_operator::outbound::target::{Settings, Target, is_passing_for_events, url};
use chaostoolkit_operator::outbound::{Outbound, Targets, Workers, event, trace};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use tokio::net::TcpListener;

use super::*;

type Seen = Arc<Mutex<Vec<Bytes>>>;

/// Starts a receiver that takes everything.
async fn receiver(content_type: &'static str) -> (Target, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = url(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let seen = Seen::default();
    let taken = seen.clone();
    let take = move |body: Bytes| {
        taken.lock().unwrap().push(body);
        std::future::ready(())
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(take)).await });
    let settings = Settings {
        url,
        token_file: None,
        ca_file: None,
        headers: HeaderMap::new(),
        content_type,
        is_passing: is_passing_for_events,
    };
    (Target::new(settings), seen)
}

/// Lets an operator tell two receivers. Returns the tasks that send, and what was received.
async fn tells(operator: &mut Operator) -> (Workers, Seen, Seen) {
    let (events, told) = receiver(event::CONTENT_TYPE).await;
    let (traces, sent) = receiver(trace::CONTENT_TYPE).await;
    let targets = Targets { events: Some(events), traces: Some(traces), passes: None };
    let context = Arc::get_mut(&mut operator.context).unwrap();
    let (outbound, workers) = Outbound::start(targets, &context.metrics);
    context.outbound = outbound;
    (workers, told, sent)
}

fn types(told: &Seen) -> Vec<String> {
    let event = |body: &Bytes| serde_json::from_slice::<Value>(body).unwrap();
    told.lock().unwrap().iter().map(|body| event(body)["type"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_run_is_told_of_once_at_its_start_and_once_at_its_end_with_its_trace() {
    let (fake, mut operator) = begin_in(cluster(), &Story::Completes.spec());
    let (workers, told, traced) = tells(&mut operator).await;
    settle(&fake, &mut operator, Some(0)).await;
    operator.pass().await;
    workers.finish(Duration::from_secs(60)).await;
    assert_eq!(types(&told), ["org.chaostoolkit.run.started.v1", "org.chaostoolkit.run.finished.v1"]);
    let last: Value = serde_json::from_slice(told.lock().unwrap().last().unwrap()).unwrap();
    assert_eq!(last["data"]["outcome"], status(&fake)["outcome"]);
    assert_eq!(last["data"]["podUid"], status(&fake)["run"]["podUid"]);
    let traced = traced.lock().unwrap();
    let [request] = &traced[..] else { panic!("{} traces", traced.len()) };
    let request = ExportTraceServiceRequest::decode(request.clone()).unwrap();
    assert!(request.resource_spans[0].scope_spans[0].spans.len() > 1, "it is made from the journal");
}
