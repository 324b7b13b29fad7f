//! Schedules whose runs do not get on: the experiment says what keeps a run from starting, and a later run comes through.

use std::time::Duration;

use chaostoolkit_api::{Outcome, Phase, Status, Trigger};
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::{ResourceQuota, Secret};
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use serde_json::json;

use crate::checks::events_of;
use crate::common::install::Install;
use crate::common::{
    create, delete, edit, eventually, set_up, start_scheduled_run, wait, wait_for_phase, wait_for_reason,
    within,
};
use crate::experiments::{echo, inline, well};
use crate::schedules::{NEVER, RUN, recorded, rerun, schedule};

/// Waits until the experiment says that a run has not started, for this reason and in these words. Waits for the event, too.
async fn says(install: &Install, reason: &str, words: &str) -> Status {
    let told = wait_for_reason(&install.experiments(), "exp", reason).await;
    assert_eq!(told.phase, Some(Phase::Scheduled), "{told:#?}");
    let message = told.message.as_deref().unwrap_or_default();
    assert!(message.contains(words), "{message}");
    eventually("an event says so", async || {
        let events = events_of(install, "exp", "StartStalled").await;
        events.iter().any(|event| event.note.as_deref().unwrap_or_default().contains(words)).then_some(())
    })
    .await;
    told
}

#[tokio::test]
#[ignore = "needs a node"]
async fn an_image_that_cannot_be_pulled_is_told_and_an_edit_replaces_the_run() {
    let (install, _operator) = set_up("noimage").await;
    let mut spec = schedule(NEVER, inline(&well(vec![echo()], vec![echo()])));
    spec["pod"] = json!({"image": "nobody/has-this:1"});
    install.apply_experiment("exp", spec).await;
    wait_for_phase(&install.experiments(), "exp", Phase::Scheduled).await;
    rerun(&install, "1").await;
    let told = says(&install, "ImagePullBackOff", "nobody/has-this:1").await;
    assert_eq!(told.history, []);

    edit(&install, "exp", json!({"spec": {"pod": {"image": "chaostoolkit/chaostoolkit"}}})).await;
    let run = recorded(&install, 1, RUN).await.remove(0);
    assert_eq!((run.phase, run.reason.as_str()), (Phase::Failed, "Replaced"), "{run:#?}");
    wait_for_reason(&install.experiments(), "exp", "Scheduled").await;
    rerun(&install, "2").await;
    let run = recorded(&install, 2, RUN).await.remove(0);
    assert_eq!((run.outcome, run.run.trigger), (Outcome::Passed, Trigger::Rerun), "{run:#?}");
}

/// The kubelet waits for a missing Secret without an end. With `Forbid`, no other run would ever start.
#[tokio::test]
#[ignore = "needs a node, and two minutes"]
async fn a_run_that_misses_its_start_deadline_lets_the_next_one_through() {
    let (install, _operator) = set_up("nosecret").await;
    let mut spec = schedule("* * * * *", inline(&well(vec![echo()], vec![echo()])));
    spec["pod"] = json!({"envFrom": [{"secretRef": {"name": "later"}}]});
    spec["startDeadlineSeconds"] = json!(30);
    install.apply_experiment("exp", spec).await;
    within(Duration::from_secs(90), "a run is due", async || {
        let live = install.experiments().get("exp").await.unwrap();
        let reason = live.status.and_then(|status| status.reason);
        (reason.as_deref() == Some("CreateContainerConfigError")).then_some(())
    })
    .await;
    says(&install, "CreateContainerConfigError", "secret \"later\" not found").await;
    let missed = recorded(&install, 1, RUN).await.remove(0);
    assert_eq!((missed.phase, missed.reason.as_str()), (Phase::Failed, "StartTimeout"), "{missed:#?}");
    assert_eq!(missed.run.trigger, Trigger::Schedule);

    let secrets = Api::<Secret>::namespaced(install.client.clone(), &install.run_namespace);
    create(&secrets, json!({"metadata": {"name": "later"}, "stringData": {"TOKEN": "x"}})).await;
    edit(&install, "exp", json!({"spec": {"startDeadlineSeconds": null}})).await;
    let next = within(RUN, "the next run has passed", async || {
        let live = install.experiments().get("exp").await.unwrap();
        let history = live.status.unwrap_or_default().history;
        history.into_iter().find(|run| run.outcome == Outcome::Passed)
    })
    .await;
    assert!(next.run.number > missed.run.number, "{next:#?}");
    assert_eq!(next.run.trigger, Trigger::Schedule);
}

/// The Job controller creates no pod beyond the quota, and says so only in an event about the Job.
#[tokio::test]
#[ignore = "needs a node"]
async fn a_quota_that_is_used_up_is_told_and_the_run_starts_once_there_is_room() {
    let (install, _operator) = set_up("quota").await;
    let quotas = Api::<ResourceQuota>::namespaced(install.client.clone(), &install.run_namespace);
    create(&quotas, json!({"metadata": {"name": "team"}, "spec": {"hard": {"pods": "0"}}})).await;
    // Before that, the API server does not know what is left of the quota.
    wait(&quotas, "team", "counted", |quota| {
        quota.and_then(|quota| quota.status.as_ref()?.used.clone()).is_some()
    })
    .await;
    install.apply_experiment("exp", schedule(NEVER, inline(&well(vec![echo()], vec![echo()])))).await;
    wait_for_phase(&install.experiments(), "exp", Phase::Scheduled).await;
    rerun(&install, "1").await;
    let told = says(&install, "StartStalled", "exceeded quota: team").await;
    assert_eq!(told.history, []);

    delete(&quotas, "team").await;
    let run = recorded(&install, 1, RUN).await.remove(0);
    assert_eq!((run.outcome, run.run.trigger), (Outcome::Passed, Trigger::Rerun), "{run:#?}");
    wait_for_reason(&install.experiments(), "exp", "Scheduled").await;
}

#[tokio::test]
#[ignore = "needs a node"]
async fn a_cron_job_that_somebody_deletes_comes_back_and_starts_runs() {
    let (install, _operator) = set_up("nocron").await;
    install.apply_experiment("exp", schedule(NEVER, inline(&well(vec![echo()], vec![echo()])))).await;
    wait_for_phase(&install.experiments(), "exp", Phase::Scheduled).await;
    let cron_jobs = Api::<CronJob>::namespaced(install.client.clone(), &install.run_namespace);
    let cron_job = cron_jobs.list(&ListParams::default()).await.unwrap().items.remove(0);
    let name = cron_job.name_any();
    delete(&cron_jobs, &name).await;
    // This waits at most a minute.
    let is_new = |found: Option<&CronJob>| found.is_some_and(|found| found.uid() != cron_job.uid());
    wait(&cron_jobs, &name, "created again", is_new).await;

    start_scheduled_run(&install, &name, "by-hand");
    let run = recorded(&install, 1, RUN).await.remove(0);
    assert_eq!((run.outcome, run.run.trigger), (Outcome::Passed, Trigger::Manual), "{run:#?}");
}
