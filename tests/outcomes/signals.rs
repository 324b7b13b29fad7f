//! Gates and stop conditions with a real Prometheus and a real Alertmanager, and the real toolkit on a real node. The operator of
//! these tests is a process of this machine, as both servers are.

use std::time::Duration;

use chaostoolkit_api::condition::Type;
use chaostoolkit_api::{Outcome, Phase};
use chaostoolkit_journal::RollbackState;
use k8s_openapi::jiff::Zoned;
use rstest::rstest;
use serde_json::{Value, json};

use crate::common::install::Install;
use crate::common::operator::Operator;
use crate::common::{condition_of, pod_of, wait_for_action, wait_for_phase, within};
use crate::experiments::{echo, inline, process, well};
use crate::servers::Servers;
use crate::shop::Shop;

/// The time between two readings, in seconds.
const INTERVAL: i64 = 5;

fn query(expect: &str) -> Value {
    json!({"source": "prom", "query": "shop_success_ratio", "expect": expect})
}

#[rstest]
#[case::query(json!({"prometheus": query(">= 0.9")}), "expected >= 0.9; read: 0.5", 2 * INTERVAL)]
// The rules of Prometheus and the group of Alertmanager take some seconds more.
#[case::alert(
    json!({"alertmanager": {"source": "alerts", "matchers": ["severity=\"critical\""]}}),
    "expected no active alert; read: 1 active alert: ShopFails",
    2 * INTERVAL + 10
)]
#[tokio::test]
#[ignore = "needs a node, Prometheus and Alertmanager"]
async fn a_real_signal_that_does_not_hold_stops_a_run_and_the_status_says_what_the_rollbacks_did(
    #[case] signal: Value,
    #[case] read: &str,
    #[case] seconds: i64,
) {
    let shop = Shop::open().await;
    let servers = Servers::start(shop.address);
    let install = Install::new("signals").await;
    let file = servers.sources_for(&install.namespace);
    let _operator = Operator::start_with(&install, &["--sources", file.to_str().unwrap()]).await;
    let mut spec = inline(&well(vec![process("sleep", json!("300"))], vec![echo()]));
    // Prometheus may not have looked at the shop yet, so the run waits for that.
    spec["gates"] = json!([{"name": "well", "prometheus": query(">= 0.99")}]);
    let mut stop = json!({"name": "slo", "intervalSeconds": INTERVAL});
    stop.as_object_mut().unwrap().extend(signal.as_object().unwrap().clone());
    spec["stopConditions"] = json!([stop]);
    install.apply_experiment("exp", spec).await;
    let pod = pod_of(&install, "exp").await;
    wait_for_action(&install, &pod, "sleep").await;

    shop.set("shop_success_ratio", 0.5);
    let began = Zoned::now().timestamp();
    let ended = wait_for_phase(&install.experiments(), "exp", Phase::Aborted).await;
    assert_eq!(
        (ended.outcome, ended.reason.as_deref()),
        (Some(Outcome::Interrupted), Some("StopConditionMet"))
    );
    assert_eq!(ended.message, Some(format!("stop condition slo is met: {read}")));
    assert_eq!(condition_of(&ended, Type::RolledBack), "True/RollbacksPlayed");
    let run = ended.run.unwrap();
    assert_eq!(run.rollbacks.unwrap().state, RollbackState::Played);
    assert!(run.journal.is_some(), "the toolkit has written its journal");
    // Times of the status are whole seconds.
    let taken = run.stop.unwrap().at.unwrap().0.as_second() - began.as_second();
    assert!(taken <= seconds + 1, "decided after {taken} seconds");
}

#[tokio::test]
#[ignore = "needs a node, Prometheus and Alertmanager"]
async fn a_real_prometheus_that_is_gone_closes_the_gate_and_stops_no_run() {
    let shop = Shop::open().await;
    let mut servers = Servers::start(shop.address);
    let install = Install::new("signals-gone").await;
    let file = servers.sources_for(&install.namespace);
    let _operator = Operator::start_with(&install, &["--sources", file.to_str().unwrap()]).await;
    let mut spec = inline(&well(vec![process("sleep", json!("40"))], vec![echo()]));
    spec["gates"] = json!([{"name": "well", "prometheus": query(">= 0.99")}]);
    spec["stopConditions"] =
        json!([{"name": "slo", "prometheus": query(">= 0.9"), "intervalSeconds": INTERVAL}]);
    install.apply_experiment("goes-on", spec.clone()).await;
    let pod = pod_of(&install, "goes-on").await;
    wait_for_action(&install, &pod, "sleep").await;
    servers.prometheus.end();
    // A question that was not answered a moment ago.
    spec["gates"] = json!([{"name": "well", "prometheus": query(">= 0.98")}]);
    install.apply_experiment("waits", spec).await;
    let held = within(Duration::from_secs(60), "the gate is closed", async || {
        let status = crate::common::status_of(&install, "waits").await;
        (status.reason.as_deref() == Some("GateClosed")).then_some(status)
    })
    .await;
    assert!(held.message.unwrap().contains("the source cannot be reached"));
    let ended = wait_for_phase(&install.experiments(), "goes-on", Phase::Completed).await;
    assert_eq!(ended.outcome, Some(Outcome::Passed));
}
