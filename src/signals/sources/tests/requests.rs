//! Requests to servers that do not behave.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rstest::rstest;
use tokio::io::AsyncWriteExt;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::server::{Server, sample};
use super::*;

#[tokio::test]
async fn a_source_is_asked_and_its_answer_is_read() {
    let server = Server::of(200, "", sample("1")).await;
    let (sources, metrics, _files) = opened(&[source("prom", "prometheus", &server)]);
    assert_eq!(sources.read(&query("prom"), "team").await, Ok(Reading::new(true, "1")));
    let requests = server.requests();
    assert!(
        requests[0].starts_with("GET /base/api/v1/query?query=up&timeout=20s HTTP/1.1\r\n"),
        "{requests:?}"
    );
    assert!(!requests[0].to_lowercase().contains("authorization"), "{requests:?}");
    assert!(metrics.text().contains("source_up{source=\"prom\"} 1"), "{}", metrics.text());
}

#[tokio::test]
async fn the_same_question_is_asked_once_a_second() {
    let server = Server::of(200, "", sample("1")).await;
    let (sources, _, _files) = opened(&[source("prom", "prometheus", &server)]);
    for _ in 0..10 {
        sources.read(&query("prom"), "team").await.unwrap();
    }
    assert!(server.requests().len() <= 2, "{:?}", server.requests());
}

