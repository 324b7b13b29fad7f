//! What the last pass saw of a run that goes on.
//!
//! Each write of the operator comes back as an event, and each step of the kubelet as another one. A pass that would see what
//! the last one saw makes no call. One that sees a newer experiment starts from the cache, if that has all that it needs.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::core::PartialObjectMeta;
use kube::runtime::reflector::{ObjectRef, Store};
use tokio::time::Instant;

use crate::experiment::intent::Intent;
use crate::experiment::wait::Wait;
use crate::process::remembered::Remembered;
use chaostoolkit_api::{Experiment, ResourceRef, Status};

/// What the last pass over each experiment saw, by the uid of the experiment.
#[derive(Debug, Default)]
pub struct Followed(Remembered<Seen>);

/// What a pass saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Seen {
    /// The version of the experiment, as it was read or last written.
    experiment: u64,
    /// The version of the pod, as it was read. Nothing if it was created and its record waits.
    pod: Option<String>,
    /// The objects of the run, if the pass has created them and their uids are not on the status yet.
    made: Vec<ResourceRef>,
    /// Whether the experiment was torn down.
    is_gone: bool,
    /// When the next pass is due without a change.
    end: Option<Instant>,
}

/// For how long it is remembered. Without it, a pass reads what it needs.
const AGE: Duration = Duration::from_secs(15 * 60);

impl Followed {
    /// Remembers the versions of an experiment and of its pod, as a pass saw them that waits for this.
    pub fn saw(&self, live: &Experiment, pod: String, wait: Wait) {
        self.put(live, Seen { pod: Some(pod), end: wait.end(), ..Seen::default() });
    }

    /// Remembers that a pass has created these objects and the pod of the run, and that their record waits.
    pub fn created(&self, live: &Experiment, made: Vec<ResourceRef>) {
        self.put(live, Seen { made, ..Seen::default() });
    }

    /// Remembers that an experiment was torn down. The cache has it for a moment longer.
    pub fn removed(&self, live: &Experiment) {
        self.put(live, Seen { is_gone: true, ..Seen::default() });
    }

    fn put(&self, live: &Experiment, seen: Seen) {
        if let Some(experiment) = version(live) {
            self.0.put(live.uid().to_owned(), Seen { experiment, ..seen }, AGE);
        }
    }

    fn get(&self, experiment: &Experiment) -> Option<Seen> {
        self.0.get(experiment.uid(), AGE)
    }

    /// Returns the objects that the last pass has created, if their record waits and nobody has changed the experiment since.
    #[must_use]
    pub fn made(&self, live: &Experiment) -> Option<Vec<ResourceRef>> {
        let last = self.get(live)?;
        (!last.made.is_empty() && version(live)? == last.experiment).then_some(last.made)
    }

    /// Returns what to wait for if neither a cached experiment nor its pod has changed since the last pass. The caches may be
    /// behind what that pass saw. What they lack brings another pass.
    #[must_use]
    pub fn unchanged(&self, seen: &Experiment, pods: &Store<PartialObjectMeta<Pod>>) -> Option<Wait> {
        let last = self.get(seen)?;
        if last.is_gone {
            return Some(Wait::for_change());
        }
        let address = seen.status.as_ref()?.run_pod()?;
        let pod = pods.get(&ObjectRef::new(&address.name).within(&address.namespace))?;
        let is_unchanged = !seen.is_deleting()
            && seen.status.as_ref()?.observed_generation == seen.metadata.generation
            && version(seen)? <= last.experiment
            && last.pod.is_some()
            && pod.metadata.resource_version == last.pod
            && last.end.is_none_or(|end| Instant::now() < end);
        is_unchanged.then(|| Wait::until(last.end))
    }

    /// Whether a pass that follows a run may start from the cached experiment. It must be at least as new as what this process
    /// last saw or wrote. The pass reads the experiment before it decides on a run, and once the run has ended.
    #[must_use]
    pub fn may_start_from(&self, cached: &Experiment) -> bool {
        let Some(last) = self.get(cached) else { return false };
        let is_current = version(cached).is_some_and(|version| version >= last.experiment);
        let follows = |status: &Status| {
            let run = status.run.as_ref();
            status.schedule.is_none()
                && !status.is_finished()
                && status.observed_generation == cached.metadata.generation
                && !Intent::of(cached).is_rerun_due(status)
                // The cache has neither history nor counters. The first run has none before its end.
                && run.is_some_and(|run| run.number == 1 && (run.pod_uid.is_some() || !last.made.is_empty()))
        };
        is_current && !cached.is_deleting() && cached.status.as_ref().is_some_and(follows)
    }
}

/// The version of an experiment. Versions of one object can be compared.
/// <https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions>
fn version(experiment: &Experiment) -> Option<u64> {
    experiment.metadata.resource_version.as_ref()?.parse().ok()
}
