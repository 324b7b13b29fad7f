//! Teardown of a deleted experiment: first the run, then what the run needed, then the experiment itself.
//!
//! What is deleted is what was recorded, whatever the spec says by now. Rights outlive the pod: rollbacks need them.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, DynamicObject, Preconditions};
use serde_json::json;
use tracing::warn;

use crate::cluster::manifest::{Kind, Manifest};
use crate::cluster::{Cluster, belongs_to, named, without_finalizers};
use crate::experiment::Context;
use crate::experiment::children::create;
use crate::experiment::error::Error;
use crate::experiment::intent::Control;
use crate::experiment::judge::evidence::Evidence;
use crate::experiment::judge::pod_state::{PodState, pod_state};
use crate::experiment::pass::Report;
use crate::experiment::stages::{adopt, rescue, schedule};
use crate::experiment::status::events;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Phase, ResourceRef, Spec, Status, names};

/// Whether a teardown has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is left.
    Done,
    /// The pod has not ended or is not gone yet; its next change brings the next pass.
    Waiting,
}

/// The finalizers that say that there is something to clean up.
pub const HOLDS: &[&str] = &[names::TEARDOWN_FINALIZER, names::KOPF_FINALIZER];

/// One pass over a deleted experiment.
pub async fn teardown(context: &Context, report: &mut Report<'_>) -> Result<Progress, Error> {
    if !HOLDS.iter().any(|hold| report.live.has_finalizer(hold)) {
        return Ok(Progress::Done);
    }
    let is_known = adopt::for_teardown(context, report).await?;
    if keeps_resources(report) {
        // Kept, but no longer held: whoever deletes the pods later must be able to.
        for kept in report.draft.status.resources.iter().filter(|kept| kept.kind == Kind::CronJob.as_str()) {
            schedule::abandon(&context.cluster, kept).await?;
        }
        abandon_pods(context, report).await?;
        report
            .publish(&events::normal(Reason::CleanedUp, "everything that was created is kept, as asked for"))
            .await;
        release(context, report).await?;
        return Ok(Progress::Done);
    }
    let is_overdue = is_overdue(context, report);
    let left = match remove_children(context, report).await {
        Ok(Progress::Done) => None,
        Ok(Progress::Waiting) if is_overdue => Some("its pod has not ended".to_owned()),
        Err(error) if is_overdue => Some(error.describe()),
        unfinished => return unfinished,
    };
    let event = match left {
        None => is_known.then(|| events::normal(Reason::CleanedUp, "everything that was created is gone")),
        Some(left) => {
            let note = format!("given up on the cleanup, something is left behind: {left}");
            warn!("experiment {}: {note}", report.live.key());
            if let Err(error) = abandon_pods(context, report).await {
                warn!("experiment {}: {}", report.live.key(), error.describe());
            }
            Some(events::warning(Reason::CleanupBlocked.as_str(), &note))
        }
    };
    if let Some(event) = event {
        report.publish(&event).await;
    }
    release(context, report).await?;
    Ok(Progress::Done)
}

/// Deletes the pod, waits for its end, records it, and then deletes the rest.
async fn remove_children(context: &Context, report: &mut Report<'_>) -> Result<Progress, Error> {
    let uid = report.live.uid().to_owned();
    if remove_pod(context, report).await? == Progress::Waiting {
        return Ok(Progress::Waiting);
    }
    if Box::pin(rescue::teardown(context, report)).await? == Progress::Waiting {
        return waiting(report, "waiting for the rollbacks to be played").await;
    }
    // Before the pods of earlier runs, which may be its own: it would start the next meanwhile.
    for ResourceRef { kind, namespace, name, .. } in report.draft.status.resources.clone() {
        if kind != Kind::CronJob.as_str() {
            continue;
        }
        // Told before it is done, as for a single run; but once, or a refusal would be told of anew with each try.
        if report.draft.status.phase != Some(Phase::Terminating) {
            report.draft.terminating("waiting for the runs to end");
            report.write().await?;
        }
        if remove_schedule(context, &namespace, &name, &uid).await? == Progress::Waiting {
            return waiting(report, "waiting for the runs to end").await;
        }
    }
    if remove_past(context, &report.draft.status, &uid).await? == Progress::Waiting {
        return waiting(report, "waiting for the pods of earlier runs to go").await;
    }
    remove_resources(context, &report.draft.status.resources.clone(), &uid).await?;
    Ok(Progress::Done)
}

