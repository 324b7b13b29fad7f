//! Watches an experiment all the time, past the proxy, and keeps every status.

use std::sync::{Arc, Mutex};

use chaostoolkit_api::{Experiment, PastRun, Phase, Status};
use futures::StreamExt;
use kube::api::Api;
use kube::runtime::watcher::{self, Event};
use tokio::task::JoinHandle;

/// All statuses that were seen of one experiment.
pub struct Seen {
    statuses: Arc<Mutex<Vec<Status>>>,
    watching: JoinHandle<()>,
}

impl Seen {
    /// Begins to watch.
    pub fn begin(api: Api<Experiment>, name: &str) -> Self {
        let statuses = Arc::<Mutex<Vec<Status>>>::default();
        let kept = statuses.clone();
        let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
        let watching = tokio::spawn(async move {
            let mut events = std::pin::pin!(watcher::watcher(api, config));
            while let Some(event) = events.next().await {
                match event {
                    Ok(Event::Apply(found) | Event::InitApply(found) | Event::Delete(found)) => {
                        kept.lock().unwrap().push(found.status.unwrap_or_default());
                    }
                    Ok(_) => {}
                    // The API server may be down: some plans cause that.
                    Err(_) => tokio::time::sleep(std::time::Duration::from_millis(200)).await,
                }
            }
        });
        Self { statuses, watching }
    }

    /// Adds a status that somebody else has seen.
    pub fn saw(&self, status: Status) {
        self.statuses.lock().unwrap().push(status);
    }

    /// Returns the last status of the experiment.
    pub fn last(&self) -> Status {
        self.statuses.lock().unwrap().last().cloned().unwrap_or_default()
    }

    /// Returns what is wrong with the order of statuses: an end must not change.
    pub fn went_back(&self) -> Option<String> {
        let statuses = self.statuses.lock().unwrap();
        unfinished(&statuses).or_else(|| uncounted(&statuses))
    }
}

/// Returns how an experiment that had ended changed afterwards, if it did.
fn unfinished(statuses: &[Status]) -> Option<String> {
    let ends = statuses.iter().skip_while(|status| !status.is_finished());
    let first = ends.clone().next()?;
    let of =
        |status: &Status| (status.is_finished(), status.outcome, status.run.clone().map(|run| run.exit_code));
    for later in ends {
        if of(later) != of(first) {
            return Some(format!("the end {:?} became {:?}", of(first), of(later)));
        }
        // A deleted experiment may still become `Terminating`.
        if later.phase != first.phase && later.phase != Some(Phase::Terminating) {
            return Some(format!("the final phase {:?} became {:?}", first.phase, later.phase));
        }
    }
    None
}

/// Returns how a run in the history changed or lost its count, if it did. No plan has more runs than a history keeps.
fn uncounted(statuses: &[Status]) -> Option<String> {
    let count = |status: &Status| status.counters.map_or(0, |counters| counters.runs);
    statuses.iter().zip(statuses.iter().skip(1)).find_map(|(before, after)| {
        if count(after) < count(before) {
            return Some(format!("{} runs became {}", count(before), count(after)));
        }
        if after.history.first().is_some_and(|last| Some(last.outcome) != after.outcome) {
            return Some(format!(
                "the outcome {:?} is not that of the last run: {:?}",
                after.outcome, after.history
            ));
        }
        let lost = before.history.iter().find(|past| {
            let of = |other: &&PastRun| other.run.pod_uid == past.run.pod_uid;
            after
                .history
                .iter()
                .find(of)
                .is_none_or(|now| now.outcome != past.outcome || now.phase != past.phase)
        })?;
        Some(format!("the end of run {} changed: {:?}", lost.run.number, after.history))
    })
}

impl Drop for Seen {
    fn drop(&mut self) {
        self.watching.abort();
    }
}
