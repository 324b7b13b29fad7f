//! Whether the run that somebody waits for has ended, and where it is otherwise.

use chaostoolkit_api::condition::{self, State, Type};
use chaostoolkit_api::{Experiment, Phase, PodAddress, Status, Text, Trigger};
use chaostoolkit_operator::experiment::intent::{Intent, is_scheduled};
use chaostoolkit_operator::experiment::stages::rescue;
use chaostoolkit_report::text::one_line;
use chaostoolkit_report::times;
use k8s_openapi::jiff::Timestamp;

use crate::model::ended::{Ended, ended, refused};
use crate::model::runs;
use crate::model::select::Number;

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goal {
    /// The end of the run of an experiment without a schedule, with all reruns that were asked for.
    Run,
    /// The end of the next run of a schedule.
    Scheduled {
        /// The number of the last run that has ended.
        after: i32,
        /// The Jobs of the runs that were skipped before.
        skipped: Vec<String>,
        /// Only runs that were started for this reason count.
        trigger: Option<Trigger>,
    },
}

/// What has come of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// It goes on.
    Going(Going),
    /// The run has ended.
    Ended(Ended),
    /// The run does not start until somebody does something.
    Stuck {
        /// The reason in a word.
        reason: String,
        /// A sentence.
        message: String,
    },
}

/// Where a run is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Going {
    /// The phase in a word.
    pub word: String,
    /// A sentence, which may be empty.
    pub message: String,
    /// The pod of the run, if it has one.
    pub pod: Option<PodAddress>,
    /// When its container started.
    pub started: Option<Timestamp>,
    /// Whether nothing runs yet.
    pub is_waiting: bool,
    /// Whether an operator has looked at the experiment at all.
    pub is_known: bool,
}

/// Returns what to wait for, from what the experiment is like now.
#[must_use]
pub fn goal(experiment: &Experiment, trigger: Option<Trigger>) -> Goal {
    if !is_scheduled(experiment) {
        return Goal::Run;
    }
    let all = runs::of(experiment);
    let after = all.iter().filter(|view| !runs::goes_on(view)).map(|view| view.run.number).max();
    let skipped = all.iter().filter(|view| view.phase == Phase::Skipped);
    Goal::Scheduled {
        after: after.unwrap_or_default(),
        skipped: skipped.filter_map(|view| view.run.job_name.clone()).collect(),
        trigger,
    }
}

/// Says whether a goal is reached.
#[must_use]
pub fn seen(experiment: &Experiment, goal: &Goal) -> Seen {
    let status = experiment.status.clone().unwrap_or_default();
    match goal {
        Goal::Run => of_run(experiment, &status),
        Goal::Scheduled { after, skipped, trigger } => {
            of_schedule(experiment, &status, *after, skipped, *trigger)
        }
    }
}

fn of_run(experiment: &Experiment, status: &Status) -> Seen {
    let intent = Intent::of(experiment);
    let is_rerun_due = status.run.is_some() && intent.is_rerun_due(status);
    if let Some(view) = status.is_finished().then(|| runs::find(experiment, Number::Latest).ok()).flatten() {
        if rescue::is_open(status, &intent) {
            return Seen::Going(Going {
                word: "Rescue".to_owned(),
                ..going(status, "another pod plays the rollbacks")
            });
        }
        if !is_rerun_due || intent.suspend {
            return if is_rerun_due {
                stuck(Phase::Suspended.as_str(), "it is suspended")
            } else {
                Seen::Ended(ended(experiment, &view))
            };
        }
        return Seen::Going(Going {
            word: "Pending".to_owned(),
            ..going(status, "one more run was asked for")
        });
    }
    if is_over_without_a_run(experiment, status) {
        return Seen::Ended(refused(&one_line(status.message.as_deref().unwrap_or_default())));
    }
    held(experiment, status).unwrap_or_else(|| Seen::Going(going(status, "")))
}

/// Whether the operator has refused the spec as it is now.
fn is_over_without_a_run(experiment: &Experiment, status: &Status) -> bool {
    let finished = condition::find(&status.conditions, Type::Finished);
    finished.is_some_and(|finished| finished.status == State::True.as_str())
        && status.observed_generation >= experiment.metadata.generation
}

/// What keeps a run from starting until somebody does something.
fn held(experiment: &Experiment, status: &Status) -> Option<Seen> {
    if status.observed_generation < experiment.metadata.generation || has_pod(status) {
        return None;
    }
    let message = || one_line(status.message.as_deref().unwrap_or_default());
    if status.phase == Some(Phase::Suspended) {
        return Some(stuck(status.reason.as_deref().unwrap_or("Suspended"), &message()));
    }
    let permitted = condition::find(&status.conditions, Type::Permitted)?;
    (status.phase == Some(Phase::Blocked) && permitted.status == State::False.as_str())
        .then(|| stuck(&permitted.reason, &one_line(&permitted.message)))
}

fn stuck(reason: &str, message: &str) -> Seen {
    Seen::Stuck { reason: one_line(reason), message: message.to_owned() }
}

fn of_schedule(
    experiment: &Experiment,
    status: &Status,
    after: i32,
    skipped: &[String],
    trigger: Option<Trigger>,
) -> Seen {
    let is_new = |view: &&runs::View| {
        let job = view.run.job_name.as_deref().unwrap_or_default();
        let is_new = if view.run.number > 0 {
            view.run.number > after
        } else {
            !skipped.iter().any(|known| known == job)
        };
        is_new && !runs::goes_on(view) && trigger.is_none_or(|trigger| trigger == view.run.trigger)
    };
    // The oldest of those that have ended since.
    if let Some(view) = runs::of(experiment).iter().rfind(is_new) {
        return Seen::Ended(ended(experiment, view));
    }
    if is_over_without_a_run(experiment, status) && status.phase == Some(Phase::Failed) {
        return Seen::Ended(refused(&one_line(status.message.as_deref().unwrap_or_default())));
    }
    let schedule = status.schedule.clone().unwrap_or_default();
    if schedule.active.is_empty()
        && let Some(stuck) = held(experiment, status)
    {
        return stuck;
    }
    let next = schedule.next_schedule_time.filter(|_| schedule.active.is_empty());
    let due = next.map(|next| format!("the next run is due at {}", times::time(next.0)));
    let going = going(status, &due.unwrap_or_default());
    let pod = schedule.active.last().cloned().zip(status.run_namespace.clone());
    let pod = pod.map(|(name, namespace)| PodAddress { namespace, name });
    Seen::Going(Going { is_waiting: pod.is_none(), pod, ..going })
}

fn going(status: &Status, otherwise: &str) -> Going {
    let message = status.message.as_deref().map(one_line).filter(|message| !message.is_empty());
    let started = status.run.as_ref().filter(|run| run.finished_at.is_none());
    Going {
        word: status.phase.map_or("Pending", Phase::as_str).to_owned(),
        message: if otherwise.is_empty() { message.unwrap_or_default() } else { otherwise.to_owned() },
        pod: status.run_pod(),
        started: started.and_then(|run| run.started_at.as_ref()).map(|time| time.0),
        is_waiting: started.is_none_or(|run| run.started_at.is_none()),
        is_known: status.observed_generation.is_some(),
    }
}

/// Whether the pod of a run that goes on was created.
fn has_pod(status: &Status) -> bool {
    status.run.as_ref().is_some_and(|run| run.pod_uid.is_some() && run.finished_at.is_none())
}

#[cfg(test)]
mod tests;