/// Says what is waited for.
async fn waiting(report: &mut Report<'_>, message: &str) -> Result<Progress, Error> {
    report.draft.terminating(message);
    report.write().await?;
    Ok(Progress::Waiting)
}

async fn remove_pod(context: &Context, report: &mut Report<'_>) -> Result<Progress, Error> {
    let uid = report.live.uid().to_owned();
    let Some((namespace, name)) = pod_of(&report.draft.status) else {
        return Ok(Progress::Done);
    };
    let api = context.cluster.pods(&namespace);
    let Some(pod) = context.cluster.find(&api, Kind::Pod.as_str(), &name).await? else {
        let status = &report.draft.status;
        if !status.is_finished() && status.run.as_ref().is_some_and(|run| run.pod_uid.is_some()) {
            report.draft.terminating("deleting what was created");
            report.draft.lost();
            report.write().await?;
        }
        return Ok(Progress::Done);
    };
    if !belongs_to(&pod, &uid) {
        return Ok(Progress::Done);
    }
    let state = pod_state(&pod);
    let PodState::Ended(end) = &state else {
        // Told before it is done: who watches the experiment sees the abort begin.
        report.draft.terminating("waiting for the run to end");
        report.write().await?;
        stop(context, &pod).await?;
        return Ok(Progress::Waiting);
    };
    if !report.draft.status.is_finished() {
        report.draft.terminating("deleting what was created");
        let control = Control::of(&report.live);
        report.draft.follows(&pod, &state, &control);
        // Its journal would go with the experiment.
        report.draft.ended(end, &Evidence::reported(end), &control);
        report.write().await?;
    }
    remove_ended(context, &pod).await
}

/// Asks a pod to stop, once.
pub async fn stop(context: &Context, pod: &Pod) -> Result<(), Error> {
    if pod.metadata.deletion_timestamp.is_some() {
        let_be_changed(context, pod).await?;
    }
    delete_pod(context, pod, DeleteParams::default()).await
}

/// Lets go of a pod that nobody knows any more, and asks it to stop.
pub async fn orphan(context: &Context, pod: &Pod) -> Result<(), Error> {
    release_pod(context, place(pod).0, pod).await?;
    stop(context, pod).await
}

/// Makes the namespace of a pod that we hold anew if it is gone. Somebody has removed it by force, since what is held holds
/// its namespace; and in one that does not exist nothing can be changed: the kubelet cannot report the end of the pod, nor
/// can anybody take its finalizer off.
pub async fn let_be_changed(context: &Context, pod: &Pod) -> Result<(), Error> {
    if without_finalizers(pod, &[names::OUTCOME_FINALIZER]).is_none() {
        return Ok(());
    }
    let (name, pod) = place(pod);
    let cluster = &context.cluster;
    if cluster.find(&cluster.namespaces(), Kind::Namespace.as_str(), name).await?.is_some() {
        return Ok(());
    }
    warn!("namespace {name} is gone, and pod {pod} is still in it: it is made anew, to let the pod go");
    create::new_namespace(cluster, &Manifest::new(Kind::Namespace, json!({"metadata": {"name": name}}))).await
}

async fn delete_pod(context: &Context, pod: &Pod, parameters: DeleteParams) -> Result<(), Error> {
    if pod.metadata.deletion_timestamp.is_some() && !is_half_deleted(pod) {
        return Ok(());
    }
    let (namespace, name) = place(pod);
    let parameters = parameters.preconditions(precondition(pod.metadata.uid.clone()));
    delete(context, namespace, Kind::Pod, name, &parameters).await
}

fn place(pod: &Pod) -> (&str, &str) {
    let ObjectMeta { namespace, name, .. } = &pod.metadata;
    (namespace.as_deref().unwrap_or_default(), name.as_deref().unwrap_or_default())
}

/// Removes a pod that has ended.
pub async fn remove_ended(context: &Context, pod: &Pod) -> Result<Progress, Error> {
    let (namespace, name) = place(pod);
    release_pod(context, namespace, pod).await?;
    // Nothing of it runs any more, so there is nobody to give grace to.
    delete_pod(context, pod, DeleteParams::default().grace_period(0)).await?;
    // The pod's own rights and mounts are the next to go: not before it is really gone.
    let api = context.cluster.pods(namespace);
    let left = context.cluster.find(&api, Kind::Pod.as_str(), name).await?;
    let gone = left.is_none_or(|left| left.metadata.uid != pod.metadata.uid);
    Ok(if gone { Progress::Done } else { Progress::Waiting })
}

