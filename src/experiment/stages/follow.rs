//! Follows the pod of a run to its end, and records that.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::experiment::children::pods::{self, Found};
use crate::experiment::context::{Context, JOURNAL_RETRY, TEARDOWN_RESYNC, requeue_at};
use crate::experiment::error::Error;
use crate::experiment::freezes::over::Reach;
use crate::experiment::intent::Intent;
use crate::experiment::journals;
use crate::experiment::judge::evidence::Evidence;
use crate::experiment::judge::pod_state::{PodState, pod_state};
use crate::experiment::pass::Pass;
use crate::experiment::stages::{abort, helpers, rescue, stalled, stop_conditions};
use crate::experiment::wait::Wait;
use crate::process::clock;
use chaostoolkit_api::{Experiment, Run, Stop};

/// The recorded run, as a pass finds it.
pub enum Recorded {
    /// Its pod exists.
    Pod(Box<Pod>),
    /// It has ended, and its pod is gone.
    Ended,
    /// Nothing was created for it, or there is no run yet. The runs of a schedule are followed by the schedule.
    NotCreated,
}

/// Looks up the recorded run. A pod that vanished before its end could be recorded ends the run.
pub async fn find(pass: &mut Pass<'_>) -> Result<Recorded, Error> {
    let status = &pass.draft.status;
    let Some(address) = status.run_pod() else {
        let is_run =
            status.schedule.is_none() && status.run.as_ref().is_some_and(|run| run.pod_uid.is_some());
        if is_run && !status.is_finished() {
            // The record of its pod is ignored. A run that has begun is not started again.
            pass.draft.lost();
            pass.write().await?;
            return Ok(Recorded::Ended);
        }
        return Ok(if status.is_finished() { Recorded::Ended } else { Recorded::NotCreated });
    };
    let is_finished = status.is_finished();
    let created = status.run.as_ref().and_then(|run| run.pod_uid.clone());
    let cluster = &pass.context.cluster;
    let found = match pods::find(cluster, &address, &pass.parent(), created.as_deref()).await? {
        Found::Run(pod) => return Ok(Recorded::Pod(pod)),
        found => found,
    };
    if !is_finished {
        if created.is_none() {
            return Ok(Recorded::NotCreated);
        }
        pass.draft.lost();
        pass.write().await?;
    }
    if let Found::Late(pod) = found {
        // Nobody would know of its run.
        pods::stop_orphan(cluster, &pod).await?;
    }
    Ok(Recorded::Ended)
}

/// Records the state of the pod, and stops it if the run is to end. Releases the pod only after its end is written and its
/// journal kept. Returns what to wait for, or nothing once the run has ended.
pub async fn follow(pass: &mut Pass<'_>, intent: &Intent, pod: &Pod) -> Result<Option<Wait>, Error> {
    let context = pass.context;
    let state = pod_state(pod);
    let PodState::Ended(end) = &state else {
        context.log_follower.follow(pod);
        let wait = go_on(pass, intent, pod, &state).await?;
        pass.followed = pod.metadata.resource_version.clone().filter(|_| !pass.draft.status.is_finished());
        return Ok(Some(wait));
    };
    context.watches.forget(pod.metadata.uid.as_deref().unwrap_or_default());
    // What counts after the end of a run is not in the cache.
    pass.complete().await?;
    let intent = &pass.intent();
    let is_waiting = !pass.draft.status.is_finished() || is_journal_due(pass) || helpers::are_waited_for(pod);
    let seen = if is_waiting { pass.draft.end_seen(pod) } else { Time(clock::now()) };
    if !pass.draft.status.is_finished() {
        let evidence = match Evidence::collect(&context.log_follower, pod, end, &seen).await {
            Ok(evidence) => evidence,
            Err(unread) => {
                // The wait for the log has an end, so its beginning has to survive a restart.
                pass.write().await?;
                return Err(unread);
            }
        };
        pass.draft.observed(pod, &state, intent);
        pass.draft.ended(end, &evidence, intent);
        keep_journal(pass, intent, &evidence).await;
        pass.remember(pod, evidence.journal);
    } else if is_journal_due(pass) {
        let evidence = Evidence::of_journal(&context.log_follower, pod, end).await;
        keep_journal(pass, intent, &evidence).await;
        pass.remember(pod, evidence.journal);
    }
    pass.write().await?;
    if is_journal_due(pass) {
        return Ok(Some(Wait::at_most(JOURNAL_RETRY)));
    }
    match helpers::release(pass, pod, seen.0, intent.helper_grace).await? {
        // Rollbacks that were not played do not wait.
        Some(due) if !rescue::is_open(&pass.draft.status, intent) => {
            Ok(Some(requeue_at(Some(due), clock::now())))
        }
        _ => Ok(None),
    }
}

