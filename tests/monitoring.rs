//! Every query of the alerts and of the dashboard, with a real Prometheus that scrapes the operator while experiments pass,
//! deviate, fail, wait and are aborted on a real node. Needs Prometheus and curl: see `hack/test.sh monitoring_node`.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests fail by a panic")]
#![allow(clippy::needless_pass_by_value, reason = "tables of cases are easier to read with values")]

mod common;
#[path = "outcomes/experiments.rs"]
#[allow(dead_code, reason = "another test program uses the rest")]
mod experiments;
#[path = "monitoring/prometheus.rs"]
mod prometheus;

use std::time::Duration;

use chaostoolkit_api::Phase;
use common::install::Install;
use common::operator::Operator;
use common::{edit, pod_of, succeeds_within, wait_for_action, wait_for_phase, wait_for_reason};
use experiments::{breakable, echo, inline, missing_variable, process, well};
use prometheus::{Prometheus, queries};
use serde_json::json;

/// The alerts that this demo does not raise, with the test of promtool that shows them firing.
const QUIET: &[(&str, &str)] = &[
    ("ChaosToolkitRollbacksMissing", "experiments.yaml"),
    ("ChaosToolkitNextRunOverdue", "experiments.yaml"),
    ("ChaosToolkitExperimentBlocked", "experiments.yaml"),
    ("ChaosToolkitFrozenForADay", "freezes.yaml"),
    ("ChaosToolkitCleanupBlocked", "experiments.yaml"),
    ("ChaosToolkitNoLeader", "operator.yaml"),
    ("ChaosToolkitNotReconciling", "operator.yaml"),
    ("ChaosToolkitSourceDown", "operator.yaml"),
    ("ChaosToolkitSourcesInvalid", "operator.yaml"),
];

#[test]
fn each_alert_that_the_demo_does_not_raise_has_a_test() {
    for (alert, file) in QUIET {
        let path = format!("{}/tests/monitoring/{file}", env!("CARGO_MANIFEST_DIR"));
        assert!(std::fs::read_to_string(&path).unwrap().contains(alert), "{path} does not test {alert}");
        assert!(queries().iter().any(|(name, _)| name == alert), "there is no alert {alert}");
    }
}

#[tokio::test]
#[ignore = "needs a node, Prometheus and curl"]
async fn every_query_of_the_alerts_and_the_dashboard_returns_data() {
    let install = Install::new("monitoring").await;
    install.with_experiment("{}").await;
    let prometheus = Prometheus::start();
    let sources = prometheus.sources_for(&install.namespace);
    // The metrics of experiments are those of a leader.
    let operator = Operator::start_with(&install, &["--sources", sources.to_str().unwrap()]).await;
    prometheus.scrape(&operator.address);
    // What ends before the first look increases nothing.
    succeeds_within(Duration::from_secs(60), "the operator is looked at", async || {
        prometheus.ask("chaostoolkit_operator_leader == 1")
    })
    .await;

    let mut passes = inline(&well(vec![echo()], vec![echo()]));
    passes["gates"] =
        json!([{"name": "up", "prometheus": {"source": "prom", "query": "vector(1)", "expect": "> 0"}}]);
    install.apply_experiment("passes", passes).await;
    let breaks = breakable(vec![process("touch", json!(["/tmp/broken"]))]);
    install.apply_experiment("deviates", inline(&breaks)).await;
    install.apply_experiment("fails", inline(&missing_variable())).await;
    let missing = json!({"pod": {"experiment": {"configMapName": "nobody-has-this"}}});
    install.apply_experiment("waits", missing).await;
    let sleeps = || inline(&well(vec![process("sleep", json!("300"))], vec![echo()]));
    install.apply_experiment("is-aborted", sleeps()).await;
    install.apply_experiment("goes-on", sleeps()).await;

    let experiments = install.experiments();
    wait_for_phase(&experiments, "passes", Phase::Completed).await;
    wait_for_phase(&experiments, "deviates", Phase::Completed).await;
    wait_for_phase(&experiments, "fails", Phase::Failed).await;
    wait_for_reason(&experiments, "waits", "ConfigMapMissing").await;
    wait_for_action(&install, &pod_of(&install, "is-aborted").await, "sleep").await;
    edit(&install, "is-aborted", json!({"spec": {"abort": true}})).await;
    wait_for_phase(&experiments, "is-aborted", Phase::Aborted).await;
    wait_for_phase(&experiments, "goes-on", Phase::Running).await;

    let asked: Vec<(String, String)> =
        queries().into_iter().filter(|(name, _)| !QUIET.iter().any(|(quiet, _)| quiet == name)).collect();
    assert!(asked.len() > QUIET.len(), "most queries are asked");
    let found = succeeds_within(Duration::from_secs(60), "each query returns data", async || {
        let answers = asked.iter().map(|(name, query)| (name, prometheus.ask(query)));
        let (found, empty): (Vec<_>, Vec<_>) = answers.partition(|(_, answer)| answer.is_ok());
        if empty.is_empty() { Ok(found) } else { Err(format!("{empty:#?}")) }
    })
    .await;
    for (name, answer) in found {
        eprintln!("{name}: {}", answer.unwrap());
    }
    for (alert, file) in QUIET {
        eprintln!("{alert}: see tests/monitoring/{file}");
    }
}
