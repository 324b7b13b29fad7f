//! Lists, stops, releases and removes the pods of runs.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, Patch};
use kube::core::PartialObjectMeta;
use serde_json::json;
use tracing::warn;

use crate::cluster::manifest::{Kind, Manifest};
use crate::cluster::{self, Cluster, belongs_to, gone_is_fine, is_held, without_finalizers};
use crate::experiment::children::delete::{self, Progress};
use crate::experiment::children::{create, held, jobs, pages};
use crate::experiment::decide::plan::grace;
use crate::experiment::judge::pod_state::{PodState, pod_state};
use crate::experiment::parent::{Jobs, Parent};
use chaostoolkit_api::{PodAddress, Status, Text, names};

/// What is at the address of the pod of a run or of a rescue.
pub enum Found {
    /// Its pod.
    Run(Box<Pod>),
    /// A pod that the operator has created too: by a call that arrived after the pod of the run was gone.
    Late(Box<Pod>),
    /// Nothing, or the pod of somebody else.
    Nothing,
}

impl Found {
    /// The pod of the run or of the rescue, if it is there.
    #[must_use]
    pub fn run(self) -> Option<Pod> {
        match self {
            Self::Run(pod) => Some(*pod),
            Self::Late(_) | Self::Nothing => None,
        }
    }
}

/// Reads the pod of a run or of a rescue, whose recorded pod has this uid.
pub async fn find(
    cluster: &Cluster,
    pod: &PodAddress,
    parent: &Parent,
    recorded: Option<&str>,
) -> Result<Found, cluster::Error> {
    let PodAddress { namespace, name } = pod;
    let found = cluster.find(&cluster.pods(namespace)?, Kind::Pod.as_str(), name).await?;
    Ok(match found {
        Some(pod) if parent.has_run(&pod, recorded) => Found::Run(Box::new(pod)),
        Some(pod) if parent.has_nonce() && parent.owns(Kind::Pod, &pod) => Found::Late(Box::new(pod)),
        _ => Found::Nothing,
    })
}

/// Reads the pod at an address if it has the label of the experiment with this uid.
pub async fn find_labeled(
    cluster: &Cluster,
    pod: &PodAddress,
    uid: &str,
) -> Result<Option<Pod>, cluster::Error> {
    let PodAddress { namespace, name } = pod;
    let found = cluster.find(&cluster.pods(namespace)?, Kind::Pod.as_str(), name).await?;
    Ok(found.filter(|pod| belongs_to(pod, uid)))
}

/// Lists the `wanted` pods with the label of an experiment in a namespace, oldest first. Of very many, only the newest count.
pub async fn list(
    cluster: &Cluster,
    namespace: &str,
    uid: &str,
    wanted: impl FnMut(&Pod) -> bool,
) -> Result<Vec<Pod>, cluster::Error> {
    let mut pods = pages::newest(cluster, &cluster.pods(namespace)?, ("pods", uid), wanted).await?;
    pods.reverse();
    Ok(pods)
}

/// Deletes a pod, which asks its containers to stop. Does nothing if it is being deleted already.
pub async fn stop(cluster: &Cluster, pod: &Pod) -> Result<(), cluster::Error> {
    if pod.metadata.deletion_timestamp.is_some() {
        restore_namespace(cluster, pod).await?;
    }
    let parameters = DeleteParams::default();
    // Pods that an older operator has created may have a longer one.
    let asked = pod.spec.as_ref().and_then(|spec| spec.termination_grace_period_seconds);
    let is_too_long = asked.is_some_and(|asked| asked > grace::LONGEST);
    let longest = u32::try_from(grace::LONGEST).unwrap_or(u32::MAX);
    let parameters = if is_too_long { parameters.grace_period(longest) } else { parameters };
    delete(cluster, pod, parameters).await.map(|_| ())
}

/// Deletes a pod without a grace period, even if it is being deleted with one.
pub async fn kill(cluster: &Cluster, pod: &Pod) -> Result<(), cluster::Error> {
    let PodAddress { namespace, name } = PodAddress::of(pod);
    let now = DeleteParams::default().grace_period(0).preconditions(delete::only(pod.metadata.uid.clone()));
    delete::object(cluster, Kind::Pod, &namespace, &name, &now).await
}

