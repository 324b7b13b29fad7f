//! Tears down a deleted experiment: first the run, then what the run needed, then the experiment itself.
//!
//! The recorded objects are deleted, whatever the spec says by now. Rights outlive the pod, since rollbacks need them.

use tracing::warn;

use crate::cluster::manifest::Kind;
use crate::cluster::{gone_is_fine, without_finalizers};
use crate::experiment::children::cron_job;
use crate::experiment::children::delete::{self, Progress};
use crate::experiment::children::pods::{self, Found};
use crate::experiment::context::TEARDOWN_RESYNC;
use crate::experiment::error::Error;
use crate::experiment::journals;
use crate::experiment::judge::evidence::Evidence;
use crate::experiment::judge::pod_state::{PodState, pod_state};
use crate::experiment::mutexes::holder;
use crate::experiment::pass::Pass;
use crate::experiment::stages::{adopt, give_up, rescue, schedule};
use crate::experiment::status::events::{self, Action};
use crate::experiment::wait::Wait;
use crate::process::clock;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Phase, ResourceRef, Run, Text, names};

/// The finalizers that say that something of the experiment has to be cleaned up.
pub const FINALIZERS: &[&str] = &[names::TEARDOWN_FINALIZER, names::KOPF_FINALIZER];

/// Takes the teardown as far as it can be taken now, and returns what to wait for.
pub async fn teardown(pass: &mut Pass<'_>) -> Result<Wait, Error> {
    Ok(match step(pass).await? {
        Progress::Done => Wait::for_change(),
        Progress::Waiting | Progress::Held(_) => Wait::at_most(TEARDOWN_RESYNC),
    })
}

/// Takes the teardown as far as it can be taken now, and returns whether it is complete.
pub async fn step(pass: &mut Pass<'_>) -> Result<Progress, Error> {
    if !FINALIZERS.iter().any(|finalizer| pass.live.has_finalizer(finalizer)) {
        return Ok(Progress::Done);
    }
    pass.announce_ignored().await;
    if let Some(ignored) = &pass.ignored {
        pass.draft.records_ignored(ignored);
    }
    let is_overdue = is_overdue(pass);
    let is_known = match adopt::for_teardown(pass).await {
        // What 0.14.0 left behind is not known, and that is no reason to wait any longer.
        Err(_) if is_overdue => false,
        known => known? && pass.ignored.is_none(),
    };
    if pass.intent().keep_resources {
        match keep_resources(pass).await {
            Err(error) if is_overdue => {
                tell(pass, &error.describe(), &["what the author wants to keep".to_owned()]).await;
                remove_finalizers(pass).await?;
            }
            kept => kept?,
        }
        return Ok(Progress::Done);
    }
    let why = match remove_children(pass).await {
        Ok(Progress::Done) => None,
        Ok(Progress::Waiting) if is_overdue => Some("its pod has not ended".to_owned()),
        Ok(Progress::Held(why)) if is_overdue => Some(why),
        Err(error) if is_overdue => Some(error.describe()),
        unfinished => return unfinished,
    };
    if let Some(why) = why {
        give_up(pass, &why).await;
    } else if is_known {
        let note = "everything that was created was deleted";
        pass.publish(&events::normal(Reason::CleanedUp, Action::CleanUp, note)).await;
    }
    remove_finalizers(pass).await?;
    Ok(Progress::Done)
}

/// Leaves all objects, as the author wants, and releases the pods: whoever deletes them later must be able to.
async fn keep_resources(pass: &mut Pass<'_>) -> Result<(), Error> {
    let is_cron_job = |kept: &&ResourceRef| Kind::CronJob.is_of(kept);
    for kept in pass.draft.status.resources.iter().filter(is_cron_job) {
        cron_job::release_future_pods(&pass.context.cluster, kept).await?;
    }
    release_pods(pass).await?;
    let note = "everything that was created is kept, as spec.keep_resources_on_delete asks";
    pass.publish(&events::normal(Reason::CleanedUp, Action::CleanUp, note)).await;
    remove_finalizers(pass).await
}

/// Ends a cleanup that has been blocked for too long: removes what can be removed, and says what is left.
async fn give_up(pass: &Pass<'_>, why: &str) {
    let cluster = &pass.context.cluster;
    let mut left = give_up::remove_all(cluster, &pass.draft.status, &pass.parent()).await;
    if let Err(error) = journals::remove_all(cluster, &pass.live).await {
        left.push(error.describe());
    }
    tell(pass, why, &left).await;
}

/// Says that the cleanup is given up, for this reason, and what is left.
async fn tell(pass: &Pass<'_>, why: &str, left: &[String]) {
    let rest = if left.is_empty() {
        "the rights of the run were removed, and its pods were ended without a grace period".to_owned()
    } else {
        format!("something is left behind: {}", left.join("; "))
    };
    let note = format!("gave up the cleanup: {why}; {rest}");
    warn!("{note}");
    let reason = Reason::CleanupBlocked.as_str();
    pass.publish(&events::warning(reason, Action::CleanUp, &note)).await;
}

