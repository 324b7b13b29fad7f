//! Whether an experiment needs a pass at all.

use kube::runtime::reflector::ObjectRef;

use crate::cluster::{belongs_to, is_held};
use crate::experiment::context::Context;
use crate::experiment::intent::Intent;
use crate::experiment::stages::{rescue, retention, targets, ttl};
use crate::experiment::wait::Wait;
use crate::process::clock;
use chaostoolkit_api::Experiment;

/// Returns what to wait for if there is nothing to do for an experiment: its run has ended, that is recorded, its pod was
/// released, and nothing more is asked for.
///
/// Judges from the caches alone, so that a restarted operator makes no call for its finished experiments.
pub fn settled(context: &Context, seen: &Experiment) -> Option<Wait> {
    let status = seen.status.as_ref().filter(|status| status.is_finished())?;
    let intent = Intent::of(seen);
    let now = clock::now();
    let addresses = [status.run_pod(), status.rescue_pod()].into_iter().flatten();
    let pods: Vec<_> = addresses
        .filter_map(|address| context.pods.get(&ObjectRef::new(&address.name).within(&address.namespace)))
        .filter(|pod| belongs_to(pod.as_ref(), seen.uid()))
        .collect();
    let is_open = pods.iter().any(|pod| is_held(pod.as_ref()))
        || seen.is_deleting()
        || status.observed_generation != seen.metadata.generation
        || rescue::is_open(status, &intent)
        || intent.is_rerun_due(status)
        || targets::is_due(status)
        || ttl::is_due(status, &intent, now)
        || retention::is_due(status, &intent, !pods.is_empty());
    (!is_open).then(|| ttl::until_due(status, &intent, now))
}
