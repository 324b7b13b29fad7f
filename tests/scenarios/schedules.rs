//! Schedules whose times were missed because nobody could start their runs.

use std::time::Duration;

use chaostoolkit_api::condition::Type;
use chaostoolkit_api::names;
use chaostoolkit_api::{Counters, Experiment, Phase};
use chaostoolkit_operator::experiment::children::jobs;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::jiff::{Timestamp, Zoned};
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::common::operator::{Operator, quiet};
use crate::common::{
    audit, delete_and_wait, edit, eventually, kubectl, report_container, set_up, status, terminated, wait,
    wait_for_phase,
};

/// The schedule is due every third minute, always within the 200 seconds in which a run may start late.
const CRON: &str = "*/3 * * * *";
const PERIOD: i64 = 180;

/// The number of missed times.
const MISSED: i64 = 160;

async fn patch_status<K>(api: &Api<K>, name: &str, change: Value)
where
    K: kube::Resource<DynamicType = ()> + Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    api.patch_status(name, &PatchParams::default(), &Patch::Merge(json!({"status": change}))).await.unwrap();
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_schedule_goes_on_after_more_than_a_hundred_missed_times_which_are_counted_once() {
    let (install, operator) = set_up("missed").await;
    let experiments = install.experiments();
    let now = || Zoned::now().timestamp().as_second();
    // The test avoids the due times: below, a run may start at most one second late.
    let is_quiet = || (5..PERIOD - 20).contains(&(now() % PERIOD));
    eventually("the schedule is not due soon", async || is_quiet().then_some(())).await;
    let spec = json!({"schedule": {"kind": "cronJob", "value": CRON}});
    let made = install.apply_experiment("exp", spec).await;
    wait_for_phase(&experiments, "exp", Phase::Scheduled).await;
    let due = now() / PERIOD * PERIOD;
    let last = Timestamp::from_second(due - PERIOD * (MISSED + 1)).unwrap();

    // The schedule now looks like one of long ago whose runs nobody could start.
    let name = format!("chaostoolkit-{}", names::suffix(made.uid()));
    let cron_jobs = Api::<CronJob>::namespaced(install.client.clone(), &install.run_namespace);
    let deadline = async |seconds: u32| {
        let change = Patch::Merge(json!({"spec": {"startingDeadlineSeconds": seconds}}));
        cron_jobs.patch(&name, &PatchParams::default(), &change).await.unwrap();
    };
    deadline(1).await;
    patch_status(&cron_jobs, &name, json!({"lastScheduleTime": last})).await;
    let found = experiments.get("exp").await.unwrap();
    let mut conditions = serde_json::to_value(status(Some(&found)).conditions).unwrap();
    for condition in conditions.as_array_mut().unwrap() {
        condition["lastTransitionTime"] = json!(last);
    }
    patch_status(&experiments, "exp", json!({"conditions": conditions})).await;
    wait(&experiments, "exp", "due long ago", |found: Option<&Experiment>| {
        let schedule = status(found).schedule.unwrap_or_default();
        schedule.last_schedule_time.is_some_and(|time| time.0 == last)
    })
    .await;

    // Runs can be started again.
    deadline(200).await;
    let active = wait(&experiments, "exp", "running", |found| {
        status(found).schedule.is_some_and(|schedule| !schedule.active.is_empty())
    })
    .await;
    let pod = status(active.as_ref()).schedule.unwrap().active[0].clone();
    // The `CronJob` gets the time of its run after the run has begun.
    eventually("the latest is started", async || {
        let told = cron_jobs.get(&name).await.unwrap().status?.last_schedule_time?;
        (told.0.as_second() == due).then_some(())
    })
    .await;
    report_container(&install.pods(), &pod, terminated(1)).await;
    let ended = wait(&experiments, "exp", "with a history", |found| !status(found).history.is_empty()).await;
    let ended = status(ended.as_ref());
    let resumed = ended.schedule.unwrap().last_schedule_time.unwrap();
    assert_eq!(resumed.0.as_second(), due, "the status has this time as well");
    let skipped = i32::try_from(MISSED).unwrap();
    let expected = Some(Counters { runs: 1, failed: 1, skipped, ..Counters::default() });
    assert_eq!(ended.counters, expected);
    eventually("an event reports the missed times", async || {
        let asked = ["-n", &install.namespace, "get", "events", "-o", "jsonpath={.items[*].reason}"];
        kubectl(&asked, "").1.contains("MissedSchedule").then_some(())
    })
    .await;

    // The next operator does not count the times again, and nobody repeats the run.
    operator.kill();
    let _operator = Operator::start(&install).await;
    edit(&install, "exp", json!({"metadata": {"annotations": {"tests.example/touched": "yes"}}})).await;
    quiet(Duration::from_secs(3)).await;
    let after = status(experiments.get_opt("exp").await.unwrap().as_ref());
    assert_eq!(after.counters, expected);
    assert_eq!(crate::common::condition_of(&after, Type::Finished), "False/Scheduled");
    let jobs = Api::<Job>::namespaced(install.client.clone(), &install.run_namespace);
    if now() / PERIOD * PERIOD == due {
        assert_eq!(jobs.list(&ListParams::default()).await.unwrap().items.len(), 1);
        assert_eq!(audit::pods_created_in(&install.run_namespace), 1);
    }
    delete_and_wait(&experiments, "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}

/// The schedule is never due during a test.
const NEVER: &str = "0 0 1 1 *";

/// Who sets `keep_resources_on_delete` has the schedule go on, with pods that no operator follows.
#[tokio::test]
#[ignore = "needs an API server"]
async fn a_schedule_that_is_kept_makes_pods_that_no_finalizer_holds() {
    let (install, _operator) = set_up("kept").await;
    let spec = json!({"schedule": {"kind": "cronJob", "value": NEVER}, "keep_resources_on_delete": true});
    let made = install.apply_experiment("exp", spec).await;
    wait_for_phase(&install.experiments(), "exp", Phase::Scheduled).await;
    let cron_jobs = Api::<CronJob>::namespaced(install.client.clone(), &install.run_namespace);
    let name = format!("chaostoolkit-{}", names::suffix(made.uid()));
    let held = async || {
        let template = cron_jobs.get(&name).await.unwrap().spec.unwrap().job_template.spec.unwrap().template;
        template.metadata.and_then(|pod| pod.finalizers).unwrap_or_default()
    };
    assert_eq!(held().await, [names::OUTCOME_FINALIZER]);
    delete_and_wait(&install.experiments(), "exp").await;
    assert_eq!(held().await, [""; 0]);
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_rerun_waits_while_the_job_of_somebody_else_has_its_name() {
    let (install, _operator) = set_up("rerunname").await;
    let spec = json!({"schedule": {"kind": "cronJob", "value": NEVER}});
    let made = install.apply_experiment("exp", spec).await;
    wait_for_phase(&install.experiments(), "exp", Phase::Scheduled).await;
    let name = jobs::rerun_name(&format!("chaostoolkit-{}", names::suffix(made.uid())), "now");
    let pod = json!({"restartPolicy": "Never", "containers": [{"name": "other", "image": "other"}]});
    let other = json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": name, "namespace": install.run_namespace},
        "spec": {"suspend": true, "template": {"spec": pod}},
    });
    install.create_any(&other).await;
    edit(&install, "exp", json!({"metadata": {"annotations": {names::RERUN_ANNOTATION: "now"}}})).await;
    wait(&install.experiments(), "exp", "waiting", |found| {
        let message = status(found).message.unwrap_or_default();
        message.contains("the rerun that was asked for waits") && message.contains(&name)
    })
    .await;
    let jobs = Api::<Job>::namespaced(install.client.clone(), &install.run_namespace);
    delete_and_wait(&jobs, &name).await;
    let is_own = |found: Option<&Job>| found.is_some_and(|job| job.metadata.owner_references.is_some());
    wait(&jobs, &name, "that of the rerun", is_own).await;
    delete_and_wait(&install.experiments(), "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}
