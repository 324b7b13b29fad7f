//! `spec.rescue`: has another pod play the rollbacks of a run that ended before it had played them.
//!
//! There is one rescue for each run. It follows the protocol of any run: it is recorded before its pod is created, and the
//! pod is held until its end is recorded.

mod plan;
mod rights;

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::runtime::reflector::ObjectRef;

use crate::cluster::is_held;
use crate::experiment::apart::list::Entry;
use crate::experiment::build::build;
use crate::experiment::build::resources::Resources;
use crate::experiment::children::delete::Progress;
use crate::experiment::children::pods::{self, Found};
use crate::experiment::children::{create, pull_secrets};
use crate::experiment::context::{Context, LASTING, requeue_at};
use crate::experiment::decide::{Decision, decide};
use crate::experiment::error::Error;
use crate::experiment::intent::Intent;
use crate::experiment::judge::evidence::Evidence;
use crate::experiment::judge::pod_state::{End, PodState, pod_state};
use crate::experiment::judge::{record, verdict};
use crate::experiment::pass::Pass;
use crate::experiment::permit;
use crate::experiment::stages::{helpers, make};
pub use crate::experiment::status::rescue_due::is_open;
use crate::experiment::wait::Wait;
use crate::process::clock;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Rescue, Rollbacks, Run, Spec, Status};

/// Has the rollbacks played if that is due. Returns what to wait for, or nothing once the rescue has ended.
pub async fn rescue(pass: &mut Pass<'_>, intent: &Intent) -> Result<Option<Wait>, Error> {
    let was_open = is_open(&pass.draft.status, intent);
    match step(pass, intent).await? {
        // The helpers of the run may still have time. The next pass waits for them before it begins one more run.
        Progress::Done if was_open => Ok(Some(Wait::at_most(Duration::ZERO))),
        Progress::Done => Ok(None),
        Progress::Waiting | Progress::Held(_) => {
            Ok(Some(until_late(&pass.draft.status, intent, clock::now())))
        }
    }
}

/// Completes the rescue of an experiment that is being deleted, and removes its pod.
pub async fn teardown(pass: &mut Pass<'_>) -> Result<Progress, Error> {
    let intent = pass.intent();
    if step(pass, &intent).await? == Progress::Waiting {
        return Ok(Progress::Waiting);
    }
    match find(pass).await? {
        Some(pod) => Ok(pods::remove_ended(&pass.context.cluster, &pod).await?),
        None => Ok(Progress::Done),
    }
}

/// What to wait for while the pod of a rescue has not ended: the time at which it has to have started.
fn until_late(status: &Status, intent: &Intent, now: Timestamp) -> Wait {
    let rescue = status.run.as_ref().and_then(|run| run.rescue.as_ref());
    let deadline =
        rescue.and_then(|rescue| start_deadline(rescue, intent)).filter(|deadline| *deadline > now);
    requeue_at(deadline, now)
}

/// When the pod has to have started.
fn start_deadline(rescue: &Rescue, intent: &Intent) -> Option<Timestamp> {
    intent.start_deadline(&Run { requested_at: rescue.requested_at.clone(), ..Run::default() })
}

fn is_late(rescue: &Rescue, intent: &Intent) -> bool {
    start_deadline(rescue, intent).is_some_and(|deadline| deadline <= clock::now())
}

/// Takes a rescue one step further, and returns whether it goes on. What keeps its pod from being created goes to the draft, if
/// somebody has to act or it lasts.
async fn step(pass: &mut Pass<'_>, intent: &Intent) -> Result<Progress, Error> {
    if !is_open(&pass.draft.status, intent) {
        let rescue = pass.draft.status.run.as_ref().and_then(|run| run.rescue.clone());
        release(pass, rescue.as_ref()).await?;
        pass.draft.rescue_withdrawn();
        return Ok(Progress::Done);
    }
    let stepped = go_on(pass, intent).await;
    if let Err(error) = &stepped {
        let lasts = || pass.context.backoff.failing_for(pass.live.uid()) >= LASTING;
        if error.is_for_people() || lasts() {
            pass.draft.rescue_blocked(error);
        }
    }
    stepped
}

/// Goes on with a rescue that has not ended.
async fn go_on(pass: &mut Pass<'_>, intent: &Intent) -> Result<Progress, Error> {
    let rescue = pass.draft.status.run.as_ref().and_then(|run| run.rescue.clone());
    let Some(rescue) = rescue else { return begin(pass).await };
    match find(pass).await? {
        Some(pod) => await_end(pass, intent, &rescue, &pod).await,
        None if rescue.pod_uid.is_some() => {
            let problem = format!("pod {} vanished before it had played the rollbacks", rescue.pod_name);
            finish(pass, Err(problem)).await
        }
        None if is_late(&rescue, intent) => {
            let block = pass.draft.rescue_block().map_or_else(String::new, |block| format!(": {block}"));
            finish(pass, Err(impossible(&format!("it has not started in time{block}")))).await
        }
        None => begin(pass).await,
    }
}

/// Starts a rescue. If the namespace of the run is gone or being deleted, the rescue ends: waiting helps nobody.
async fn begin(pass: &mut Pass<'_>) -> Result<Progress, Error> {
    match start(pass).await {
        Err(error) if error.is_not_found() || error.reason() == Reason::NamespaceTerminating => {
            finish(pass, Err(impossible(&error.describe()))).await
        }
        started => started,
    }
}

