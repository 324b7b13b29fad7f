//! The `CronJob` of an experiment with a schedule.

use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DynamicObject, Patch};
use serde_json::{Value, json};

use crate::cluster::manifest::{Kind, Manifest, title};
use crate::cluster::{self, Cluster, gone_is_fine, patching, posting};
use crate::experiment::children::delete::{self, Progress};
use crate::experiment::children::{create, held, jobs, pods};
use crate::experiment::error::Error;
use crate::experiment::judge::pod_state::{PodState, pod_state};
use crate::experiment::parent::Parent;
use chaostoolkit_api::{ResourceRef, names};

/// Creates the `CronJob`, or replaces it if the spec now asks for another one. A `CronJob` that somebody has changed by
/// hand stays so until the spec changes: the hash of the request is compared, not the object.
///
/// Waits for `permit` before it replaces the `CronJob`, and returns the permit then.
pub async fn ensure<P>(
    (cluster, parent): (&Cluster, &Parent),
    wanted: &Manifest,
    is_likely_there: bool,
    fence: impl AsyncFnOnce() -> Result<(), Error>,
    permit: impl Future<Output = Result<P, Error>>,
) -> Result<(CronJob, Option<P>), Error> {
    let found = create::child((cluster, parent), wanted, is_likely_there, fence).await?;
    let asked = found.metadata.annotations.as_ref().and_then(|all| all.get(names::SPEC_HASH_ANNOTATION));
    let is_current = asked.map(String::as_str) == wanted.annotation(names::SPEC_HASH_ANNOTATION);
    if is_current {
        return Ok((create::typed(wanted, found)?, None));
    }
    let permit = permit.await?;
    let changed = replace(cluster, &parent.marked(wanted), &found).await?;
    Ok((create::typed(wanted, changed)?, Some(permit)))
}

async fn replace(
    cluster: &Cluster,
    wanted: &Manifest,
    found: &DynamicObject,
) -> Result<DynamicObject, cluster::Error> {
    let doing = format!("replace {}", wanted.title());
    let mut object = wanted.to_dynamic().map_err(|error| cluster::Error::unreadable(doing.clone(), error))?;
    object.metadata.resource_version.clone_from(&found.metadata.resource_version);
    let api = cluster.objects(wanted.kind, wanted.namespace())?;
    let name = api.name(wanted.name())?;
    let parameters = posting();
    cluster.call(doing, api.replace(&name, &parameters, &object)).await
}

/// Suspends a `CronJob`, and removes its hash. So the operator replaces it once it can decide on the schedule again.
pub async fn suspend(
    cluster: &Cluster,
    recorded: &ResourceRef,
    parent: &Parent,
) -> Result<(), cluster::Error> {
    let found = delete::find_own(cluster, Kind::CronJob, recorded, parent).await?;
    let Some(found) = found.filter(|found| found.data["spec"]["suspend"] != true) else { return Ok(()) };
    let suspended = json!({
        "metadata": {"uid": found.metadata.uid, "annotations": {names::SPEC_HASH_ANNOTATION: null}},
        "spec": {"suspend": true},
    });
    change(cluster, "suspend", recorded, &suspended).await
}

/// Has a `CronJob` of an older operator create its Jobs suspended, so that none starts unjudged until the operator can decide on
/// the schedule again.
pub async fn hold_jobs(
    cluster: &Cluster,
    recorded: &ResourceRef,
    found: &DynamicObject,
) -> Result<(), cluster::Error> {
    if found.data["spec"]["jobTemplate"]["spec"]["suspend"] == true {
        return Ok(());
    }
    let held = json!({"metadata": {"uid": found.metadata.uid}, "spec": {"jobTemplate": {"spec": {"suspend": true}}}});
    change(cluster, "hold the Jobs of", recorded, &held).await
}

/// Removes the outcome finalizer from the pods that a `CronJob` will create: no operator will release them.
pub async fn release_future_pods(cluster: &Cluster, recorded: &ResourceRef) -> Result<(), cluster::Error> {
    let none = json!({"spec": {"jobTemplate": {"spec": {"template": {"metadata": {"finalizers": null}}}}}});
    change(cluster, "remove the finalizer from the pods of", recorded, &none).await
}

/// Patches a `CronJob`, if it exists.
async fn change(
    cluster: &Cluster,
    doing: &str,
    recorded: &ResourceRef,
    change: &Value,
) -> Result<(), cluster::Error> {
    let ResourceRef { namespace, name, .. } = recorded;
    let api = cluster.objects(Kind::CronJob, namespace)?;
    let checked = api.name(name)?;
    let parameters = patching();
    let doing = format!("{doing} {}", title(Kind::CronJob, namespace, name));
    gone_is_fine(cluster.call(doing, api.patch(&checked, &parameters, &Patch::Merge(change))).await)
}

/// Deletes a `CronJob`, its Jobs and their pods, and the pods of runs without a schedule. Pods that run are asked to stop, and
/// waited for.
pub async fn remove(
    cluster: &Cluster,
    recorded: &ResourceRef,
    parent: &Parent,
) -> Result<Progress, cluster::Error> {
    // The CronJob first, or it would start the next run meanwhile.
    delete::resource(cluster, recorded, parent).await?;
    let jobs = jobs::list(cluster, &recorded.namespace, parent).await?;
    for job in jobs.own.iter().filter(|job| job.metadata.deletion_timestamp.is_none()) {
        jobs::remove(cluster, job).await?;
    }
    let is_own = |pod: &Pod| parent.owns_any(pod, &jobs);
    let pods = pods::list(cluster, &recorded.namespace, parent.uid(), is_own).await?;
    for pod in &pods {
        if matches!(pod_state(pod), PodState::Ended(_)) {
            pods::release(cluster, pod).await?;
        }
        pods::stop(cluster, pod).await?;
    }
    let ended = pods.iter().filter(|pod| matches!(pod_state(pod), PodState::Ended(_)));
    let jobs_left = jobs.own.iter().map(|job| held::until_gone(Kind::Job, &job.metadata));
    let pods_left = ended.map(|pod| held::until_gone(Kind::Pod, &pod.metadata));
    let is_gone = jobs.own.is_empty() && pods.is_empty();
    let all = if is_gone { Progress::Done } else { Progress::Waiting };
    Ok(jobs_left.chain(pods_left).fold(all, Progress::and))
}
