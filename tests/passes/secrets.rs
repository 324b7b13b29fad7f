//! A secret that the toolkit prints stays out of everything that the operator writes.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use chaostoolkit_journal::message::{Message, State as Stage};
use chaostoolkit_journal::{Outcome, Summary, parse};
use chaostoolkit_operator::experiment::apart::keeper::Keeper;
use serde_json::{Value, json};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::*;

/// The secret. Nothing else has these words.
const PLANTED: &str = "S3CR3T-of-team-a";

/// One test listens at a time: those who listen to logs share what they want to hear.
static LISTENING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// What the operator logs.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Runs an experiment whose container ends with this report and this log. Returns the status and all that the operator has
/// written: status, events, log, metrics and `ConfigMap`s.
async fn ended_with(message: &Message, log: &str) -> (Value, String) {
    let _one = LISTENING.lock().await;
    let lines = Lines::default();
    let filter = EnvFilter::new("info,chaostoolkit_operator=debug");
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(lines.clone()).finish();
    let logging = tracing::subscriber::set_default(subscriber);
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
    drop(logging);
    let is_of_the_operator = |object: &Value| object["kind"] != "Pod";
    let objects: Vec<Value> = fake.objects().into_values().filter(is_of_the_operator).collect();
    assert!(objects.iter().any(|object| object["kind"] == "ChaosToolkitRuns"));
    let (logged, metrics) = (lines.0.lock().unwrap().clone(), operator.context.metrics.text());
    let written = [
        json!(objects).to_string(),
        json!(fake.events()).to_string(),
        String::from_utf8(logged).unwrap(),
        metrics,
    ];
    assert!(written.iter().all(|text| text.len() > 100), "each of them has something");
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
