//! Runs of a schedule that are started by hand, as `kubectl create job --from=cronjob/NAME` does.

use std::collections::BTreeMap;

use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::common::install::Install;

/// The label of a pod that names its job.
pub const JOB_NAME: &str = "batch.kubernetes.io/job-name";

/// Holds the schedule and its jobs while they are deleted. The garbage collector of Kubernetes and the operator both
/// delete what is below them. Without this, chance would decide who is seen to do it.
const HELD: &str = "tests.chaostoolkit.org/held";

/// Starts a run of the experiment's schedule. Returns an error if the schedule does not exist yet or a request fails.
pub async fn start(install: &Install, uid: &str, name: &str) -> Result<(), String> {
    let (cron_jobs, jobs) = apis(install);
    let found = cron_jobs.list(&of(uid)).await.map_err(|error| format!("list cronjobs: {error}"))?;
    let cron_job = found.items.into_iter().last().ok_or("there is no CronJob")?;
    let hold = Patch::Merge(json!({"metadata": {"finalizers": [HELD]}}));
    let schedule = cron_job.metadata.name.clone().unwrap_or_default();
    let patched = cron_jobs.patch(&schedule, &PatchParams::default(), &hold).await;
    patched.map_err(|error| format!("patch cronjob {schedule}: {error}"))?;
    match jobs.create(&PostParams::default(), &made_by_hand(cron_job, name)).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
        Err(error) => Err(format!("create job {name}: {error}")),
    }
}

/// Releases the schedule and its jobs if all of them were deleted. Returns `None` if they were not, or if a request
/// fails.
pub async fn let_go(install: &Install, uid: &str) -> Option<()> {
    let (cron_jobs, jobs) = apis(install);
    let schedules = cron_jobs.list(&of(uid)).await.ok()?;
    let runs = jobs.list(&of(uid)).await.ok()?;
    let all =
        || schedules.iter().map(|found| &found.metadata).chain(runs.iter().map(|found| &found.metadata));
    if all().any(|metadata| metadata.deletion_timestamp.is_none()) {
        return None;
    }
    // The jobs go first. Otherwise the garbage collector would delete them.
    for run in &runs {
        free(&jobs, run.metadata.name.as_deref()?).await?;
    }
    for schedule in &schedules {
        free(&cron_jobs, schedule.metadata.name.as_deref()?).await?;
    }
    Some(())
}

async fn free<K: Clone + std::fmt::Debug + DeserializeOwned>(api: &Api<K>, name: &str) -> Option<()> {
    let free = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    api.patch(name, &PatchParams::default(), &free).await.ok().map(|_| ())
}

fn apis(install: &Install) -> (Api<CronJob>, Api<Job>) {
    let (client, namespace) = (&install.client, &install.run_namespace);
    (Api::namespaced(client.clone(), namespace), Api::namespaced(client.clone(), namespace))
}

fn of(uid: &str) -> ListParams {
    ListParams::default().labels(&format!("chaostoolkit.org/experiment-uid={uid}"))
}

fn made_by_hand(cron_job: CronJob, name: &str) -> Job {
    let template = cron_job.spec.unwrap_or_default().job_template;
    let ObjectMeta { labels, annotations, .. } = template.metadata.unwrap_or_default();
    let mut annotations: BTreeMap<String, String> = annotations.unwrap_or_default();
    annotations.insert("cronjob.kubernetes.io/instantiate".to_owned(), "manual".to_owned());
    let owner = OwnerReference {
        api_version: "batch/v1".to_owned(),
        kind: "CronJob".to_owned(),
        name: cron_job.metadata.name.unwrap_or_default(),
        uid: cron_job.metadata.uid.unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: None,
    };
    let metadata = ObjectMeta {
        name: Some(name.to_owned()),
        labels,
        annotations: Some(annotations),
        owner_references: Some(vec![owner]),
        finalizers: Some(vec![HELD.to_owned()]),
        ..ObjectMeta::default()
    };
    Job { metadata, spec: template.spec, status: None }
}
