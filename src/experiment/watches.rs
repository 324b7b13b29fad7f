//! The stop conditions of the runs that go on, read in the background.
//!
//! A pass says which run has which conditions, and asks later whether one is met. A reading takes as long as its source
//! likes, so no pass waits for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::core::ApiResource;
use tokio::time::MissedTickBehavior;
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

use crate::cluster::Cluster;
use crate::process::bell::Bell;
use crate::process::clock;
use crate::process::metrics::Metrics;
use crate::process::metrics::budgets::Budget;
use crate::signals::reading::{Reading, SignalError};
use crate::signals::resource;
use crate::signals::signal::Signal;
use crate::signals::sources::Sources;
use crate::signals::watch::{Step, StopCondition, Watch};
use chaostoolkit_api::Stop;
use chaostoolkit_api::reason::Reason;

/// How many runs are watched. Each has up to 16 conditions, and each condition a timer.
const MOST: usize = 4096;

/// The runs that are watched. Clones share them.
#[derive(Clone)]
pub struct Watches {
    sources: Sources,
    cluster: Cluster,
    /// Rings when a condition is met.
    bell: Bell,
    /// By the uid of the pod.
    runs: Arc<Mutex<HashMap<String, Watched>>>,
    metrics: Metrics,
}

/// A run that is watched.
struct Watched {
    /// The uid of the experiment.
    experiment: String,
    conditions: Vec<StopCondition>,
    /// Why the run is to stop, if one of its conditions was met.
    met: Option<Stop>,
    /// Ends with this.
    _task: AbortOnDropHandle<()>,
}

/// A run that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The uid of its experiment.
    pub experiment: String,
    /// The namespace of its experiment, which decides on the sources.
    pub home: String,
    /// The uid of its pod.
    pub pod: String,
    /// The namespace of its pod, which has the objects.
    pub namespace: String,
}

/// How the signal of a condition is read.
#[derive(Clone, Debug)]
pub enum Access {
    /// By a question to a source.
    Source,
    /// From an object of this resource. Its kind was granted, and the author may get it.
    Object(ApiResource),
    /// It is not, for this reason.
    Refused(SignalError),
}

impl Watches {
    /// Watches no run yet.
    #[must_use]
    pub fn new(sources: Sources, cluster: Cluster, bell: Bell, metrics: Metrics) -> Self {
        Self { sources, cluster, bell, runs: Arc::default(), metrics }
    }

    /// How many stop conditions are read.
    #[must_use]
    pub fn conditions(&self) -> usize {
        self.lock().values().filter(|run| run.met.is_none()).map(|run| run.conditions.len()).sum()
    }

    /// Whether the run of a pod is watched.
    #[must_use]
    pub fn has(&self, pod: &str) -> bool {
        self.lock().contains_key(pod)
    }

    /// Whether the run of a pod is watched for these conditions.
    #[must_use]
    pub fn has_these(&self, pod: &str, conditions: &[StopCondition]) -> bool {
        self.lock().get(pod).is_some_and(|run| run.conditions == conditions)
    }

    /// Watches a run for these conditions, and for no others. What was counted before does not count any more.
    pub fn watch(&self, run: Run, conditions: Vec<(StopCondition, Access)>) {
        let mut runs = self.lock();
        let met = runs.remove(&run.pod).and_then(|before| before.met);
        if runs.len() >= MOST {
            self.metrics.budget_reached(Budget::StopConditions);
            warn!(
                pod = run.pod,
                limit = MOST,
                "too many runs are watched to watch the stop conditions of this one"
            );
            return;
        }
        let (experiment, pod) = (run.experiment.clone(), run.pod.clone());
        let read: Vec<StopCondition> = conditions.iter().map(|(condition, _)| condition.clone()).collect();
        // It finds its entry, since that is made before the lock is free.
        let task = AbortOnDropHandle::new(tokio::spawn(self.clone().until_met(run, conditions)));
        runs.insert(pod, Watched { experiment, conditions: read, met, _task: task });
    }

    /// Why the run of a pod is to stop, if one of its conditions was met.
    #[must_use]
    pub fn met(&self, pod: &str) -> Option<Stop> {
        self.lock().get(pod)?.met.clone()
    }

    /// Forgets the run of a pod.
    pub fn forget(&self, pod: &str) {
        self.lock().remove(pod);
    }

    /// Forgets the runs of an experiment except those of these pods.
    pub fn keep(&self, experiment: &str, goes_on: impl Fn(&str) -> bool) {
        self.lock().retain(|pod, run| run.experiment != experiment || goes_on(pod));
    }

    /// Forgets the runs of experiments that are gone, or whose runs have ended.
    pub fn retain(&self, is_open: impl Fn(&str) -> bool) {
        self.lock().retain(|_, run| is_open(&run.experiment));
    }

    /// Reads the conditions of a run until one is met. Each has its own time, so that none waits for the source of another.
    async fn until_met(self, run: Run, conditions: Vec<(StopCondition, Access)>) {
        let mut all: FuturesUnordered<_> =
            conditions.iter().map(|(condition, access)| self.condition(&run, condition, access)).collect();
        let Some(message) = all.next().await else { return };
        info!(pod = run.pod, "a run is to stop: {message}");
        let reason = Reason::StopConditionMet.into();
        let stop = Stop { reason, message, freeze: None, at: Some(Time(clock::of_server())) };
        if let Some(watched) = self.lock().get_mut(&run.pod) {
            watched.met.get_or_insert(stop);
        }
        self.bell.ring();
    }

    /// Reads one condition until it is met. Returns which one, and what was read.
    async fn condition(&self, run: &Run, condition: &StopCondition, access: &Access) -> String {
        let mut watch = Watch::default();
        let mut ticks = tokio::time::interval(condition.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_read = true;
        loop {
            ticks.tick().await;
            let read = self.read(run, &condition.signal, access).await;
            if read.is_ok() != is_read {
                is_read = read.is_ok();
                let name = &condition.name;
                match &read {
                    Ok(_) => info!(pod = run.pod, name, "a stop condition is read again"),
                    Err(error) => warn!(pod = run.pod, name, %error, "a stop condition cannot be read"),
                }
            }
            if let Step::Stop { message } = watch.advance(condition, &read) {
                return message;
            }
        }
    }

    async fn read(&self, run: &Run, signal: &Signal, access: &Access) -> Result<Reading, SignalError> {
        match (signal, access) {
            (_, Access::Refused(error)) => Err(error.clone()),
            (Signal::Source(question), _) => self.sources.read(question, &run.home).await,
            (Signal::Resource(expected), Access::Object(object)) => {
                resource::read(&self.cluster, object, &run.namespace, expected).await
            }
            (Signal::Resource(_) | Signal::Experiment(_), _) => {
                Err(SignalError::new(Reason::SourceNotAllowed, "a stop condition cannot be read like this"))
            }
        }
    }

    /// A panic while the lock was held leaves nothing half-done: an entry exists or not.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Watched>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "watches_tests.rs"]
mod tests;
