//! The Jobs of a schedule wait until the operator lets them go. The controllers of Kubernetes are the real ones.

use std::time::Duration;

use chaostoolkit_api::{Phase, Trigger};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::jiff::Zoned;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::common::install::Install;
use crate::common::operator::{Operator, quiet};
use crate::common::{
    audit, delete_and_wait, eventually, kubectl, report_container, running, set_up, start_scheduled_run,
    status, status_of, terminated, wait, wait_for_phase, wait_until_gone, within,
};

fn jobs(install: &Install) -> Api<Job> {
    Api::namespaced(install.client.clone(), &install.run_namespace)
}

/// Whether the controller of Jobs says that a Job is suspended.
fn is_held(job: Option<&Job>) -> bool {
    let conditions = job.and_then(|job| job.status.as_ref()?.conditions.as_ref());
    conditions.into_iter().flatten().any(|found| found.type_ == "Suspended" && found.status == "True")
}

/// Creates an experiment with this schedule. Returns the name of its `CronJob`.
async fn begin(install: &Install, schedule: Value) -> String {
    install.apply_experiment("exp", json!({"schedule": schedule})).await;
    wait_for_phase(&install.experiments(), "exp", Phase::Scheduled).await;
    let cron_jobs = Api::<CronJob>::namespaced(install.client.clone(), &install.run_namespace);
    cron_jobs.list(&ListParams::default()).await.unwrap().items.remove(0).name_any()
}

#[tokio::test]
#[ignore = "needs an API server, and a minute"]
async fn nothing_starts_while_the_operator_is_away_and_what_is_late_then_is_skipped() {
    let (install, operator) = set_up("held").await;
    let schedule = json!({"kind": "cronJob", "value": "0 0 1 1 *", "startingDeadlineSeconds": 60});
    let cron_job = begin(&install, schedule).await;
    operator.kill();
    start_scheduled_run(&install, &cron_job, "late");
    wait(&jobs(&install), "late", "suspended", is_held).await;
    let made = jobs(&install).get("late").await.unwrap().creation_timestamp().unwrap().0;
    within(Duration::from_secs(90), "its time is over", async || {
        (Zoned::now().timestamp().as_second() > made.as_second() + 65).then_some(())
    })
    .await;
    start_scheduled_run(&install, &cron_job, "in-time");
    wait(&jobs(&install), "in-time", "suspended", is_held).await;
    assert_eq!(audit::pods_created_in(&install.run_namespace), 0);

    let _operator = Operator::start(&install).await;
    wait_until_gone(&jobs(&install), "late").await;
    let is_active = |found: Option<&_>| status(found).schedule.is_some_and(|known| !known.active.is_empty());
    let active = wait(&install.experiments(), "exp", "running", is_active).await;
    let pod = status(active.as_ref()).schedule.unwrap().active.remove(0);
    report_container(&install.pods(), &pod, running()).await;
    report_container(&install.pods(), &pod, terminated(0)).await;
    let both = |found: Option<&_>| status(found).history.len() == 2;
    let found = status(wait(&install.experiments(), "exp", "told", both).await.as_ref());
    let past =
        |job: &str| found.history.iter().find(|past| past.run.job_name.as_deref() == Some(job)).unwrap();
    let (late, in_time) = (past("late"), past("in-time"));
    assert_eq!((late.phase, late.reason.as_str(), late.result), (Phase::Skipped, "Skipped", None));
    assert_eq!((in_time.phase, in_time.run.trigger), (Phase::Completed, Trigger::Manual));
    let counters = found.counters.unwrap();
    assert_eq!((counters.runs, counters.passed, counters.skipped), (1, 1, 1));
    assert_eq!(audit::pods_created_in(&install.run_namespace), 1);
    eventually("an event tells of it", async || {
        let asked = ["-n", &install.namespace, "get", "events", "-o", "jsonpath={.items[*].reason}"];
        kubectl(&asked, "").1.contains("Skipped").then_some(())
    })
    .await;
    delete_and_wait(&install.experiments(), "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs an API server, and three minutes"]
async fn of_the_runs_that_were_due_while_the_operator_was_away_only_the_newest_starts() {
    let (install, operator) = set_up("backlog").await;
    let schedule = json!({"kind": "cronJob", "value": "* * * * *", "concurrencyPolicy": "Allow"});
    begin(&install, schedule).await;
    operator.kill();
    let due = within(Duration::from_secs(180), "two runs are due", async || {
        let found = jobs(&install).list(&ListParams::default()).await.unwrap().items;
        let held = found.iter().filter(|job| is_held(Some(job))).count();
        (held >= 2).then_some(found)
    })
    .await;
    let time = "batch.kubernetes.io/cronjob-scheduled-timestamp";
    assert!(due.iter().all(|job| job.annotations().contains_key(time)), "{due:?}");
    assert_eq!(audit::pods_created_in(&install.run_namespace), 0, "with the operator away nothing starts");

    let _operator = Operator::start(&install).await;
    let skipped = within(Duration::from_secs(60), "the older run is skipped", async || {
        status_of(&install, "exp").await.history.pop()
    })
    .await;
    assert_eq!((skipped.phase, skipped.run.trigger), (Phase::Skipped, Trigger::Schedule));
    assert!(skipped.message.unwrap().ends_with("is newer, and only the newest starts"));
    eventually("a run has started", async || {
        (audit::pods_created_in(&install.run_namespace) > 0).then_some(())
    })
    .await;
    quiet(Duration::from_secs(3)).await;
    let names = audit::created_in("jobs", &install.run_namespace);
    let pods = audit::pods_created_in(&install.run_namespace);
    assert!(pods < names.len(), "{pods} pods of {names:?}");
    delete_and_wait(&install.experiments(), "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}
