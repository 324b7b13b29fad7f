//! The statuses of the freezes: what each of them holds, and what it has stopped.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::api::Patch;
use kube::core::DeserializeGuard;
use kube::runtime::reflector::Store;
use serde_json::json;
use tracing::warn;

use crate::cluster::{self, Cluster, gone_is_fine, patching};
use crate::experiment::freezes::known::{self, Freezes};
use crate::experiment::freezes::over::{ACTIVE, Read};
use crate::process::clock;
use chaostoolkit_api::freeze::FreezeStatus;
use chaostoolkit_api::{Experiment, Freeze, Status, Stop};

/// How often the numbers are counted.
pub const PERIOD: Duration = Duration::from_secs(5);

/// What the statuses follow from.
pub struct Facts<'a> {
    /// The freezes as watched.
    pub freezes: &'a Store<known::Watched>,
    /// The experiments as watched.
    pub experiments: &'a Store<DeserializeGuard<Experiment>>,
}

/// Writes the status of each freeze that is not up to date. A failure is logged, and the next attempt follows.
pub async fn report(cluster: &Cluster, known: &Freezes, facts: &Facts<'_>) {
    let freezes = facts.freezes.state();
    if freezes.is_empty() {
        return;
    }
    let experiments = facts.experiments.state();
    let readable = || experiments.iter().filter_map(|experiment| experiment.0.as_ref().ok());
    let is_open = |experiment: &&Experiment| !experiment.status.as_ref().is_some_and(Status::is_finished);
    let open: HashSet<&str> = readable().filter(is_open).map(Experiment::uid).collect();
    let held = known.held(|uid| open.contains(uid));
    let stops = stops(readable());
    let now = clock::of_server();
    for freeze in freezes.iter().filter_map(|freeze| freeze.0.as_ref().ok()) {
        let wanted = status(freeze, &held, &stops, now);
        if freeze.status.as_ref() != Some(&wanted)
            && let Err(error) = write(cluster, freeze, &wanted).await
        {
            warn!("{}", error.describe());
        }
    }
}

/// When each freeze has stopped runs, by its name.
fn stops<'a>(experiments: impl Iterator<Item = &'a Experiment>) -> BTreeMap<String, Vec<Timestamp>> {
    let mut stops: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
    for status in experiments.filter_map(|experiment| experiment.status.as_ref()) {
        let mut of_pods: Vec<&Stop> =
            status.schedule.iter().flat_map(|schedule| &schedule.stopped).map(|pod| &pod.stop).collect();
        if of_pods.is_empty() {
            // The last run of a schedule is one of these until it is recorded. The cache has no history.
            of_pods.extend(status.run.as_ref().and_then(|run| run.stop.as_ref()));
        }
        for stop in of_pods {
            if let (Some(freeze), Some(at)) = (&stop.freeze, &stop.at) {
                stops.entry(freeze.clone()).or_default().push(at.0);
            }
        }
    }
    stops
}

/// The status that a freeze is to have: pure.
fn status(
    freeze: &Freeze,
    held: &BTreeMap<String, usize>,
    stops: &BTreeMap<String, Vec<Timestamp>>,
    now: Timestamp,
) -> FreezeStatus {
    let read = Read::of(freeze);
    let key = read.key();
    let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    // An earlier freeze may have had the same name.
    let since = freeze.metadata.creation_timestamp.as_ref().map_or(Timestamp::MIN, |created| created.0);
    let stopped = stops.get(&key).map_or(0, |times| times.iter().filter(|at| **at >= since).count());
    let state = read.state(now);
    // What was held when the freeze ended has not all been asked again.
    let held = held.get(&key).copied().filter(|_| state == ACTIVE).unwrap_or_default();
    FreezeStatus {
        observed_generation: freeze.metadata.generation,
        state: Some(state.to_owned()),
        held: count(held),
        // What was deleted since is not forgotten.
        stopped: count(stopped).max(freeze.status.as_ref().map_or(0, |status| status.stopped)),
    }
}

async fn write(cluster: &Cluster, freeze: &Freeze, status: &FreezeStatus) -> Result<(), cluster::Error> {
    let namespace = freeze.metadata.namespace.as_deref().unwrap_or_default();
    let name = freeze.metadata.name.as_deref().unwrap_or_default();
    let api = cluster.freezes(namespace)?;
    let (checked, parameters) = (api.name(name)?, patching());
    // Another freeze may have taken its place.
    let patch = Patch::Merge(json!({"metadata": {"uid": freeze.metadata.uid}, "status": status}));
    let doing = format!("write the status of freeze {namespace}/{name}");
    gone_is_fine(cluster.call(doing, api.patch_status(&checked, &parameters, &patch)).await.map(|_| ()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn freeze(spec: serde_json::Value, status: serde_json::Value) -> Freeze {
        let metadata = json!({"namespace": "home", "name": "f", "generation": 3,
            "creationTimestamp": "2026-12-01T10:00:00Z"});
        let object = json!({"apiVersion": "chaostoolkit.org/v1", "kind": "ChaosToolkitFreeze",
            "metadata": metadata, "spec": spec, "status": status});
        serde_json::from_value(object).unwrap()
    }

    fn experiment(status: serde_json::Value) -> Experiment {
        serde_json::from_value(json!({"metadata": {"name": "e", "namespace": "home"}, "status": status}))
            .unwrap()
    }

    #[test]
    fn a_status_counts_what_the_freeze_holds_and_what_it_has_stopped_since_it_exists() {
        let stop = |at: &str| json!({"reason": "Frozen", "freeze": "home/f", "at": at});
        let pod = |at: &str| json!({"podUid": "p", "reason": "Frozen", "freeze": "home/f", "at": at});
        let run = |at: &str| json!({"run": {"number": 1, "podName": "p", "stop": stop(at)}});
        let experiments = [
            experiment(run("2026-12-01T11:00:00Z")),
            experiment(run("2026-12-01T09:00:00Z")),
            experiment(json!({"schedule": {"cron": "* * * * *", "stopped": [pod("2026-12-01T11:00:00Z")]},
                "run": {"number": 1, "podName": "p", "stop": stop("2026-12-01T11:00:00Z")}})),
            experiment(json!({})),
        ];
        let stops = stops(experiments.iter());
        let held = BTreeMap::from([("home/f".to_owned(), 2), ("home/g".to_owned(), 7)]);
        let now = "2026-12-01T12:00:00Z".parse().unwrap();
        let counted = status(&freeze(json!({}), json!(null)), &held, &stops, now);
        let expected = FreezeStatus {
            observed_generation: Some(3),
            state: Some("Active".to_owned()),
            held: 2,
            stopped: 2,
        };
        assert_eq!(counted, expected);
        let kept =
            status(&freeze(json!({"active": false}), json!({"held": 1, "stopped": 5})), &held, &stops, now);
        assert_eq!((kept.held, kept.stopped, kept.state.as_deref()), (0, 5, Some("Inactive")));
    }
}
