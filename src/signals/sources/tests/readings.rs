//! Passes ask for answers, and do not wait for them.

use super::server::{Server, sample};
use super::*;
use crate::signals::readings::Readings;

/// Asks until there is an answer, as passes do.
async fn answer(readings: &Readings, question: &Question) -> Result<Reading, SignalError> {
    let waiting = async {
        loop {
            if let Some(read) = readings.get(question, "team") {
                return read;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap()
}

#[tokio::test]
async fn an_answer_comes_later_and_counts_for_all_who_ask() {
    let server = Server::of(200, "", sample("1")).await;
    let (sources, ..) = opened(&[source("prom", "prometheus", &server)]);
    let readings = Readings::new(sources);
    assert_eq!(readings.get(&query("prom"), "team"), None);
    assert_eq!(answer(&readings, &query("prom")).await, Ok(Reading::new(true, "1")));
    for _ in 0..100 {
        assert!(readings.get(&query("prom"), "team").is_some());
    }
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn what_the_file_says_is_known_at_once_whoever_has_asked_before() {
    let server = Server::of(200, "", sample("1")).await;
    let (sources, ..) = opened(&[source("prom", "prometheus", &server)]);
    let readings = Readings::new(sources);
    let _ = answer(&readings, &query("prom")).await;
    assert_eq!(reason(readings.get(&query("prom"), "other").unwrap()), Reason::SourceNotAllowed);
    assert_eq!(reason(readings.get(&query("none"), "team").unwrap()), Reason::SourceUnknown);
}

#[tokio::test]
async fn a_source_that_never_answers_holds_up_no_other_whatever_it_is_asked() {
    let (silent, server) = (Server::silent().await, Server::of(200, "", sample("1")).await);
    let (sources, ..) = opened(&[source("silent", "http", &silent), source("prom", "prometheus", &server)]);
    let readings = Readings::new(sources);
    assert_eq!(readings.expected("silent"), Duration::from_secs(1));
    for number in 0..2000 {
        let question = page("silent", &format!("/{number}"), "200");
        assert_eq!(readings.get(&question, "team"), None);
    }
    assert_eq!(readings.expected("silent"), Duration::from_secs(8), "passes come less often");
    assert_eq!(answer(&readings, &query("prom")).await, Ok(Reading::new(true, "1")));
}