/// Stops the run and waits for its end, records that, and then deletes the rest.
async fn remove_children(pass: &mut Pass<'_>) -> Result<Progress, Error> {
    let cluster = &pass.context.cluster;
    match remove_run(pass).await? {
        Progress::Done => {}
        held @ Progress::Held(_) => return waiting(pass, "waiting for the pod of the run to go", held).await,
        Progress::Waiting => return Ok(Progress::Waiting),
    }
    match Box::pin(rescue::teardown(pass)).await? {
        Progress::Done => {}
        left => return waiting(pass, "waiting for the rollbacks to be played", left).await,
    }
    // Before the pods of earlier runs, some of which may be its own: it would start the next run meanwhile.
    match remove_schedule(pass).await? {
        Progress::Done => {}
        left => return waiting(pass, "waiting for the runs to end", left).await,
    }
    let parent = pass.parent();
    match pods::remove_earlier(cluster, &pass.draft.status, &parent).await? {
        Progress::Done => {}
        left => return waiting(pass, "waiting for the pods of earlier runs to go", left).await,
    }
    delete::resources(cluster, &pass.draft.status.resources, &parent).await?;
    if may_have_journals(pass) {
        journals::remove_all(cluster, &pass.live).await?;
    }
    Ok(Progress::Done)
}

/// Whether a journal of the experiment may have been kept. None was, if a pass has followed the first run to its end and recorded
/// none. A teardown that ends a run looks for no journal.
fn may_have_journals(pass: &Pass<'_>) -> bool {
    let recorded =
        pass.live.status.as_ref().filter(|status| status.is_finished() && status.schedule.is_none());
    let run = recorded.and_then(|status| status.run.as_ref());
    let is_followed = |run: &Run| run.recorded_at.is_some();
    run.is_none_or(|run| {
        !is_followed(run) || run.number != 1 || run.journal.is_some() || run.rescue.is_some()
    })
}

/// Records what the teardown waits for.
async fn waiting(pass: &mut Pass<'_>, message: &str, left: Progress) -> Result<Progress, Error> {
    pass.draft.terminating(&left.sentence(message));
    pass.write().await?;
    Ok(left)
}

/// Removes the pod of the recorded run, once its end is recorded.
async fn remove_run(pass: &mut Pass<'_>) -> Result<Progress, Error> {
    let cluster = &pass.context.cluster;
    let Some(address) = pass.draft.status.run_pod() else {
        return Ok(Progress::Done);
    };
    let created = pass.draft.status.run.as_ref().and_then(|run| run.pod_uid.clone());
    let found = pods::find(cluster, &address, &pass.parent(), created.as_deref()).await?;
    if let Found::Late(pod) = &found {
        // Nobody would know of its run.
        pods::stop_orphan(cluster, pod).await?;
    }
    let Some(pod) = found.run() else {
        if !pass.draft.status.is_finished() && created.is_some() {
            pass.draft.terminating("deleting what was created");
            pass.draft.lost();
            pass.write().await?;
        }
        return Ok(Progress::Done);
    };
    let state = pod_state(&pod);
    let PodState::Ended(end) = &state else {
        // Written first, so that whoever watches the experiment sees the abort begin.
        pass.draft.terminating("waiting for the run to end");
        pass.write().await?;
        pods::stop(cluster, &pod).await?;
        return Ok(Progress::Waiting);
    };
    if !pass.draft.status.is_finished() {
        let intent = pass.intent();
        pass.draft.terminating("deleting what was created");
        pass.draft.observed(&pod, &state, &intent);
        // Its journal would be deleted with the experiment, so it is not kept.
        pass.draft.ended(end, &Evidence::reported(end), &intent);
        pass.write().await?;
    }
    Ok(pods::remove_ended(cluster, &pod).await?)
}

/// Removes the recorded `CronJob`s with their Jobs and pods.
async fn remove_schedule(pass: &mut Pass<'_>) -> Result<Progress, Error> {
    let recorded = pass.draft.status.resources.clone();
    for resource in recorded.iter().filter(|one| Kind::CronJob.is_of(one)) {
        // Its uid shows which Jobs are its own, once it is gone.
        schedule::recall(pass, resource).await?;
        // Written before it is done, as for a single run. But only once, or each attempt would repeat a refusal.
        if pass.draft.status.phase != Some(Phase::Terminating) {
            pass.draft.terminating("waiting for the runs to end");
        }
        pass.write().await?;
        match cron_job::remove(&pass.context.cluster, resource, &pass.parent()).await? {
            Progress::Done => {}
            left => return Ok(left),
        }
    }
    Ok(Progress::Done)
}

/// Removes the finalizer from pods that are not cleaned up, so that they block nobody.
async fn release_pods(pass: &Pass<'_>) -> Result<(), Error> {
    let Some(namespace) = pass.live.status.as_ref().and_then(|status| status.run_namespace.clone()) else {
        return Ok(());
    };
    Ok(pods::release_all(&pass.context.cluster, &namespace, &pass.parent()).await?)
}

/// Removes the operator's finalizers from the experiment, which lets the API server delete it.
pub async fn remove_finalizers(pass: &Pass<'_>) -> Result<(), Error> {
    let Some(finalizers) = without_finalizers(&pass.live, FINALIZERS) else {
        return Ok(());
    };
    let cluster = &pass.context.cluster;
    let api = cluster.experiments(pass.live.namespace())?;
    let removed = cluster.set_finalizers(&api, "experiment", &pass.live, &finalizers).await;
    gone_is_fine(removed)?;
    pass.context.followed.removed(&pass.live);
    if holder::held(&pass.draft.status).is_some() {
        pass.give_back_mutex();
    }
    Ok(())
}

/// Whether the cleanup has been tried for as long as the settings allow.
fn is_overdue(pass: &Pass<'_>) -> bool {
    let Some(deleted) = &pass.live.metadata.deletion_timestamp else {
        return false;
    };
    // The API server has set the time of the deletion.
    let waited = clock::of_server().as_second() - deleted.0.as_second();
    u64::try_from(waited).is_ok_and(|waited| waited > pass.context.config.cleanup_limit.as_secs())
}
