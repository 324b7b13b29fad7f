//! What the tests see and do of runs, with the test as kubelet.

use std::time::{Duration, Instant};

use chaostoolkit_api::condition::{self, Type};
use chaostoolkit_api::{PastRun, Phase, Status};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Zoned;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::common::install::Install;
use crate::common::{create, report_container, status, terminated, wait, within};
use crate::policed::Policed;

/// For how long the operator remembers what a user may do.
const REMEMBERED: Duration = Duration::from_secs(10);

/// The schedule is never due during a test.
pub const NEVER: &str = "0 0 1 1 *";

pub fn jobs(install: &Install, namespace: &str) -> Api<Job> {
    Api::namespaced(install.client.clone(), namespace)
}

/// Returns the only `CronJob` of an experiment.
pub async fn cron_job_of(install: &Install, uid: &str, namespace: &str) -> CronJob {
    let all = Api::<CronJob>::namespaced(install.client.clone(), namespace);
    let own = ListParams::default().labels(&format!("{}={uid}", chaostoolkit_api::names::UID_LABEL));
    let mut found = all.list(&own).await.unwrap().items;
    assert_eq!(found.len(), 1, "one CronJob");
    found.remove(0)
}

/// Creates a Job as the controller of `CronJob`s does when a run is due.
pub async fn due(install: &Install, cron_job: &CronJob, name: &str) {
    let template = serde_json::to_value(&cron_job.spec.as_ref().unwrap().job_template).unwrap();
    let owner = json!({"apiVersion": "batch/v1", "kind": "CronJob", "name": cron_job.name_any(), "uid": cron_job.uid(),
        "controller": true, "blockOwnerDeletion": true});
    let mut metadata = template["metadata"].clone();
    metadata["name"] = json!(name);
    metadata["ownerReferences"] = json!([owner]);
    metadata["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"] =
        json!(Zoned::now().timestamp());
    create(
        &jobs(install, &cron_job.namespace().unwrap()),
        json!({"metadata": metadata, "spec": template["spec"]}),
    )
    .await;
}

/// Waits until a run of a schedule has a pod, ends it as passed, and returns its entry in the history.
pub async fn passes(policed: &Policed, experiment: &str, namespace: &str, job: &str) -> PastRun {
    let install = &policed.install;
    let pods = Api::<Pod>::namespaced(install.client.clone(), namespace);
    let active = wait(&install.experiments(), experiment, &format!("running {job}"), |found| {
        status(found).run.is_some_and(|run| run.job_name.as_deref() == Some(job) && run.pod_uid.is_some())
    })
    .await;
    let pod = status(active.as_ref()).run.unwrap().pod_name;
    report_container(&pods, &pod, terminated(0)).await;
    let past = recorded(policed, experiment, job).await;
    assert_eq!(past.phase, Phase::Completed, "{past:?}");
    past
}

/// Waits until the run of a Job is in the history, and returns the entry.
pub async fn recorded(policed: &Policed, experiment: &str, job: &str) -> PastRun {
    let find =
        |status: Status| status.history.into_iter().find(|past| past.run.job_name.as_deref() == Some(job));
    let what = format!("with the run of {job} in the history");
    let found =
        wait(&policed.install.experiments(), experiment, &what, |found| find(status(found)).is_some()).await;
    find(status(found.as_ref())).unwrap()
}

/// Waits until the operator has forgotten what it was told of the rights of a user.
pub async fn forgotten() {
    let asked = Instant::now();
    let is_over = async || (asked.elapsed() > REMEMBERED + Duration::from_secs(1)).then_some(());
    within(2 * REMEMBERED, "the answers are forgotten", is_over).await;
}

/// The message of the condition `Permitted`.
pub fn told(status: &Status) -> String {
    condition::find(&status.conditions, Type::Permitted).unwrap().message.clone()
}

/// The objects of an experiment in this form: kind, namespace and name.
pub async fn objects_of(install: &Install, uid: &str) -> Vec<Value> {
    let all = install.labeled(&format!("{}={uid}", chaostoolkit_api::names::UID_LABEL)).await;
    all.into_iter()
        .map(|(kind, object)| {
            let mut value = serde_json::to_value(&object).unwrap();
            value["kind"] = json!(kind);
            value
        })
        .collect()
}
