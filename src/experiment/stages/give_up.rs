//! Gives up a teardown that takes too long. Nothing that is left may keep its rights.
//!
//! The rights go first, since a container that ignores the request to stop could use them for as long as it likes. Then
//! the pods go without a grace period, and then the rest. Each deletion is tried, whatever became of the others.

use crate::cluster::manifest::{Kind, title};
use crate::cluster::{self, Cluster};
use crate::experiment::children::{delete, jobs, pods};
use crate::experiment::error::Error;
use crate::experiment::parent::Parent;
use chaostoolkit_api::{PodAddress, ResourceRef, Status};

/// The kinds that go before the pods: the rights, and what would create more pods.
const FIRST: [Kind; 4] = [Kind::ClusterRoleBinding, Kind::RoleBinding, Kind::Role, Kind::CronJob];

/// Removes the objects of an experiment that its status has recorded, and all its pods. Returns a sentence for each object
/// that could not be removed.
pub async fn remove_all(cluster: &Cluster, status: &Status, parent: &Parent) -> Vec<String> {
    let mut left = Vec::new();
    for kind in FIRST {
        remove_kind(cluster, status, parent, kind, &mut left).await;
    }
    if let Some(namespace) = &status.run_namespace {
        if status.schedule.is_some() {
            remove_jobs(cluster, namespace, parent, &mut left).await;
        }
        kill_pods(cluster, status, (namespace, parent), &mut left).await;
    }
    let is_rest = |one: &&ResourceRef| FIRST.iter().all(|kind| !kind.is_of(one));
    for resource in status.resources.iter().rev().filter(is_rest) {
        note(&mut left, delete::resource(cluster, resource, parent).await);
    }
    left
}

/// Deletes the recorded objects of one kind.
async fn remove_kind(
    cluster: &Cluster,
    status: &Status,
    parent: &Parent,
    kind: Kind,
    left: &mut Vec<String>,
) {
    for resource in status.resources.iter().rev().filter(|one| kind.is_of(one)) {
        note(left, delete::resource(cluster, resource, parent).await);
    }
}

/// Deletes the Jobs of a schedule, which would create their pods again.
async fn remove_jobs(cluster: &Cluster, namespace: &str, parent: &Parent, left: &mut Vec<String>) {
    match jobs::list(cluster, namespace, parent).await {
        Ok(found) => {
            for job in found.own {
                note(left, jobs::remove(cluster, &job).await);
            }
        }
        Err(error) => left.push(error.describe()),
    }
}

/// Releases and kills all pods of an experiment.
async fn kill_pods(
    cluster: &Cluster,
    status: &Status,
    (namespace, parent): (&str, &Parent),
    left: &mut Vec<String>,
) {
    let mut found = Vec::new();
    match pods::list_own(cluster, namespace, parent).await {
        Ok(listed) => found.extend(listed),
        Err(error) => {
            left.push(error.describe());
            // These have known names, so they need no list.
            let run = status.run.clone().unwrap_or_default();
            let rescue = run.rescue.and_then(|rescue| rescue.pod_uid);
            for (address, created) in [(status.run_pod(), run.pod_uid), (status.rescue_pod(), rescue)] {
                let Some(address) = address else { continue };
                match pods::find(cluster, &address, parent, created.as_deref()).await {
                    Ok(pod) => found.extend(pod.run()),
                    Err(error) => left.push(error.describe()),
                }
            }
        }
    }
    for pod in found {
        note(left, pods::release(cluster, &pod).await);
        note(left, pods::kill(cluster, &pod).await);
        let address = PodAddress::of(&pod);
        let now = pods::find_labeled(cluster, &address, parent.uid()).await;
        if let Ok(Some(now)) = now
            && now.metadata.uid == pod.metadata.uid
            && now.metadata.deletion_timestamp.is_some()
        {
            let held = now.metadata.finalizers.unwrap_or_default().join(", ");
            left.push(format!("{} is held by {held}", title(Kind::Pod, namespace, &address.name)));
        }
    }
}

/// Notes what went wrong.
fn note(left: &mut Vec<String>, result: Result<(), cluster::Error>) {
    if let Err(error) = result {
        left.push(Error::from(error).describe());
    }
}
