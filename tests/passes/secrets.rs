//! A secret that the toolkit prints stays out of everything that the operator writes.

use std::cell::RefCell;
use std::io;
use std::sync::{Arc, Once};

use chaostoolkit_journal::message::{Message, State as Stage};
use chaostoolkit_journal::{Outcome, Summary, parse};
use chaostoolkit_operator::experiment::apart::keeper::Keeper;
use serde_json::{Value, json};
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{EnvFilter, Layer, filter::FilterExt, fmt};

use super::*;

/// The secret. Nothing else has these words.
const PLANTED: &str = "S3CR3T-of-team-a";

thread_local! {
    /// What the operator has logged in this thread, which has one test, since the test listens.
    static LOGGED: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Where the lines of a thread go.
struct Lines;

impl io::Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| logged.as_mut().map_or(Ok(line.len()), |logged| logged.write(line)))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps what the operator logs in this thread from now on.
///
/// One subscriber listens to all threads. A subscriber of this thread would miss the lines that another test comes to first:
/// while there is just one, tracing asks only the thread that is there whether anyone listens, and remembers the answer.
fn listen() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let levels = EnvFilter::new("info,chaostoolkit_operator=debug");
        let listens = dynamic_filter_fn(|_, _| LOGGED.with_borrow(Option::is_some));
        let lines = fmt::layer().with_writer(|| Lines).with_filter(levels.and(listens));
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines)).unwrap();
    });
    LOGGED.set(Some(Vec::new()));
    // For a line that another test came to for the first time while the subscriber was set.
    tracing::callsite::rebuild_interest_cache();
}

/// Runs an experiment whose container ends with this report and this log. Returns the status and all that the operator has
/// written: status, events, log, metrics and `ConfigMap`s.
async fn ended_with(message: &Message, log: &str) -> (Value, String) {
    listen();
    // The Secret of variables has the value, and so does a Secret of settings. The operator may read neither.
    let spec = json!({"pod": {"env": {"secretName": "with-the-secret"}, "settings": {"enabled": true}}});
    let fake = cluster_for_runs();
    fake.set_policy(true);
    fake.set_log(log);
    let mut operator = Operator::new(&fake, Hangs::Crash);
    let cluster = operator.context.cluster.clone();
    Arc::get_mut(&mut operator.context).unwrap().apart = Keeper::new(cluster, "chaostoolkit-crd");
    fake.put(experiment(&spec));
    settle(&fake, &mut operator, None).await;
    fake.end(POD, 1, Some(message));
    settle(&fake, &mut operator, None).await;
    let logged = LOGGED.take().unwrap();
    let is_of_the_operator = |object: &Value| object["kind"] != "Pod";
    let objects: Vec<Value> = fake.objects().into_values().filter(is_of_the_operator).collect();
    assert!(objects.iter().any(|object| object["kind"] == "ChaosToolkitRuns"));
    let metrics = operator.context.metrics.text();
    let written = [
        json!(objects).to_string(),
        json!(fake.events()).to_string(),
        String::from_utf8(logged).unwrap(),
        metrics,
    ];
    for (text, what) in written.iter().zip(["objects", "events", "log", "metrics"]) {
        assert!(text.len() > 100, "{what}: {text}");
    }
    (status(&fake), written.join("\n"))
}

/// The summary of a journal in which the probe of the hypothesis returns this, and then fails with this.
fn deviated(title: &str, output: &Value, secrets: &Value) -> Summary {
    let recorded: Value =
        serde_json::from_str(include_str!("../journals/ssh-after-dev@1.21.4.json")).unwrap();
    let mut journal = recorded["journal"].clone();
    journal["experiment"]["title"] = json!(title);
    journal["experiment"]["secrets"] = secrets.clone();
    journal["steady_states"]["after"]["probes"][0]["output"] = output.clone();
    let summary = Summary::of(&parse(journal.to_string().as_bytes()).unwrap());
    assert_eq!(summary.outcome, Outcome::Deviated);
    summary
}

fn reported(summary: Option<Summary>) -> Message {
    Message { exit_code: Some(1), summary, ..Message::new(Stage::Ended) }
}

#[tokio::test]
async fn a_secret_in_a_log_is_written_nowhere() {
    for line in [
        format!("GET https://me:{PLANTED}@host/ failed"),
        format!("GET https://host/x?access_token={PLANTED}&page=2 failed"),
        format!("sent {{'Authorization': 'Bearer {PLANTED}', 'Accept': '*/*'}}"),
        format!("Authorization: Basic {PLANTED}"),
        format!("cannot log in with password={PLANTED}"),
        format!("{{\"client_secret\": \"{PLANTED}\"}}"),
    ] {
        let log = format!("[2026-01-01 00:00:00 INFO] begins\n[2026-01-01 00:00:01 ERROR] {line}\n");
        let (status, written) = ended_with(&reported(None), &log).await;
        assert_eq!(status["phase"], "Failed", "{status}");
        let tail = status["run"]["logTail"].as_str().unwrap();
        assert!(tail.contains("begins") && tail.contains("***"), "{tail}");
        assert!(!written.contains(PLANTED), "{line}");
    }
}

#[tokio::test]
async fn a_secret_in_a_journal_is_written_nowhere() {
    let quoted = json!(format!("https://me:{PLANTED}@host"));
    let declared = json!({"group": {"token": PLANTED}});
    for (title, output, secrets) in [
        ("t".to_owned(), json!(PLANTED), declared),
        ("t".to_owned(), quoted, json!({})),
        (format!("with password={PLANTED}"), json!(1), json!({})),
    ] {
        let summary = deviated(&title, &output, &secrets);
        let (status, written) = ended_with(&reported(Some(summary)), "").await;
        assert_eq!(status["outcome"], "Deviated", "{status}");
        assert!(!written.contains(PLANTED), "{title} {output} {secrets}");
    }
}

/// What has no form of a secret cannot be told from any other word. docs/security.md says so.
#[tokio::test]
async fn a_bare_value_in_a_log_stays() {
    let (_, written) = ended_with(&reported(None), &format!("[ERROR] cannot use {PLANTED}")).await;
    assert!(written.contains(PLANTED));
}
