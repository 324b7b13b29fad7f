//! Freezes, with the controllers of Kubernetes.

use std::time::{Duration, Instant};

use chaostoolkit_api::condition::Type;
use chaostoolkit_api::{Freeze, Phase};
use futures::{StreamExt, stream};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::jiff::{SignedDuration, Zoned};
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::common::install::Install;
use crate::common::operator::Operator;
use crate::common::{
    audit, condition_of, create, delete, delete_and_wait, eventually, interrupted, kubectl, pod_of,
    report_container, running, set_up, start_scheduled_run, status, status_of, terminated, wait,
    wait_for_phase, wait_for_reason, within,
};

fn freezes(install: &Install) -> Api<Freeze> {
    Api::namespaced(install.client.clone(), &install.namespace)
}

async fn freeze(install: &Install, spec: Value) {
    create(&freezes(install), json!({"metadata": {"name": "brake"}, "spec": spec})).await;
}

/// Waits until the status of the freeze has a state, and counts so many held and stopped.
async fn counts(install: &Install, state: &str, held: i32, stopped: i32) {
    let has = |freeze: Option<&Freeze>| {
        let status = freeze.and_then(|freeze| freeze.status.clone()).unwrap_or_default();
        (status.state.as_deref(), status.held, status.stopped) == (Some(state), held, stopped)
    };
    wait(&freezes(install), "brake", &format!("{state}, {held} held, {stopped} stopped"), has).await;
}

fn events(install: &Install) -> String {
    kubectl(&["-n", &install.namespace, "get", "events", "-o", "jsonpath={.items[*].reason}"], "").1
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_freeze_holds_a_run_until_it_ends_by_itself() {
    let (install, _operator) = set_up("frozen").await;
    let end = Zoned::now().timestamp() + SignedDuration::from_secs(40);
    freeze(&install, json!({"until": end.to_string(), "reason": "sale"})).await;
    install.apply_experiment("exp", json!({})).await;
    let held = wait_for_reason(&install.experiments(), "exp", "Frozen").await;
    assert_eq!((held.phase, held.run), (Some(Phase::Blocked), None));
    assert!(held.message.unwrap().ends_with(": sale"));
    counts(&install, "Active", 1, 0).await;
    let pod = pod_of(&install, "exp").await;
    assert!(Zoned::now().timestamp() >= end, "not before its end");
    counts(&install, "Expired", 0, 0).await;
    report_container(&install.pods(), &pod, running()).await;
    report_container(&install.pods(), &pod, terminated(0)).await;
    let ended = wait_for_phase(&install.experiments(), "exp", Phase::Completed).await;
    assert_eq!(condition_of(&ended, Type::Finished), "True/Passed");
    eventually("events tell of it", async || {
        let told = events(&install);
        ["Frozen", "Startable"].iter().all(|reason| told.contains(reason)).then_some(())
    })
    .await;
    delete_and_wait(&install.experiments(), "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}

/// The Job is made while nobody is there, and before anybody knows of the freeze.
#[tokio::test]
#[ignore = "needs an API server"]
async fn a_freeze_that_is_created_while_the_operator_is_away_holds_what_it_finds_when_it_is_back() {
    let (install, operator) = set_up("froze-away").await;
    let schedule = json!({"kind": "cronJob", "value": "0 0 1 1 *", "startingDeadlineSeconds": 20});
    install.apply_experiment("exp", json!({"schedule": schedule})).await;
    wait_for_phase(&install.experiments(), "exp", Phase::Scheduled).await;
    let cron_jobs = Api::<CronJob>::namespaced(install.client.clone(), &install.run_namespace);
    let cron_job = cron_jobs.list(&ListParams::default()).await.unwrap().items.remove(0).name_any();
    operator.kill();
    start_scheduled_run(&install, &cron_job, "due");
    freeze(&install, json!({})).await;
    install.apply_experiment("once", json!({})).await;

    let operator = Operator::start(&install).await;
    wait_for_reason(&install.experiments(), "once", "Frozen").await;
    counts(&install, "Active", 2, 0).await;
    let skipped = |found: Option<&_>| !status(found).history.is_empty();
    let found = status(wait(&install.experiments(), "exp", "skipped", skipped).await.as_ref());
    let past = &found.history[0];
    assert_eq!((past.phase, past.reason.as_str()), (Phase::Skipped, "Frozen"));
    assert_eq!(found.counters.unwrap().skipped, 1);
    let jobs = Api::<Job>::namespaced(install.client.clone(), &install.run_namespace);
    eventually("no Job is left", async || {
        jobs.list(&ListParams::default()).await.unwrap().items.is_empty().then_some(())
    })
    .await;
    assert_eq!(audit::pods_created_in(&install.run_namespace), 0);
    delete(&freezes(&install), "brake").await;
    pod_of(&install, "once").await;
    assert_eq!(audit::pods_created_in(&install.run_namespace), 1, "what was skipped does not start later");
    drop(operator);
}

/// How many runs go on when the freeze is created.
const RUNS: usize = 100;

/// How long it may take until all of them are asked to stop.
const LIMIT: Duration = Duration::from_secs(5);

async fn each<'a, F: Future<Output = ()>>(names: &'a [String], of: impl Fn(&'a String) -> F) {
    stream::iter(names).for_each_concurrent(16, of).await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_hundred_runs_are_asked_to_stop_within_five_seconds_and_each_says_why() {
    let (install, _operator) = set_up("froze-all").await;
    let (experiments, pods) = (install.experiments(), install.pods());
    let names: Vec<String> = (0..RUNS).map(|number| format!("exp-{number}")).collect();
    each(&names, async |name| {
        install.apply_experiment(name, json!({})).await;
        report_container(&pods, &pod_of(&install, name).await, running()).await;
    })
    .await;
    let all_run = async || {
        let found = experiments.list(&ListParams::default()).await.unwrap();
        let running = found.items.iter().filter(|found| status(Some(found)).phase == Some(Phase::Running));
        (running.count() == RUNS).then_some(())
    };
    within(Duration::from_secs(120), "all run", all_run).await;

    freeze(&install, json!({"abortRunning": true})).await;
    let began = Instant::now();
    let stopped = async || {
        let found = pods.list_metadata(&ListParams::default()).await.unwrap();
        let stopping = found.items.iter().filter(|pod| pod.metadata.deletion_timestamp.is_some());
        (stopping.count() == RUNS).then_some(())
    };
    within(Duration::from_secs(60), "all are asked to stop", stopped).await;
    let took = began.elapsed();
    assert!(took <= LIMIT, "the last one of {RUNS} runs was asked to stop after {took:?}");
    counts(&install, "Active", 0, i32::try_from(RUNS).unwrap()).await;
    each(&names, async |name| {
        let pod = status_of(&install, name).await.run.unwrap().pod_name;
        report_container(&pods, &pod, interrupted()).await;
    })
    .await;
    for name in &names {
        let ended = wait_for_phase(&experiments, name, Phase::Aborted).await;
        assert_eq!(ended.reason.as_deref(), Some("Frozen"));
        assert_eq!(ended.run.unwrap().stop.unwrap().freeze, Some(format!("{}/brake", install.namespace)));
    }
}