/// Whether the API server has marked the pod as deleted at once and then not removed it, although nobody holds it. It does
/// these two one after the other, and a connection that ends in between ends the deletion as well. On a node, the kubelet
/// would finish it; where there is none any more, nobody would.
fn is_half_deleted(pod: &Pod) -> bool {
    let ObjectMeta { finalizers, deletion_grace_period_seconds, .. } = &pod.metadata;
    *deletion_grace_period_seconds == Some(0) && finalizers.as_ref().is_none_or(Vec::is_empty)
}

/// Deletes a `CronJob`, the jobs that it has made, and their pods; pods that run are asked to stop, and waited for.
pub async fn remove_schedule(
    context: &Context,
    namespace: &str,
    name: &str,
    uid: &str,
) -> Result<Progress, Error> {
    let cluster = &context.cluster;
    // The schedule first, or it would start the next run meanwhile.
    let schedule = ResourceRef {
        kind: Kind::CronJob.as_str().to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        adopted: false,
    };
    remove_resources(context, &[schedule], uid).await?;
    let jobs = schedule::list(cluster, &cluster.objects(Kind::Job, namespace), "jobs", uid).await?;
    for job in jobs.iter().filter(|job| job.metadata.deletion_timestamp.is_none()) {
        let parameters = DeleteParams::background().preconditions(precondition(job.metadata.uid.clone()));
        let name = job.metadata.name.as_deref().unwrap_or_default();
        delete(context, namespace, Kind::Job, name, &parameters).await?;
    }
    let pods = schedule::pods_of(cluster, namespace, uid).await?;
    for pod in &pods {
        if matches!(pod_state(pod), PodState::Ended(_)) {
            release_pod(context, namespace, pod).await?;
        }
        stop(context, pod).await?;
    }
    let is_gone = jobs.is_empty() && pods.is_empty();
    Ok(if is_gone { Progress::Done } else { Progress::Waiting })
}

/// Where the pod of the recorded run is, if the experiment runs once.
#[must_use]
pub fn pod_of(status: &Status) -> Option<(String, String)> {
    if status.schedule.is_some() {
        return None;
    }
    // A run that was asked for and not decided on yet has no name for its pod.
    let name = status.run.as_ref().map(|run| &run.pod_name).filter(|name| !name.is_empty())?;
    Some((status.run_namespace.clone()?, name.clone()))
}

/// Where the pod is that plays the rollbacks of the recorded run, if there is one.
#[must_use]
pub fn rescue_of(status: &Status) -> Option<(String, String)> {
    let rescue = status.run.as_ref()?.rescue.as_ref().filter(|rescue| !rescue.pod_name.is_empty())?;
    Some((status.run_namespace.clone()?, rescue.pod_name.clone()))
}

/// Removes the pods of runs before the recorded one, whose own is gone or was not created yet.
pub async fn remove_past(context: &Context, status: &Status, uid: &str) -> Result<Progress, Error> {
    let Some(namespace) = &status.run_namespace else { return Ok(Progress::Done) };
    if status.run.as_ref().is_none_or(|run| run.number < 2) {
        return Ok(Progress::Done);
    }
    let mut progress = Progress::Done;
    for pod in schedule::pods_of(&context.cluster, namespace, uid).await? {
        let is_gone = match pod_state(&pod) {
            PodState::Ended(_) => remove_ended(context, &pod).await?,
            _ => stop(context, &pod).await.map(|()| Progress::Waiting)?,
        };
        if is_gone == Progress::Waiting {
            progress = Progress::Waiting;
        }
    }
    Ok(progress)
}

/// The node of a pod.
#[must_use]
pub fn node(pod: &Pod) -> Option<String> {
    pod.spec.as_ref()?.node_name.clone()
}

/// Deletes objects of the experiment with this uid, last created first. What is gone is fine; what belongs to
/// somebody else stays. One that is refused is told of, once the others are gone.
pub async fn remove_resources(context: &Context, resources: &[ResourceRef], uid: &str) -> Result<(), Error> {
    let mut refused = None;
    for resource in resources.iter().rev() {
        match remove_resource(context, resource, uid).await {
            Err(error) if error.is_for_people() => refused = refused.or(Some(error)),
            removed => removed?,
        }
    }
    refused.map_or(Ok(()), Err)
}