/// Stops a pod whose experiment is gone, and removes its finalizer, since nobody is left to record its end.
pub async fn stop_orphan(cluster: &Cluster, pod: &Pod) -> Result<(), cluster::Error> {
    release(cluster, pod).await?;
    stop(cluster, pod).await
}

/// Ends the containers of a pod that still run, and keeps the pod and its logs. Returns the changed pod.
///
/// A deadline is the one thing that anybody may add to the spec of a running pod. It counts from the start of the pod.
/// <https://kubernetes.io/docs/concepts/workloads/pods/#pod-update-and-replacement>
pub async fn end(cluster: &Cluster, pod: &Pod) -> Result<Pod, cluster::Error> {
    let address = PodAddress::of(pod);
    let deadline = json!({"metadata": {"uid": pod.metadata.uid}, "spec": {"activeDeadlineSeconds": ENDED}});
    let (api, patching, patch) =
        (cluster.pods(&address.namespace)?, cluster::patching(), Patch::Merge(&deadline));
    let name = api.name(&address.name)?;
    cluster.call(format!("end pod {address}"), api.patch(&name, &patching, &patch)).await
}

/// The deadline of a pod that is to end at once, in seconds. 0 is not allowed.
const ENDED: i64 = 1;

/// Whether a pod was ended by its deadline, or will be soon.
#[must_use]
pub fn is_ended(pod: &Pod) -> bool {
    pod.spec.as_ref().is_some_and(|spec| spec.active_deadline_seconds == Some(ENDED))
}

/// Removes the outcome finalizer from a pod. The end of the pod is recorded by then, or nobody will record it.
pub async fn release(cluster: &Cluster, pod: &Pod) -> Result<(), cluster::Error> {
    let Some(finalizers) = without_finalizers(pod, &[names::OUTCOME_FINALIZER]) else {
        return Ok(());
    };
    let api = cluster.pods(&PodAddress::of(pod).namespace)?;
    let release = async || cluster.set_finalizers(&api, Kind::Pod.as_str(), pod, &finalizers).await;
    let released = match release().await {
        Err(error) if error.is_namespace_not_found() => {
            restore_namespace(cluster, pod).await?;
            release().await
        }
        released => released,
    };
    gone_is_fine(released)
}

/// Removes the outcome finalizer from a pod of which only the metadata is known, as watched. The operator may do that in each
/// namespace, even if it may not read the pod there.
pub async fn release_known(cluster: &Cluster, pod: &PartialObjectMeta<Pod>) -> Result<(), cluster::Error> {
    let pod = Pod { metadata: pod.metadata.clone(), ..Pod::default() };
    let Some(finalizers) = without_finalizers(&pod, &[names::OUTCOME_FINALIZER]) else {
        return Ok(());
    };
    let api = cluster.pods(&PodAddress::of(&pod).namespace)?;
    gone_is_fine(cluster.set_finalizers(&api, Kind::Pod.as_str(), &pod, &finalizers).await)
}

/// Lists the pods in a namespace that were created for an experiment, by the operator or by the Jobs of its schedule.
pub async fn list_own(
    cluster: &Cluster,
    namespace: &str,
    parent: &Parent,
) -> Result<Vec<Pod>, cluster::Error> {
    let mut jobs = Jobs::default();
    if parent.has_cron_job() {
        jobs = jobs::list(cluster, namespace, parent).await?;
    }
    list(cluster, namespace, parent.uid(), |pod| parent.owns_any(pod, &jobs)).await
}

/// Releases all pods of an experiment. Used if the pods are not cleaned up: they must not block their namespace.
pub async fn release_all(cluster: &Cluster, namespace: &str, parent: &Parent) -> Result<(), cluster::Error> {
    for pod in list_own(cluster, namespace, parent).await? {
        release(cluster, &pod).await?;
    }
    Ok(())
}

/// Removes a pod that has ended.
pub async fn remove_ended(cluster: &Cluster, pod: &Pod) -> Result<Progress, cluster::Error> {
    release(cluster, pod).await?;
    // Nothing runs in it any more, so nothing needs a grace period.
    let now = DeleteParams::default().grace_period(0);
    // The caller removes the rights and mounts of the pod next. The pod has to be gone by then.
    if delete(cluster, pod, now).await? == Deletion::Complete {
        return Ok(Progress::Done);
    }
    let PodAddress { namespace, name } = PodAddress::of(pod);
    let left = cluster.find(&cluster.pods(&namespace)?, Kind::Pod.as_str(), &name).await?;
    let left = left.filter(|left| left.metadata.uid == pod.metadata.uid);
    Ok(left.map_or(Progress::Done, |left| held::until_gone(Kind::Pod, &left.metadata)))
}