/// Releases the pod of a rescue whose end is recorded, in case an operator was killed in between. A pod that was created
/// too late is stopped.
async fn release(pass: &Pass<'_>, rescue: Option<&Rescue>) -> Result<(), Error> {
    let (Some(rescue), Some(address)) = (rescue, pass.draft.status.rescue_pod()) else { return Ok(()) };
    let cached = pass.context.pods.get(&ObjectRef::new(&address.name).within(&address.namespace));
    if !cached.is_some_and(|pod| is_held(pod.as_ref())) {
        return Ok(());
    }
    let cluster = &pass.context.cluster;
    let pod = match look(pass).await? {
        Found::Run(pod) => pod,
        Found::Late(pod) => return Ok(pods::stop_orphan(cluster, &pod).await?),
        Found::Nothing => return Ok(()),
    };
    if let PodState::Ended(_) = pod_state(&pod) {
        return helpers::release(pass, &pod, clock::now(), SignedDuration::ZERO).await.map(|_| ());
    }
    if rescue.pod_uid == pod.metadata.uid {
        return Ok(());
    }
    Ok(pods::stop(cluster, &pod).await?)
}

/// Reads the pod of the recorded rescue.
async fn find(pass: &Pass<'_>) -> Result<Option<Pod>, Error> {
    Ok(look(pass).await?.run())
}

/// Reads what is at the address of the recorded rescue.
async fn look(pass: &Pass<'_>) -> Result<Found, Error> {
    let status = &pass.draft.status;
    let Some(address) = status.rescue_pod() else { return Ok(Found::Nothing) };
    let rescue = status.run.as_ref().and_then(|run| run.rescue.as_ref());
    let created = rescue.and_then(|rescue| rescue.pod_uid.as_deref());
    Ok(pods::find(&pass.context.cluster, &address, &pass.parent(), created).await?)
}

/// Records what is about to be created, and creates it, the pod last.
async fn start(pass: &mut Pass<'_>) -> Result<Progress, Error> {
    let resources = match prepare(pass).await? {
        Ok(resources) => resources,
        Err(problem) => return finish(pass, Err(problem)).await,
    };
    match permit::may_start(pass.context, &pass.live, &resources).await {
        Err(error) if error.is_about_author() => {
            return finish(pass, Err(impossible(&error.describe()))).await;
        }
        asked => asked?,
    };
    pass.draft.rescue_planned(&resources);
    pass.write().await?;
    pass.context.apart.list(Entry::of_run(pass.live.uid(), &resources)).await?;
    rights::take(pass, &resources).await?;
    for manifest in &resources.owned {
        let made = manifest.reference();
        if !pass.draft.status.resources.iter().any(|known| known.adopted && known.is_same(&made)) {
            make::make_asked(pass, manifest).await?;
        }
    }
    let Context { cluster, config, .. } = pass.context;
    let workload = pull_secrets::completed(cluster, &resources, &config.runner.pull_secrets).await?;
    let pod = pass.create(&workload, false).await?;
    pass.draft.rescue_created(&create::typed(&workload, pod)?);
    pass.write().await?;
    Ok(Progress::Waiting)
}

/// Decides on the pod, or says why there can be none.
async fn prepare(pass: &Pass<'_>) -> Result<Result<Resources, String>, Error> {
    let config = &pass.context.config;
    let parsed = match Spec::parse(pass.live.spec.as_ref()) {
        Ok(parsed) => parsed,
        Err(invalid) => return Ok(Err(impossible(&invalid.to_string()))),
    };
    let resources = match decide(pass.reads(), config, &pass.live, &parsed).await {
        Err(error @ (Error::InvalidSpec(_) | Error::Template(_))) => Err(error.describe()),
        Err(error) => return Err(error),
        Ok(Decision { plan, facts, templates }) => {
            let plan = plan::rescue_of(plan, &facts, &pass.draft.status);
            let resources = plan.and_then(|plan| build(&plan, &templates).map_err(|error| error.to_string()));
            // It plays the rollbacks where the run was.
            let found = pass.draft.status.run.as_ref().and_then(|run| run.targets.clone());
            match found {
                Some(targets) => resources.map(|resources| resources.reaching(targets)),
                None => resources,
            }
        }
    };
    Ok(resources.map_err(|problem| impossible(&problem)))
}

fn impossible(problem: &str) -> String {
    format!("no other pod can play the rollbacks: {problem}")
}

/// Waits for the end of the pod, and records it.
async fn await_end(
    pass: &mut Pass<'_>,
    intent: &Intent,
    rescue: &Rescue,
    pod: &Pod,
) -> Result<Progress, Error> {
    let cluster = &pass.context.cluster;
    let state = pod_state(pod);
    let PodState::Ended(end) = &state else {
        pass.draft.rescue_created(pod);
        pass.write().await?;
        if is_late(rescue, intent) && matches!(state, PodState::Starting(_)) {
            pods::stop(cluster, pod).await?;
        }
        return Ok(Progress::Waiting);
    };
    finish(pass, played(end)).await?;
    // Nothing is left to do for the helpers of this pod.
    helpers::release(pass, pod, clock::now(), SignedDuration::ZERO).await?;
    Ok(Progress::Done)
}

/// What the pod of a rescue reports about the rollbacks.
fn played(end: &End) -> Result<Rollbacks, String> {
    let mut run = Run::default();
    let evidence = Evidence::reported(end);
    record::record(&mut run, &evidence);
    run.rollbacks.ok_or_else(|| {
        let judged = verdict::judge("of the rescue", end, &evidence);
        format!("the pod that was to play the rollbacks ended without: {}", judged.message)
    })
}

/// Records the end of a rescue.
async fn finish(pass: &mut Pass<'_>, played: Result<Rollbacks, String>) -> Result<Progress, Error> {
    pass.draft.rescue_ended(played);
    pass.write().await?;
    Ok(Progress::Done)
}

#[cfg(test)]
mod tests;