async fn remove_resource(context: &Context, resource: &ResourceRef, uid: &str) -> Result<(), Error> {
    let ResourceRef { kind, namespace, name, .. } = resource;
    let Some(kind) = Kind::named(kind) else { return Ok(()) };
    let found = own(&context.cluster, kind, resource, uid).await?;
    let Some(found) = found.filter(|found| found.metadata.deletion_timestamp.is_none()) else {
        return Ok(());
    };
    let parameters = DeleteParams::default().preconditions(precondition(found.metadata.uid));
    delete(context, namespace, kind, name, &parameters).await
}

/// An object on the record, if it is there and still that of the experiment with this uid.
pub async fn own(
    cluster: &Cluster,
    kind: Kind,
    recorded: &ResourceRef,
    uid: &str,
) -> Result<Option<DynamicObject>, Error> {
    let ResourceRef { namespace, name, adopted, .. } = recorded;
    let found = cluster.find(&cluster.objects(kind, namespace), kind.as_str(), name).await?;
    Ok(found.filter(|found| *adopted || belongs_to(found, uid)))
}

async fn delete(
    context: &Context,
    namespace: &str,
    kind: Kind,
    name: &str,
    parameters: &DeleteParams,
) -> Result<(), Error> {
    let api = context.cluster.objects(kind, namespace);
    let doing = format!("delete {}", named(kind, namespace, name));
    gone_is_fine(context.cluster.call(doing, api.delete(name, parameters)).await.map(|_| ()))
}

/// Only the object with this uid, should another have its name by now.
#[must_use]
pub const fn precondition(uid: Option<String>) -> Preconditions {
    Preconditions { uid, resource_version: None }
}

/// Lets the pod go: how it ended is on the record.
pub async fn release_pod(context: &Context, namespace: &str, pod: &Pod) -> Result<(), Error> {
    let Some(finalizers) = without_finalizers(pod, &[names::OUTCOME_FINALIZER]) else {
        return Ok(());
    };
    let api = context.cluster.pods(namespace);
    let release = async || context.cluster.set_finalizers(&api, Kind::Pod.as_str(), pod, &finalizers).await;
    let released = match release().await {
        Err(error) if error.is_namespace_not_found() => {
            let_be_changed(context, pod).await?;
            release().await
        }
        released => released,
    };
    gone_is_fine(released.map(|_| ()))
}

/// Whether the author wants to keep what was created. What the spec says at the deletion counts.
fn keeps_resources(report: &Report<'_>) -> bool {
    Spec::parse(report.live.spec.as_ref())
        .is_ok_and(|parsed| parsed.spec.keep_resources_on_delete == Some(true))
}

/// Takes the finalizer off pods that are not cleaned up, so that they are at least nobody else's obstacle.
async fn abandon_pods(context: &Context, report: &Report<'_>) -> Result<(), Error> {
    let Some(namespace) = report.live.status.as_ref().and_then(|status| status.run_namespace.clone()) else {
        return Ok(());
    };
    for pod in schedule::pods_of(&context.cluster, &namespace, report.live.uid()).await? {
        release_pod(context, &namespace, &pod).await?;
    }
    Ok(())
}

/// Lets the experiment go.
async fn release(context: &Context, report: &Report<'_>) -> Result<(), Error> {
    let Some(finalizers) = without_finalizers(&report.live, HOLDS) else {
        return Ok(());
    };
    let api = context.cluster.experiments(report.live.namespace());
    gone_is_fine(
        context.cluster.set_finalizers(&api, "experiment", &report.live, &finalizers).await.map(|_| ()),
    )
}

/// What was to go away and is away already has been dealt with.
pub fn gone_is_fine(result: Result<(), Error>) -> Result<(), Error> {
    match result {
        Err(error) if error.is_not_found() => Ok(()),
        result => result,
    }
}

/// Whether the cleanup has been tried for as long as it may be.
fn is_overdue(context: &Context, report: &Report<'_>) -> bool {
    let Some(deleted) = &report.live.metadata.deletion_timestamp else {
        return false;
    };
    let waited = crate::process::clock::now().as_second() - deleted.0.as_second();
    u64::try_from(waited).is_ok_and(|waited| waited > context.config.cleanup_limit.as_secs())
}