#[rstest]
#[case(
    query("other"),
    "team",
    Reason::SourceUnknown,
    "no source other is configured; experiments in the namespace team may use prom"
)]
#[case(query("other"), "elsewhere", Reason::SourceUnknown, "may use none")]
#[case(query("prom"), "elsewhere", Reason::SourceNotAllowed, "may not use the source prom")]
#[case(page("prom", "/", "200"), "team", Reason::SourceUnknown, "of the type prometheus, not http")]
#[tokio::test]
async fn nobody_is_asked_whom_the_administrator_did_not_name(
    #[case] question: Question,
    #[case] namespace: &str,
    #[case] reason: Reason,
    #[case] message: &str,
) {
    let server = Server::of(200, "", sample("1")).await;
    let (sources, _, _files) = opened(&[source("prom", "prometheus", &server)]);
    let error = sources.read(&question, namespace).await.unwrap_err();
    assert_eq!(error.reason, reason);
    assert!(error.message.contains(message), "{error}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let target = Server::of(200, "", sample("1")).await;
    let location = format!("Location: http://{}/base/api/v1/query\r\n", target.address);
    let server = Server::of(302, &location, "").await;
    let (sources, metrics, _files) =
        opened(&[source("prom", "prometheus", &server), source("page", "http", &server)]);
    let error = sources.read(&query("prom"), "team").await.unwrap_err();
    assert_eq!(error.reason, Reason::SourceFailed);
    assert!(error.message.contains("302 Found"), "{error}");
    assert!(sources.read(&page("page", "/a", "302"), "team").await.unwrap().holds);
    assert!(target.requests().is_empty());
    assert!(metrics.text().contains("source_up{source=\"prom\"} 0"));
}

/// Asks a source a question that nobody has asked before.
fn ask(sources: &Sources, source: &str, number: usize) -> JoinHandle<Result<Reading, SignalError>> {
    let asks = Asks::Prometheus { query: format!("up + {number}"), expected: "> 0".parse().unwrap() };
    let (question, sources) = (Question { source: source.to_owned(), asks }, sources.clone());
    tokio::spawn(async move { sources.read(&question, "team").await })
}

#[tokio::test]
async fn a_server_that_never_answers_holds_up_no_other() {
    let (silent, other) = (Server::silent().await, Server::of(200, "", sample("1")).await);
    let (sources, metrics, _files) =
        opened(&[within("silent", "prometheus", &silent, 2), source("prom", "prometheus", &other)]);
    let started = Instant::now();
    let asked: Vec<_> = (0..20).map(|number| ask(&sources, "silent", number)).collect();
    assert!(sources.read(&query("prom"), "team").await.is_ok());
    assert!(asked.iter().all(|asked| !asked.is_finished()), "the other one has answered before");
    for read in asked {
        assert_eq!(reason(read.await.unwrap()), Reason::SourceTimeout);
    }
    // One after the other, four at a time would take five times the limit.
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    assert!(silent.requests().len() < 20, "{}", silent.requests().len());
    assert!(metrics.text().contains("source_up{source=\"silent\"} 0"));
}

#[tokio::test]
async fn nobody_waits_for_room_at_a_source_that_does_not_answer() {
    let silent = Server::silent().await;
    let (sources, _, _files) = opened(&[within("silent", "prometheus", &silent, 3)]);
    assert_eq!(reason(ask(&sources, "silent", 0).await.unwrap()), Reason::SourceTimeout);
    let waiting: Vec<_> = (1..=4).map(|number| ask(&sources, "silent", number)).collect();
    until(|| silent.requests().len() == 5).await;
    let error = ask(&sources, "silent", 5).await.unwrap().unwrap_err();
    assert!(error.message.contains("4 other requests wait"), "{error}");
    assert!(waiting.iter().all(|asked| !asked.is_finished()), "nobody has waited for them");
    for read in waiting {
        assert_eq!(reason(read.await.unwrap()), Reason::SourceTimeout);
    }
}

#[tokio::test]
async fn a_slow_answer_counts_as_none() {
    let server = Server::start(|mut stream, _| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n").await;
        while stream.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let (sources, _, _files) = opened(&[within("prom", "prometheus", &server, 1)]);
    let started = Instant::now();
    assert_eq!(reason(sources.read(&query("prom"), "team").await), Reason::SourceTimeout);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[rstest]
#[case::with_its_length(true)]
#[case::without_its_length(false)]
#[tokio::test]
async fn of_a_huge_answer_little_is_read(#[case] has_length: bool) {
    const HUGE: usize = 64 << 20;
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = sent.clone();
    let server = Server::start(move |mut stream, _| {
        let counter = counter.clone();
        async move {
            let length = if has_length { format!("Content-Length: {HUGE}\r\n") } else { String::new() };
            let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\n{length}\r\n").as_bytes()).await;
            let piece = vec![b'['; 64 << 10];
            for _ in 0..HUGE / piece.len() {
                if stream.write_all(&piece).await.is_err() {
                    return;
                }
                counter.fetch_add(piece.len(), Ordering::Relaxed);
            }
        }
    })
    .await;
    let (sources, metrics, _files) = opened(&[source("prom", "prometheus", &server)]);
    let error = sources.read(&query("prom"), "team").await.unwrap_err();
    assert_eq!(error.reason, Reason::SignalInvalid);
    assert!(error.message.contains("larger than 1024 KiB"), "{error}");
    assert!(metrics.text().contains("source_up{source=\"prom\"} 1"), "it has answered");
    // What the sockets hold is not read.
    assert!(sent.load(Ordering::Relaxed) < HUGE, "all of it was taken");
}

#[rstest]
#[case("", Reason::SignalInvalid)]
#[case("{\"status\":\"success\",", Reason::SignalInvalid)]
#[case("<html>", Reason::SignalInvalid)]
#[tokio::test]
async fn an_answer_that_is_no_json_has_its_reason(#[case] body: &str, #[case] expected: Reason) {
    let server = Server::of(200, "", body).await;
    let (sources, _, _files) =
        opened(&[source("prom", "prometheus", &server), source("a", "alertmanager", &server)]);
    assert_eq!(reason(sources.read(&query("prom"), "team").await), expected);
    let asks = Asks::Alertmanager { matchers: vec!["a=\"b\"".parse().unwrap()] };
    let alerts = Question { source: "a".to_owned(), asks };
    assert_eq!(reason(sources.read(&alerts, "team").await), expected);
}

#[tokio::test]
async fn a_server_that_speaks_no_http_cannot_be_reached() {
    let server = Server::start(|mut stream, _| async move {
        let _ = stream.write_all(b"SSH-2.0-x\r\n").await;
    })
    .await;
    let (sources, _, _files) = opened(&[source("prom", "prometheus", &server)]);
    assert_eq!(reason(sources.read(&query("prom"), "team").await), Reason::SourceUnreachable);
}

#[tokio::test]
async fn the_status_of_a_page_says_nothing_about_its_source() {
    let server = Server::of(503, "", "<html>").await;
    let (sources, metrics, _files) =
        opened(&[source("page", "http", &server), source("prom", "prometheus", &server)]);
    let read = sources.read(&page("page", "/a", "/status == 1"), "team").await;
    assert_eq!(reason(read), Reason::SourceFailed);
    assert_eq!(reason(sources.read(&query("prom"), "team").await), Reason::SourceFailed);
    let text = metrics.text();
    assert!(
        text.contains("source_up{source=\"page\"} 1") && text.contains("source_up{source=\"prom\"} 0"),
        "{text}"
    );
}

#[tokio::test]
async fn a_port_on_which_nobody_listens_cannot_be_reached() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let files = Files::new(&format!(
        "sources: [{{name: prom, type: prometheus, url: 'http://{free}', namespaces: ['*']}}]"
    ));
    let (sources, metrics) = files.open();
    let error = sources.read(&query("prom"), "any").await.unwrap_err();
    assert_eq!(error.reason, Reason::SourceUnreachable);
    assert_eq!(error.message, "the source cannot be reached: connection refused");
    assert!(metrics.text().contains("source_up{source=\"prom\"} 0"));
    assert!(!metrics.text().contains("timestamp_seconds{source"), "it never answered");
}
