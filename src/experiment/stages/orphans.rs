//! Pods whose experiment is gone, and which are held until their end is recorded on it.
//!
//! Such a pod was created when its experiment was gone already, by a call or a controller that was late. Or somebody removed
//! the finalizer of its experiment by hand. Nobody looks at the pod again, and it holds its namespace. The Job controller
//! releases such pods of its own in the same way.
//! <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/controller/job/job_controller.go> (`syncOrphanPod`)

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::core::{DeserializeGuard, PartialObjectMeta};
use kube::runtime::reflector::Store;
use tracing::warn;

use crate::cluster::is_held;
use crate::experiment::children::pods;
use crate::experiment::context::Context;
use crate::experiment::error::Error;
use crate::process::leader::term::Leadership;
use chaostoolkit_api::{Experiment, PodAddress, names};

/// How often orphans are looked for. Only the caches are compared. The API server is asked about what is found.
const PERIOD: Duration = Duration::from_secs(30);

/// The experiments, as watched.
pub type Experiments = Store<DeserializeGuard<Experiment>>;

/// Looks for orphans as long as the process runs, and does so only while it leads.
pub async fn watch(context: Arc<Context>, experiments: Experiments, lead: Leadership) {
    loop {
        tokio::time::sleep(PERIOD).await;
        context.backoff.keep_only(|| uids(&experiments));
        lead.within(Box::pin(sweep(&context, &experiments))).await;
    }
}

/// Releases and stops all orphans.
pub async fn sweep(context: &Context, experiments: &Experiments) {
    for pod in suspects(context, experiments) {
        if let Err(error) = release(context, &pod).await {
            let pod = PodAddress::of(pod.as_ref());
            warn!(%pod, "cannot stop a pod whose experiment is gone: {}", error.describe());
        }
    }
}

/// The uids of all experiments.
fn uids(experiments: &Experiments) -> HashSet<String> {
    experiments.state().iter().filter_map(|experiment| experiment.uid()).collect()
}

/// Held pods of experiments that are not in the cache.
fn suspects(context: &Context, experiments: &Experiments) -> Vec<Arc<PartialObjectMeta<Pod>>> {
    let mut pods = context.pods.state();
    pods.retain(|pod| is_held(pod.as_ref()));
    if pods.is_empty() {
        return pods;
    }
    let known = uids(experiments);
    pods.retain(|pod| pod.labels().get(names::UID_LABEL).is_some_and(|uid| !known.contains(uid)));
    pods
}

async fn release(context: &Context, suspect: &PartialObjectMeta<Pod>) -> Result<(), Error> {
    let cluster = &context.cluster;
    let uid = suspect.labels().get(names::UID_LABEL).map(String::as_str).unwrap_or_default();
    let owner = suspect.annotations().get(names::EXPERIMENT_ANNOTATION).and_then(|key| key.split_once('/'));
    let address = PodAddress::of(suspect);
    // The pods of other installations belong to those.
    let is_ours = |namespace: &str| context.config.may_own(namespace, &address.namespace);
    let Some((namespace, experiment)) = owner.filter(|(namespace, _)| is_ours(namespace)) else {
        return Ok(());
    };
    // The cache may be behind. No experiment can have a name that is not valid.
    let api = cluster.experiments(namespace)?;
    let found = match api.name(experiment) {
        Ok(_) => cluster.find(&api, "experiment", experiment).await?,
        Err(_) => None,
    };
    if found.is_some_and(|found| found.uid() == uid) {
        return Ok(());
    }
    let found = match pods::find_labeled(cluster, &address, uid).await {
        // Without rights in its namespace, the operator can still let it go.
        Err(error) if error.is_forbidden() => {
            warn!(pod = %address, experiment, "letting go a pod whose experiment is gone: {}", error.describe());
            return Ok(pods::release_known(cluster, suspect).await?);
        }
        found => found?,
    };
    let Some(pod) = found else { return Ok(()) };
    warn!(pod = %address, experiment, "stopping a pod whose experiment is gone");
    Ok(pods::stop_orphan(cluster, &pod).await?)
}
