//! The files of the administrator, and what becomes of them.

use std::sync::Arc;

use super::server::{Server, sample};
use super::*;

#[tokio::test]
async fn a_token_is_read_again_for_each_request() {
    let server = Server::of(200, "", sample("1")).await;
    let files = Files::new("");
    files.write("token", "first\n");
    let token = files.path("token");
    let line = |name: &str| {
        source(name, "prometheus", &server).replace('}', &format!(", tokenFile: {}}}", token.display()))
    };
    // Two sources, since the same question to one is asked once a second.
    files.write("sources.yaml", &format!("sources:\n{}{}", line("one"), line("two")));
    let (sources, _) = files.open();
    sources.read(&query("one"), "team").await.unwrap();
    files.write("token", "second");
    sources.read(&query("two"), "team").await.unwrap();
    let requests = server.requests();
    assert!(
        requests[0].contains("Bearer first\r\n") && requests[1].contains("Bearer second\r\n"),
        "{requests:?}"
    );
}

#[tokio::test]
async fn without_its_token_no_source_is_asked() {
    let server = Server::of(200, "", sample("1")).await;
    let files = Files::new("");
    let missing = files.path("missing");
    let line =
        source("prom", "prometheus", &server).replace('}', &format!(", tokenFile: {}}}", missing.display()));
    files.write("sources.yaml", &format!("sources:\n{line}"));
    let error = files.open().0.read(&query("prom"), "team").await.unwrap_err();
    assert_eq!(error.reason, Reason::SourceUnreachable);
    assert!(error.message.contains("log of the operator") && !error.message.contains("missing"), "{error}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_source_without_its_certificates_takes_no_other_along() {
    let server = Server::of(200, "", sample("1")).await;
    let files = Files::new("");
    let missing = files.path("missing");
    let encrypted = format!(
        "- {{name: tls, type: prometheus, url: 'https://{}', caFile: {}, namespaces: [team]}}\n",
        server.address,
        missing.display()
    );
    files.write("sources.yaml", &format!("sources:\n{encrypted}{}", source("prom", "prometheus", &server)));
    let (sources, _) = files.open();
    assert_eq!(reason(sources.read(&query("tls"), "team").await), Reason::SourceUnreachable);
    assert!(sources.read(&query("prom"), "team").await.is_ok());
}

#[tokio::test]
async fn a_version_that_cannot_be_read_changes_nothing() {
    let server = Server::of(200, "", sample("1")).await;
    let (sources, metrics, files) = opened(&[source("prom", "prometheus", &server)]);
    for broken in
        ["sources: [", "sources: [{name: prom}]", "sources: [{name: prom, url: 'http://x', type: x}]"]
    {
        files.write("sources.yaml", broken);
        sources.reload();
        assert!(sources.read(&query("prom"), "team").await.is_ok(), "{broken}");
        assert!(metrics.text().contains("sources_valid 0"), "{broken}");
    }
    let error = sources.read(&query("other"), "team").await.unwrap_err();
    assert!(error.message.contains("the file of sources cannot be read"), "{error}");
    std::fs::remove_file(files.path("sources.yaml")).unwrap();
    sources.reload();
    assert!(sources.read(&query("prom"), "team").await.is_ok());

    files.write("sources.yaml", &format!("sources:\n{}", source("new", "prometheus", &server)));
    sources.reload();
    assert!(sources.read(&query("new"), "team").await.is_ok());
    assert_eq!(reason(sources.read(&query("prom"), "team").await), Reason::SourceUnknown);
    let text = metrics.text();
    assert!(text.contains("sources_valid 1") && !text.contains("source=\"prom\""), "{text}");
}

#[test]
fn a_source_that_is_as_before_stays_open() {
    let file = |url: &str| {
        format!(
            "sources:\n- {{name: a, type: http, url: 'http://same', namespaces: []}}\n- {{name: b, type: http, url: '{url}', namespaces: []}}\n"
        )
    };
    let files = Files::new(&file("http://b"));
    let (sources, _) = files.open();
    let before = sources.loaded().sources.clone();
    files.write("sources.yaml", &file("http://c"));
    sources.reload();
    let after = sources.loaded().sources.clone();
    assert!(Arc::ptr_eq(&before["a"], &after["a"]) && !Arc::ptr_eq(&before["b"], &after["b"]));
}

#[tokio::test]
async fn without_a_file_there_are_no_sources() {
    let sources = Sources::open(None, Metrics::default());
    let error = sources.read(&query("prom"), "team").await.unwrap_err();
    assert!(error.message.contains("without --sources"), "{error}");
}

#[test]
fn only_kinds_that_were_granted_are_read() {
    let files = Files::new("resources: [{apiGroup: apps, kind: Deployment, resource: deployments}]");
    let (sources, _) = files.open();
    let expected = |group: &str, kind: &str| ExpectedCondition {
        group: group.to_owned(),
        version: "v1".to_owned(),
        kind: kind.to_owned(),
        name: "web".to_owned(),
        condition: "Available".to_owned(),
        status: "True".to_owned(),
    };
    let granted = sources.granted(&expected("apps", "Deployment")).unwrap();
    assert_eq!((&*granted.api_version, &*granted.plural), ("apps/v1", "deployments"));
    for (group, kind) in
        [("", "Deployment"), ("apps", "ReplicaSet"), ("x.apps", "Deployment"), ("", "Secret")]
    {
        assert_eq!(sources.granted(&expected(group, kind)).unwrap_err().reason, Reason::SourceNotAllowed);
    }
}

#[tokio::test]
async fn a_source_that_nobody_asks_is_looked_at() {
    let (up, down) = (Server::of(404, "", "").await, Server::of(503, "", "").await);
    let (sources, metrics, _files) = opened(&[
        source("page", "http", &up),
        source("prom", "prometheus", &down),
        source("alerts", "alertmanager", &down),
    ]);
    let stop = CancellationToken::new();
    let following = tokio::spawn(sources.follow(stop.clone()));
    let is_known =
        |name: &str, up: u8| metrics.text().contains(&format!("source_up{{source=\"{name}\"}} {up}"));
    until(|| is_known("page", 1) && is_known("prom", 0) && is_known("alerts", 0)).await;
    stop.cancel();
    following.await.unwrap();
    let paths: Vec<String> =
        down.requests().iter().map(|head| head.split(' ').nth(1).unwrap().to_owned()).collect();
    assert!(paths.contains(&"/base/api/v2/status".to_owned()), "{paths:?}");
    assert!(up.requests()[0].starts_with("GET /base/ HTTP/1.1"), "{:?}", up.requests());
}
