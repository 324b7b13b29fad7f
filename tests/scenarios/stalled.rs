//! Runs of a schedule that the controllers of Kubernetes do not start, or end.

use std::time::Duration;

use chaostoolkit_api::{Phase, Status, Trigger};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::LimitRange;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::common::install::Install;
use crate::common::{
    create, delete, delete_and_wait, edit, eventually, kubectl, report_container, running, set_up,
    start_scheduled_run, status, status_of, terminated, wait, wait_for_phase, wait_for_reason, within,
};

/// A schedule that is not due during a test. A rerun starts its runs.
fn schedule() -> Value {
    json!({"schedule": {"kind": "cronJob", "value": "0 0 1 1 *"}})
}

async fn rerun(install: &Install, value: &str) {
    edit(install, "exp", json!({"metadata": {"annotations": {"chaostoolkit.org/rerun": value}}})).await;
}

fn jobs(install: &Install) -> Api<Job> {
    Api::namespaced(install.client.clone(), &install.run_namespace)
}

/// Waits until this many runs are in the history.
async fn ended(install: &Install, runs: usize) -> Status {
    let is_there = |found: Option<&_>| status(found).history.len() == runs;
    status(wait(&install.experiments(), "exp", "with an ended run", is_there).await.as_ref())
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_schedule_whose_pods_a_limit_range_refuses_says_so_and_gets_on() {
    let (install, _operator) = set_up("limits").await;
    let ranges = Api::<LimitRange>::namespaced(install.client.clone(), &install.run_namespace);
    let limits = json!({"limits": [{"type": "Container", "max": {"cpu": "10m"}}]});
    create(&ranges, json!({"metadata": {"name": "team"}, "spec": limits})).await;
    install.apply_experiment("exp", schedule()).await;
    let experiments = install.experiments();
    wait_for_phase(&experiments, "exp", Phase::Scheduled).await;
    rerun(&install, "1").await;
    let told = wait_for_reason(&experiments, "exp", "StartStalled").await;
    assert_eq!(told.phase, Some(Phase::Scheduled));
    let message = told.message.unwrap();
    assert!(message.contains("FailedCreate: ") && message.contains("maximum cpu usage"), "{message}");
    eventually("an event says so", async || {
        let asked = ["-n", &install.namespace, "get", "events", "-o", "jsonpath={.items[*].reason}"];
        kubectl(&asked, "").1.contains("StartStalled").then_some(())
    })
    .await;

    // The run has missed its deadline. Its Job goes, and the next one may start.
    edit(&install, "exp", json!({"spec": {"startDeadlineSeconds": 1}})).await;
    let past = ended(&install, 1).await.history.remove(0);
    assert_eq!((past.phase, past.reason.as_str()), (Phase::Failed, "StartTimeout"));
    assert_eq!((past.run.trigger, past.run.pod_name.as_str()), (Trigger::Rerun, ""));
    assert_eq!(jobs(&install).list(&ListParams::default()).await.unwrap().items, []);
    wait_for_reason(&experiments, "exp", "Scheduled").await;

    delete(&ranges, "team").await;
    edit(&install, "exp", json!({"spec": {"startDeadlineSeconds": 0}})).await;
    rerun(&install, "2").await;
    let active = wait(&experiments, "exp", "running", |found| {
        status(found).schedule.is_some_and(|schedule| !schedule.active.is_empty())
    })
    .await;
    let pod = status(active.as_ref()).schedule.unwrap().active[0].clone();
    report_container(&install.pods(), &pod, running()).await;
    report_container(&install.pods(), &pod, terminated(0)).await;
    let past = ended(&install, 2).await.history.remove(0);
    assert_eq!((past.phase, past.reason.as_str()), (Phase::Completed, "Passed"));
    delete_and_wait(&experiments, "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_job_that_ends_its_run_is_the_reason_and_a_deleted_cron_job_comes_back() {
    let (install, _operator) = set_up("jobs").await;
    install.apply_experiment("exp", schedule()).await;
    let experiments = install.experiments();
    wait_for_phase(&experiments, "exp", Phase::Scheduled).await;
    let cron_jobs = Api::<CronJob>::namespaced(install.client.clone(), &install.run_namespace);
    let cron_job = cron_jobs.list(&ListParams::default()).await.unwrap().items.remove(0);
    let name = cron_job.name_any();

    start_scheduled_run(&install, &name, "by-hand");
    wait(&experiments, "exp", "running", |found| {
        status(found).run.is_some_and(|run| run.trigger == Trigger::Manual)
    })
    .await;
    let deadline = Patch::Merge(json!({"spec": {"activeDeadlineSeconds": 1}}));
    jobs(&install).patch("by-hand", &PatchParams::default(), &deadline).await.unwrap();
    let past = ended(&install, 1).await.history.remove(0);
    assert_eq!((past.phase, past.reason.as_str()), (Phase::Failed, "DeadlineExceeded"));
    assert_eq!((past.run.trigger, past.run.job_name.as_deref()), (Trigger::Manual, Some("by-hand")));

    delete(&cron_jobs, &name).await;
    let is_new = |found: Option<&CronJob>| found.is_some_and(|found| found.uid() != cron_job.uid());
    wait(&cron_jobs, &name, "created again", is_new).await;
    delete_and_wait(&experiments, "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs an API server, and two minutes"]
async fn a_run_that_the_next_one_replaces_says_so() {
    let (install, _operator) = set_up("replace").await;
    let every_minute =
        json!({"schedule": {"kind": "cronJob", "value": "* * * * *", "concurrencyPolicy": "Replace"}});
    install.apply_experiment("exp", every_minute).await;
    let past = within(Duration::from_secs(150), "a run is replaced", async || {
        status_of(&install, "exp").await.history.pop()
    })
    .await;
    assert_eq!((past.phase, past.reason.as_str()), (Phase::Failed, "Replaced"));
    assert_eq!((past.run.number, past.run.trigger), (1, Trigger::Schedule));
    delete_and_wait(&install.experiments(), "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}
