//! An outage of the API server.

use std::time::{Duration, Instant};

use chaostoolkit_api::Phase;
use serde_json::json;

use super::line::Line;
use crate::common::control_plane::{answers, control};
use crate::common::install::Install;
use crate::common::operator::Operator;
use crate::common::variables::number;
use crate::common::{
    LIMIT, audit, config_map, create, delete_and_wait, eventually, pod_of, report_container, running,
    terminated, wait_for_phase, wait_for_reason,
};

/// How long the API server is down, unless `SCENARIO_OUTAGE_SECONDS` is set.
const OUTAGE: u64 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a control plane that may be broken"]
async fn after_an_outage_of_the_api_server_runs_go_on_by_themselves_and_while_it_lasts_few_ask() {
    let seconds = number("SCENARIO_OUTAGE_SECONDS", OUTAGE);
    let mut install = Install::new("outage").await;
    install.with_experiment("{}").await;
    let line = Line::lay(&install).await;
    install.kubeconfig.clone_from(&line.kubeconfig);
    let mut operator = Operator::start_with(&install, &["--leader-elect", "yes"]).await;
    let experiments = install.experiments();
    install.apply_experiment("runs", json!({})).await;
    let late = json!({"pod": {"env": {"enabled": true, "configMapName": "later"}}});
    install.apply_experiment("waits", late).await;
    let pod = pod_of(&install, "runs").await;
    report_container(&install.pods(), &pod, running()).await;
    wait_for_phase(&experiments, "runs", Phase::Running).await;
    wait_for_reason(&experiments, "waits", "ConfigMapMissing").await;

    control("stop", "apiserver").await;
    let began = Instant::now();
    let before = line.calls();
    let (mut looks, mut busiest) = (0, 0);
    let mut stretch = (Instant::now(), before);
    while began.elapsed() < Duration::from_secs(seconds) {
        assert!(operator.is_alive(), "the operator does not end by itself");
        for probe in ["/livez", "/readyz"] {
            let answer = operator.ask(probe).await;
            assert_eq!(answer, Some((true, "ok".to_owned())), "{probe} after {:?}", began.elapsed());
        }
        looks += 1;
        tokio::time::sleep(Duration::from_secs(1)).await;
        if stretch.0.elapsed() >= Duration::from_secs(10) {
            busiest = busiest.max(line.calls() - stretch.1);
            stretch = (Instant::now(), line.calls());
        }
    }
    let lasted = began.elapsed().as_secs();
    let calls = line.calls() - before;
    eprintln!(
        "away for {lasted} s: {calls} calls, {busiest} in ten seconds at most, {looks} looks at the probes"
    );
    // Two watches, the election, and the passes over the waiting experiment, which come less and less often.
    let allowed = usize::try_from(lasted).unwrap() * 3 + 10;
    assert!(calls <= allowed, "{calls} calls in {lasted} s");
    assert!(calls as u64 >= lasted / 15, "{calls} calls in {lasted} s: the operator has stopped asking");
    let metrics = operator.get("/metrics").await.unwrap();
    assert!(metrics.contains("chaostoolkit_operator_leader 0"), "no operator leads: {metrics}");

    control("start", "apiserver").await;
    answers().await;
    let back = Instant::now();
    report_container(&install.pods(), &pod, terminated(0)).await;
    create(&install.config_maps(&install.run_namespace), config_map("later", json!({}))).await;
    wait_for_phase(&experiments, "runs", Phase::Completed).await;
    let ended = back.elapsed();
    let second = pod_of(&install, "waits").await;
    let started = back.elapsed();
    eprintln!("back: the end is recorded after {ended:.1?}, the other run has started after {started:.1?}");
    assert!(ended < LIMIT && started < LIMIT);
    assert!(operator.is_alive());
    assert_eq!(audit::pods_created_in(&install.run_namespace), 2, "each has one pod");
    report_container(&install.pods(), &second, terminated(0)).await;
    wait_for_phase(&experiments, "waits", Phase::Completed).await;
    eventually("the operator leads again", async || {
        let metrics = operator.get("/metrics").await?;
        metrics.contains("chaostoolkit_operator_leader 1").then_some(())
    })
    .await;
    for name in ["runs", "waits"] {
        delete_and_wait(&experiments, name).await;
    }
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}