fn is_journal_due(pass: &Pass<'_>) -> bool {
    pass.draft.status.run.as_ref().is_some_and(Run::is_journal_due)
}

/// Keeps the journal of the run that has ended, and records the result.
async fn keep_journal(pass: &mut Pass<'_>, intent: &Intent, evidence: &Evidence) {
    let (context, limit) = (pass.context, intent.journal_limit);
    if let Some(outcome) = pass.draft.status.outcome
        && let Some(run) = &mut pass.draft.status.run
    {
        let place = (&context.cluster, &context.journals);
        run.journal = journals::keep(place, &pass.live, (run, outcome), evidence, limit).await;
    }
}

/// Handles a pod that has not ended. It is left alone, unless the author wants the run to stop or the run was to have
/// started by now.
async fn go_on(pass: &mut Pass<'_>, intent: &Intent, pod: &Pod, state: &PodState) -> Result<Wait, Error> {
    let cluster = &pass.context.cluster;
    if pass.draft.status.is_finished() {
        if pass.draft.status.run.as_ref().is_none_or(|run| run.pod_uid != pod.metadata.uid) {
            // A call that arrived after the run was given up created this pod. Nobody would know of its run.
            pods::stop(cluster, pod).await?;
        }
        return Ok(Wait::for_change());
    }
    let (state, look_again) = stalled::told(cluster, pod, state).await;
    pass.draft.observed(pod, &state, intent);
    let now = clock::now();
    let run = pass.draft.status.run.clone().unwrap_or_default();
    let is_late = matches!(state, PodState::Starting(_)) && intent.is_start_overdue(&run, now);
    let is_free =
        !intent.abort && !is_late && run.stop.is_none() && pod.metadata.deletion_timestamp.is_none();
    let stop = is_free.then(|| stop(pass.context, &pass.live)).flatten();
    let is_stopped = stop.is_some() || run.stop.is_some();
    if let Some(stop) = stop {
        pass.draft.stop(stop);
    }
    if intent.abort || is_late || is_stopped {
        abort::stop(pass, intent, pod).await?;
    }
    if is_free && !is_stopped && matches!(state, PodState::Running { .. }) {
        stop_conditions::watch(pass, pod).await?;
    }
    if let Some(grace_end) = &pod.metadata.deletion_timestamp {
        pods::restore_namespace(cluster, pod).await?;
        // If the pod has not ended by the end of its grace period, something holds it up. The API server has set that time.
        let wait = clock::until(grace_end.0, clock::of_server());
        return Ok(Wait::at_most(wait.max(TEARDOWN_RESYNC)));
    }
    let deadline = intent.start_deadline(&run).filter(|deadline| run.started_at.is_none() && *deadline > now);
    Ok(requeue_at(deadline.into_iter().chain(look_again).min(), now))
}

/// Why a run that goes on is to stop, although its author does not ask for that.
pub fn stop(context: &Context, experiment: &Experiment) -> Option<Stop> {
    let status = experiment.status.as_ref()?;
    let frozen = context.freezes.stop(|| Reach::of_status(experiment, status), clock::of_server());
    // The pods of a schedule are asked for one by one.
    let pod = status.run.as_ref().filter(|_| status.schedule.is_none()).and_then(|run| run.pod_uid.as_ref());
    frozen.or_else(|| context.watches.met(pod?))
}

/// Whether a run that goes on is to stop, and nobody has recorded that yet.
#[must_use]
pub fn is_to_stop(context: &Context, experiment: &Experiment) -> bool {
    let run = experiment.status.as_ref().and_then(|status| status.run.as_ref());
    run.is_some_and(|run| run.stop.is_none()) && stop(context, experiment).is_some()
}
