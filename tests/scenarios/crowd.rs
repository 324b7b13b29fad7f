//! Many experiments at once, beside pods of somebody else with the same labels.

use std::time::{Duration, Instant};

use chaostoolkit_api::Status;
use futures::{StreamExt, stream};
use kube::ResourceExt;
use kube::api::{DeleteParams, ListParams};
use serde_json::json;

use crate::common::install::Install;
use crate::common::operator::{Operator, quiet};
use crate::common::variables::number;
use crate::common::{audit, create, report_container, status, terminated, within};

/// The number of experiments, unless `SCENARIO_CROWD` is set. There are as many pods of somebody else.
const CROWD: usize = 60;

/// How many requests the test makes at the same time.
const AT_ONCE: usize = 16;

async fn all<T, F: Future<Output = ()>>(items: Vec<T>, each: impl Fn(T) -> F) {
    stream::iter(items).for_each_concurrent(AT_ONCE, each).await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn of_many_experiments_at_once_each_has_one_pod_and_its_end_and_when_all_is_done_nothing_is_written() {
    let crowd = number("SCENARIO_CROWD", CROWD);
    let limit = Duration::from_secs(60) + Duration::from_millis(500) * u32::try_from(crowd).unwrap();
    let install = Install::new("crowd").await;
    install.with_experiment("{}").await;
    let (experiments, pods) = (install.experiments(), install.pods());
    // These pods only look like runner pods.
    all((0..crowd).collect(), async |number| {
        let metadata = json!({"name": format!("other-{number}"), "labels": {"app": "chaostoolkit"}});
        let spec = json!({"containers": [{"name": "chaostoolkit", "image": "i"}]});
        let _: k8s_openapi::api::core::v1::Pod =
            create(&pods, json!({"metadata": metadata, "spec": spec})).await;
    })
    .await;
    let mut operator = Operator::start(&install).await;
    let began = Instant::now();
    all((0..crowd).collect(), async |number| {
        install.apply_experiment(&format!("exp-{number}"), json!({})).await;
    })
    .await;
    let statuses = async || -> Vec<Status> {
        let found = experiments.list(&ListParams::default()).await.unwrap();
        found.items.iter().map(|found| status(Some(found))).collect()
    };
    let created = within(limit, "each has a pod", async || {
        let runs = statuses().await.into_iter().filter_map(|status| status.run);
        let names: Vec<String> = runs.filter(|run| run.pod_uid.is_some()).map(|run| run.pod_name).collect();
        (names.len() == crowd).then_some(names)
    })
    .await;
    let started = began.elapsed();
    all(created, async |pod| report_container(&pods, &pod, terminated(0)).await).await;
    within(limit, "each has its end", async || {
        statuses().await.iter().all(Status::is_finished).then_some(())
    })
    .await;
    let ended = began.elapsed();
    assert_eq!(
        audit::pods_created_in(&install.run_namespace),
        2 * crowd,
        "each experiment has one pod, beside those of somebody else"
    );

    // The next operator finds nothing to do.
    operator.kill();
    operator = Operator::start(&install).await;
    let before = audit::settled_writes_of(&install.user).await.len();
    quiet(Duration::from_secs(3)).await;
    assert_eq!(audit::writes_of(&install.user).len(), before, "nothing is left to be written");

    let began = Instant::now();
    experiments.delete_collection(&DeleteParams::default(), &ListParams::default()).await.unwrap();
    within(limit, "all are gone", async || statuses().await.is_empty().then_some(())).await;
    eprintln!(
        "{crowd} experiments: all have a pod after {started:?}, all have ended after {ended:?}, all are gone {:?} after \
         they were deleted, with {before} writes before; {} kB are resident",
        began.elapsed(),
        resident(operator.id())
    );
    assert_eq!(install.left_behind().await, Vec::<String>::new());
    let others = pods.list(&ListParams::default().labels("app=chaostoolkit")).await.unwrap();
    assert_eq!(others.items.iter().filter(|pod| pod.name_any().starts_with("other-")).count(), crowd);
    assert!(operator.is_alive());
}

/// Returns the resident memory of a process in kB.
fn resident(id: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}
