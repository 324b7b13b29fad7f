//! Experiments that exclude each other.

use chaostoolkit_api::Phase;
use chaostoolkit_api::condition::Type;
use k8s_openapi::api::batch::v1::CronJob;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::common::install::Install;
use crate::common::operator::{Operator, quiet};
use crate::common::{
    audit, bind, condition_of, delete, delete_and_wait, edit, end_grace, eventually, pod_of,
    report_container, running, set_up, start_scheduled_run, status, status_of, terminated, wait,
    wait_for_phase, wait_for_reason, wait_until_stopping,
};

/// How long nothing may happen.
const QUIET: std::time::Duration = std::time::Duration::from_secs(3);

async fn begin(install: &Install, name: &str) {
    install.apply_experiment(name, json!({"mutex": "database"})).await;
}

async fn end(install: &Install, name: &str) {
    let pod = status_of(install, name).await.run.unwrap().pod_name;
    report_container(&install.pods(), &pod, terminated(0)).await;
    wait_for_phase(&install.experiments(), name, Phase::Completed).await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn of_experiments_with_the_same_mutex_one_runs_at_a_time_also_after_a_restart() {
    let (install, operator) = set_up("mutex").await;
    let experiments = install.experiments();
    begin(&install, "first").await;
    let pod = pod_of(&install, "first").await;
    report_container(&install.pods(), &pod, running()).await;
    begin(&install, "second").await;
    let held = wait_for_reason(&experiments, "second", "MutexHeld").await;
    assert_eq!((held.phase, held.run.as_ref()), (Some(Phase::Blocked), None));
    let told =
        format!("the run waits for the mutex database, which experiment {}/first holds", install.namespace);
    assert_eq!(held.message.as_deref(), Some(told.as_str()));
    begin(&install, "third").await;
    wait_for_reason(&experiments, "third", "MutexHeld").await;
    install.apply_experiment("other", json!({"mutex": "queue"})).await;
    pod_of(&install, "other").await;

    operator.kill();
    let _operator = Operator::start(&install).await;
    quiet(QUIET).await;
    assert_eq!(audit::pods_created_in(&install.run_namespace), 2, "of the first one and of the other mutex");
    end(&install, "first").await;
    // Who comes next after a restart is not known.
    let (next, last) = eventually("one of the two runs", async || {
        for (next, last) in [("second", "third"), ("third", "second")] {
            if status_of(&install, next).await.run.is_some_and(|run| run.pod_uid.is_some()) {
                return Some((next, last));
            }
        }
        None
    })
    .await;
    quiet(QUIET).await;
    assert_eq!(audit::pods_created_in(&install.run_namespace), 3);
    // A deletion frees it as well as an end.
    let stopped = status_of(&install, next).await.run.unwrap().pod_name;
    bind(&install, &stopped).await;
    report_container(&install.pods(), &stopped, running()).await;
    wait_for_phase(&experiments, next, Phase::Running).await;
    delete(&experiments, next).await;
    wait_until_stopping(&install, &stopped).await;
    assert!(status_of(&install, last).await.run.is_none(), "not before the run has ended");
    report_container(&install.pods(), &stopped, terminated(1)).await;
    end_grace(&install, &stopped).await;
    pod_of(&install, last).await;
    assert_eq!(condition_of(&status_of(&install, last).await, Type::Startable), "True/Startable");
    end(&install, last).await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_run_that_is_blocked_keeps_nobody_from_the_mutex() {
    let (install, _operator) = set_up("mutex-free").await;
    let missing = json!({"experiment": {"configMapName": "not-there"}});
    install.apply_experiment("blocked", json!({"mutex": "database", "pod": missing})).await;
    wait_for_reason(&install.experiments(), "blocked", "ConfigMapMissing").await;
    begin(&install, "next").await;
    let pod = pod_of(&install, "next").await;
    report_container(&install.pods(), &pod, running()).await;
    edit(&install, "blocked", json!({"spec": {"pod": null}})).await;
    wait_for_reason(&install.experiments(), "blocked", "MutexHeld").await;
    end(&install, "next").await;
    pod_of(&install, "blocked").await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_run_of_a_schedule_waits_for_the_mutex_and_holds_it() {
    let (install, _operator) = set_up("mutex-cron").await;
    let schedule = json!({"kind": "cronJob", "value": "0 0 1 1 *"});
    let spec: Value = json!({"schedule": schedule, "mutex": "database"});
    install.apply_experiment("exp", spec).await;
    wait_for_phase(&install.experiments(), "exp", Phase::Scheduled).await;
    begin(&install, "once").await;
    let pod = pod_of(&install, "once").await;
    report_container(&install.pods(), &pod, running()).await;
    let cron_jobs = Api::<CronJob>::namespaced(install.client.clone(), &install.run_namespace);
    let cron_job = cron_jobs.list(&ListParams::default()).await.unwrap().items.remove(0).name_any();
    start_scheduled_run(&install, &cron_job, "due");
    let is_held = |found: Option<&_>| condition_of(&status(found), Type::Startable) == "False/MutexHeld";
    wait(&install.experiments(), "exp", "held", is_held).await;
    end(&install, "once").await;
    let is_active = |found: Option<&_>| status(found).schedule.is_some_and(|known| !known.active.is_empty());
    let active =
        status(wait(&install.experiments(), "exp", "running", is_active).await.as_ref()).schedule.unwrap();
    assert_eq!(active.mutex.as_ref().map(|mutex| mutex.name.as_str()), Some("database"));
    begin(&install, "later").await;
    wait_for_reason(&install.experiments(), "later", "MutexHeld").await;
    report_container(&install.pods(), &active.active[0], running()).await;
    report_container(&install.pods(), &active.active[0], terminated(0)).await;
    pod_of(&install, "later").await;
    let after = status_of(&install, "exp").await.schedule.unwrap();
    assert_eq!(after.mutex, None);
    delete_and_wait(&install.experiments(), "exp").await;
}
