//! Pods that nobody knows any more: their experiment is gone, and they are still held until their end is recorded on it.
//!
//! That is so for a pod that came into being when its experiment was gone already, by a call or a controller that was
//! late, and for the pods of an experiment whose finalizer somebody took off by hand. Nobody looks at them again, and
//! they hold their namespace. The Job controller lets go of such pods of its own in the same way.
//! <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/controller/job/job_controller.go> (`syncOrphanPod`)

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::core::{DeserializeGuard, PartialObjectMeta};
use kube::runtime::reflector::Store;
use tracing::warn;

use crate::cluster::manifest::Kind;
use crate::cluster::{belongs_to, without_finalizers};
use crate::experiment::Context;
use crate::experiment::error::Error;
use crate::experiment::stages::teardown;
use crate::process::leader::term::Lead;
use chaostoolkit_api::{Experiment, names};

/// How often they are looked for. The caches are asked, and the API server only about what is found.
const PERIOD: Duration = Duration::from_secs(30);

/// The experiments, as watched.
pub type Experiments = Store<DeserializeGuard<Experiment>>;

/// Looks for them for ever, as long as this process leads.
pub async fn look(context: Arc<Context>, experiments: Experiments, lead: Lead) {
    loop {
        tokio::time::sleep(PERIOD).await;
        lead.within(sweep(&context, &experiments)).await;
    }
}

/// Lets go of those that there are, and stops them.
pub async fn sweep(context: &Context, experiments: &Experiments) {
    for pod in suspects(context, experiments) {
        let (namespace, name) = (pod.namespace().unwrap_or_default(), pod.name_any());
        if let Err(error) = let_go(context, &pod).await {
            warn!("pod {namespace}/{name}, whose experiment is gone: {}", error.describe());
        }
    }
}

/// Pods that are held for experiments that are not in the cache.
fn suspects(context: &Context, experiments: &Experiments) -> Vec<Arc<PartialObjectMeta<Pod>>> {
    let mut pods = context.pods.state();
    pods.retain(|pod| without_finalizers(pod.as_ref(), &[names::OUTCOME_FINALIZER]).is_some());
    if pods.is_empty() {
        return pods;
    }
    let known: HashSet<String> =
        experiments.state().iter().filter_map(|experiment| experiment.uid()).collect();
    pods.retain(|pod| pod.labels().get(names::UID_LABEL).is_some_and(|uid| !known.contains(uid)));
    pods
}

async fn let_go(context: &Context, suspect: &PartialObjectMeta<Pod>) -> Result<(), Error> {
    let cluster = &context.cluster;
    let uid = suspect.labels().get(names::UID_LABEL).map(String::as_str).unwrap_or_default();
    let owner = suspect.annotations().get(names::EXPERIMENT_ANNOTATION).and_then(|key| key.split_once('/'));
    // Those of other installations are theirs.
    let Some((_, experiment)) = owner.filter(|(namespace, _)| *namespace == context.config.namespace) else {
        return Ok(());
    };
    // The cache may be behind.
    let api = cluster.experiments(&context.config.namespace);
    let found = cluster.find(&api, "experiment", experiment).await?;
    if found.is_some_and(|found| found.uid() == uid) {
        return Ok(());
    }
    let (namespace, name) = (suspect.namespace().unwrap_or_default(), suspect.name_any());
    let pod = cluster.find(&cluster.pods(&namespace), Kind::Pod.as_str(), &name).await?;
    let Some(pod) = pod.filter(|pod| belongs_to(pod, uid)) else { return Ok(()) };
    warn!("pod {namespace}/{name} is let go and stopped: its experiment, {experiment}, is gone");
    teardown::orphan(context, &pod).await
}
