//! When pods were created and when experiments had their outcome, as a watch shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chaostoolkit_api::{Experiment, names};
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::runtime::{WatchStreamExt, watcher};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::common::install::Install;
use crate::common::status;

/// The times by the name of an experiment.
#[derive(Clone, Debug, Default)]
pub struct Times {
    /// When its pod was there, with the name of the pod.
    pub pods: BTreeMap<String, (Instant, String)>,
    /// When its status had the end of the run.
    pub ends: BTreeMap<String, Instant>,
    /// The experiments that there are.
    pub present: BTreeSet<String>,
}

/// Watches the experiments and pods of an installation until it is dropped.
pub struct Seen {
    times: watch::Receiver<Times>,
    task: JoinHandle<()>,
}

impl Seen {
    pub fn watch(install: &Install) -> Self {
        let (sender, times) = watch::channel(Times::default());
        let sender = Arc::new(sender);
        let pods = watcher(install.pods(), watcher::Config::default().labels(names::UID_LABEL));
        let pods = pods.default_backoff().applied_objects().try_for_each({
            let sender = Arc::clone(&sender);
            move |pod| {
                note_pod(&sender, &pod);
                futures::future::ok(())
            }
        });
        let experiments = watcher(install.experiments(), watcher::Config::default()).default_backoff();
        let experiments = experiments.for_each(move |event| {
            if let Ok(event) = event {
                note_experiment(&sender, event);
            }
            futures::future::ready(())
        });
        let task = tokio::spawn(async move {
            let (ended, ()) = futures::future::join(pods, experiments).await;
            ended.unwrap();
        });
        Self { times, task }
    }

    /// Returns the times so far.
    pub fn now(&self) -> Times {
        self.times.borrow().clone()
    }

    /// Waits until the times are as wanted.
    pub async fn until(&mut self, limit: Duration, what: &str, wanted: impl Fn(&Times) -> bool) -> Times {
        let found = tokio::time::timeout(limit, self.times.wait_for(|times| wanted(times))).await;
        let found = found.map(|found| found.unwrap().clone());
        found.unwrap_or_else(|_| {
            let times = self.now();
            panic!(
                "this did not happen within {limit:?}: {what}; there are {} pods and {} ends of {} experiments",
                times.pods.len(),
                times.ends.len(),
                times.present.len()
            )
        })
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn note_pod(sender: &watch::Sender<Times>, pod: &Pod) {
    let owner = pod.annotations().get(names::EXPERIMENT_ANNOTATION);
    let Some((_, name)) = owner.and_then(|owner| owner.split_once('/')) else { return };
    let now = Instant::now();
    sender.send_if_modified(|times| {
        let is_new = !times.pods.contains_key(name);
        times.pods.entry(name.to_owned()).or_insert_with(|| (now, pod.name_any()));
        is_new
    });
}

fn note_experiment(sender: &watch::Sender<Times>, event: watcher::Event<Experiment>) {
    let now = Instant::now();
    sender.send_modify(|times| match event {
        watcher::Event::Init => times.present.clear(),
        watcher::Event::InitDone => {}
        watcher::Event::Delete(experiment) => {
            times.present.remove(&experiment.name_any());
        }
        watcher::Event::InitApply(experiment) | watcher::Event::Apply(experiment) => {
            times.present.insert(experiment.name_any());
            note_end(times, &experiment, now);
        }
    });
}

fn note_end(times: &mut Times, experiment: &Experiment, now: Instant) {
    if status(Some(experiment)).is_finished() {
        times.ends.entry(experiment.name_any()).or_insert(now);
    }
}