/// Removes the pods of earlier runs. The pod of the recorded run is gone by then, or was not created yet.
pub async fn remove_earlier(
    cluster: &Cluster,
    status: &Status,
    parent: &Parent,
) -> Result<Progress, cluster::Error> {
    let Some(namespace) = &status.run_namespace else { return Ok(Progress::Done) };
    if status.run.as_ref().is_none_or(|run| run.number < 2) {
        return Ok(Progress::Done);
    }
    let mut progress = Progress::Done;
    for pod in list(cluster, namespace, parent.uid(), |pod| parent.owns_pod(pod)).await? {
        let removed = match pod_state(&pod) {
            PodState::Ended(_) => remove_ended(cluster, &pod).await?,
            _ => stop(cluster, &pod).await.map(|()| Progress::Waiting)?,
        };
        progress = progress.and(removed);
    }
    Ok(progress)
}

/// Creates the namespace of a held pod again if somebody removed it by force.
///
/// A held pod holds its namespace, so only force removes that. The API server changes nothing in a namespace that does not
/// exist: the kubelet cannot report the end of the pod, and nobody can remove its finalizer.
pub async fn restore_namespace(cluster: &Cluster, pod: &Pod) -> Result<(), cluster::Error> {
    if !is_held(pod) {
        return Ok(());
    }
    let address = PodAddress::of(pod);
    let name = &address.namespace;
    if cluster.find(&cluster.namespaces(), Kind::Namespace.as_str(), name).await?.is_some() {
        return Ok(());
    }
    warn!(
        namespace = name,
        pod = address.name,
        "creating the namespace again, since a held pod is left in it"
    );
    let namespace = Manifest::new(Kind::Namespace, json!({"metadata": {"name": name}}));
    create::missing_namespace(cluster, &namespace).await
}

/// What came of the deletion of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deletion {
    /// The pod is gone.
    Complete,
    /// The pod may be left.
    Begun,
}

async fn delete(cluster: &Cluster, pod: &Pod, parameters: DeleteParams) -> Result<Deletion, cluster::Error> {
    let is_repeated = pod.metadata.deletion_timestamp.is_some();
    if is_repeated && !is_half_deleted(pod) {
        return Ok(Deletion::Begun);
    }
    let address = PodAddress::of(pod);
    let parameters = parameters.preconditions(delete::only(pod.metadata.uid.clone()));
    let api = cluster.pods(&address.namespace)?;
    let name = api.name(&address.name)?;
    match cluster.call(format!("delete pod {address}"), api.delete(&name, &parameters)).await {
        // The API server returns the pod as it was at its end, or as it is left.
        Ok(Some(left)) if !is_repeated && is_removed(&left) => Ok(Deletion::Complete),
        Ok(_) => Ok(Deletion::Begun),
        Err(error) if error.is_not_found() => Ok(Deletion::Complete),
        Err(error) => Err(error),
    }
}

/// Whether the response to the first deletion of a pod shows that it is gone: nothing holds it, and it has no time left.
fn is_removed(left: &Pod) -> bool {
    let ObjectMeta { finalizers, deletion_grace_period_seconds, .. } = &left.metadata;
    deletion_grace_period_seconds.is_none_or(|seconds| seconds == 0)
        && finalizers.as_ref().is_none_or(Vec::is_empty)
}

/// Whether the API server has marked a pod as deleted at once, and then not removed it although it has no finalizers.
///
/// The API server does these two one after the other, and a connection that ends in between ends the deletion as well. The
/// kubelet would finish it, but a node that is gone has no kubelet.
fn is_half_deleted(pod: &Pod) -> bool {
    let ObjectMeta { finalizers, deletion_grace_period_seconds, .. } = &pod.metadata;
    *deletion_grace_period_seconds == Some(0) && finalizers.as_ref().is_none_or(Vec::is_empty)
}
