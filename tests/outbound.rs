//! What is sent to other servers, against servers that answer late, wrongly or not at all.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by a panic")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use chaostoolkit_operator::outbound::facts::{RunFacts, Told, What};
use chaostoolkit_operator::outbound::target::{
    Settings, Target, is_passing_for_events, is_passing_for_otlp, url,
};
use chaostoolkit_operator::outbound::trace::trace_id;
use chaostoolkit_operator::outbound::{Outbound, Targets, event, queue, trace};
use chaostoolkit_operator::process::metrics::Metrics;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;

/// For how long the sender may take for what is to happen.
const LIMIT: Duration = Duration::from_secs(60);

/// An answer of a receiver.
#[derive(Clone, Copy)]
enum Answer {
    Status(u16),
    Never,
}

/// A receiver that gives these answers, and then takes everything.
struct Receiver {
    url: String,
    seen: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
}

impl Receiver {
    async fn of(answers: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let left = Arc::new(Mutex::new(answers.to_vec()));
        let taken = seen.clone();
        let answer = move |headers: HeaderMap, body: Bytes| {
            taken.lock().unwrap().push((headers, body));
            let answer = {
                let mut left = left.lock().unwrap();
                if left.is_empty() { Answer::Status(204) } else { left.remove(0) }
            };
            async move {
                match answer {
                    Answer::Status(status) => StatusCode::from_u16(status).unwrap(),
                    Answer::Never => std::future::pending().await,
                }
            }
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        Self { url, seen }
    }

    fn seen(&self) -> Vec<(HeaderMap, Bytes)> {
        self.seen.lock().unwrap().clone()
    }

    fn events(&self) -> Targets {
        Targets { events: Some(Target::new(self.settings(event::CONTENT_TYPE))), ..Targets::default() }
    }

    fn traces(&self) -> Targets {
        let settings = Settings { is_passing: is_passing_for_otlp, ..self.settings(trace::CONTENT_TYPE) };
        Targets { traces: Some(Target::new(settings)), ..Targets::default() }
    }

    fn settings(&self, content_type: &'static str) -> Settings {
        Settings {
            url: url(&format!("{}/in?key=1", self.url)).unwrap(),
            token_file: None,
            ca_file: None,
            headers: HeaderMap::new(),
            content_type,
            is_passing: is_passing_for_events,
        }
    }
}

fn run(number: i32) -> RunFacts {
    RunFacts { uid: "u".to_owned(), id: number.to_string(), run: number, ..RunFacts::default() }
}

fn finished(number: i32) -> Told {
    Told { what: What::Finished, run: run(number) }
}

/// Waits until a metric has a value.
async fn until(metrics: &Metrics, kind: &str, result: &str, count: usize) {
    let line = format!("chaostoolkit_operator_outbound_total{{kind=\"{kind}\",result=\"{result}\"}} {count}");
    let wait = async {
        while !metrics.text().contains(&line) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, wait).await.unwrap_or_else(|_| panic!("{line} is not in {}", metrics.text()));
}

#[tokio::test]
async fn an_event_is_sent_again_after_an_error_of_the_server_and_has_the_same_id() {
    let receiver = Receiver::of(&[Answer::Status(500), Answer::Status(429)]).await;
    let metrics = Metrics::default();
    let (outbound, _workers) = Outbound::start(receiver.events(), &metrics);
    outbound.tell(finished(1));
    outbound.tell(finished(1));
    until(&metrics, "event", "sent", 1).await;
    let seen = receiver.seen();
    assert_eq!(seen.len(), 3, "what is told twice in a row is sent once");
    assert!(seen.iter().all(|(_, body)| *body == seen[0].1));
    assert_eq!(seen[0].0["content-type"], event::CONTENT_TYPE);
    let json: Value = serde_json::from_slice(&seen[0].1).unwrap();
    assert_eq!((json["id"].as_str(), json["specversion"].as_str()), (Some("u/1/finished"), Some("1.0")));
}

#[tokio::test]
async fn an_event_that_is_refused_is_dropped_and_the_next_one_is_sent() {
    let receiver = Receiver::of(&[Answer::Status(400)]).await;
    let metrics = Metrics::default();
    let (outbound, _workers) = Outbound::start(receiver.events(), &metrics);
    outbound.tell(finished(1));
    outbound.tell(finished(2));
    until(&metrics, "event", "failed", 1).await;
    until(&metrics, "event", "sent", 1).await;
    assert_eq!(receiver.seen().len(), 2);
}

#[tokio::test]
async fn a_receiver_that_never_answers_holds_up_nobody_and_the_queue_is_bounded() {
    let receiver = Receiver::of(&[Answer::Never; 3]).await;
    let metrics = Metrics::default();
    let (outbound, workers) = Outbound::start(receiver.events(), &metrics);
    outbound.tell(finished(0));
    let wait = async {
        while receiver.seen().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LIMIT, wait).await.unwrap();
    let more = i32::try_from(queue::MOST).unwrap() + 7;
    (1..=more).for_each(|number| outbound.tell(finished(number)));
    until(&metrics, "event", "dropped", 7).await;
    let began = std::time::Instant::now();
    workers.finish(Duration::from_millis(500)).await;
    assert!(began.elapsed() < Duration::from_secs(5), "the end waits for nobody");
}

#[tokio::test]
async fn what_waits_at_the_end_is_sent_once_more() {
    let receiver = Receiver::of(&[]).await;
    let metrics = Metrics::default();
    let (outbound, workers) = Outbound::start(receiver.events(), &metrics);
    (0..20).for_each(|number| outbound.tell(finished(number)));
    workers.finish(LIMIT).await;
    assert_eq!(receiver.seen().len(), 20);
}

#[tokio::test]
async fn a_token_is_read_for_each_request() {
    let receiver = Receiver::of(&[]).await;
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("token");
    let settings = Settings { token_file: Some(file.clone()), ..receiver.settings(event::CONTENT_TYPE) };
    let targets = Targets { events: Some(Target::new(settings)), ..Targets::default() };
    let metrics = Metrics::default();
    let (outbound, _workers) = Outbound::start(targets, &metrics);
    for (number, token) in [(1, "one"), (2, "two")] {
        std::fs::write(&file, token).unwrap();
        outbound.tell(finished(number));
        until(&metrics, "event", "sent", usize::try_from(number).unwrap()).await;
    }
    let tokens: Vec<String> = receiver
        .seen()
        .iter()
        .map(|(headers, _)| headers["authorization"].to_str().unwrap().to_owned())
        .collect();
    assert_eq!(tokens, ["Bearer one", "Bearer two"]);
}

#[tokio::test]
async fn a_trace_is_received_as_otlp_has_it() {
    let receiver = Receiver::of(&[Answer::Status(503)]).await;
    let metrics = Metrics::default();
    let (outbound, _workers) = Outbound::start(receiver.traces(), &metrics);
    let file: Value = serde_json::from_slice(include_bytes!("journals/ok@1.21.4.json")).unwrap();
    let journal = file["journal"].to_string();
    let mut log = Vec::new();
    let place = chaostoolkit_journal::frame::Place { start: None, more: 0 };
    let limit = chaostoolkit_journal::frame::LIMIT;
    chaostoolkit_journal::frame::write_one_of(&mut std::io::Cursor::new(journal), &place, limit, &mut log)
        .unwrap();
    let frame = chaostoolkit_journal::frame::read(&log).unwrap();
    let chaostoolkit_journal::frame::Frame::Journal(carried) = frame else { panic!("{frame:?}") };
    outbound.trace(run(1), Some(carried.gzip));
    outbound.trace(run(2), None);
    until(&metrics, "trace", "sent", 2).await;
    let seen = receiver.seen();
    assert_eq!(seen[1].0["content-type"], "application/x-protobuf");
    let spans = |at: usize| {
        let request = ExportTraceServiceRequest::decode(seen[at].1.clone()).unwrap();
        request.resource_spans[0].scope_spans[0].spans.clone()
    };
    assert!(spans(1).len() > 3, "{:?}", spans(1));
    assert_eq!(spans(1)[0].trace_id, trace_id("u", "1"));
    assert_eq!(spans(2).len(), 1);
}
