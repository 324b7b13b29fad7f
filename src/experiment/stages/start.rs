//! Starts a run: records what it needs, creates that, and last the pod, or the `CronJob` that makes pods.

use std::time::Duration;

use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::Pod;
use tracing::debug;

use crate::cluster::manifest::{Kind, Manifest};
use crate::cluster::without_finalizers;
use crate::experiment::apart::list::Entry;
use crate::experiment::build::resources::Resources;
use crate::experiment::children::delete::{self, Progress};
use crate::experiment::children::{create, cron_job, image_volumes, pods, pull_secrets, references};
use crate::experiment::decide::plan::{Plan, Source};
use crate::experiment::error::Error;
use crate::experiment::pass::Pass;
use crate::experiment::permit;
use crate::experiment::stages::startable::{Answer, Wanted};
use crate::experiment::stages::{make, opt_in, schedule, startable, targets};
use crate::experiment::wait::Wait;
use crate::process::{clock, nonce};
use chaostoolkit_api::{ResourceRef, Status, names};

/// What starts runs, once it was created.
pub enum Workload {
    /// The pod of a run.
    Pod(Box<Pod>),
    /// The `CronJob` of a schedule.
    CronJob(Box<CronJob>),
}

/// Puts our finalizer on the experiment before its first child is created, and removes that of the Python operator.
pub async fn set_finalizers(pass: &mut Pass<'_>) -> Result<(), Error> {
    let without_old = without_finalizers(&pass.live, &[names::KOPF_FINALIZER]);
    if without_old.is_none() && pass.live.has_finalizer(names::TEARDOWN_FINALIZER) {
        return Ok(());
    }
    let mut finalizers =
        without_old.unwrap_or_else(|| pass.live.metadata.finalizers.clone().unwrap_or_default());
    if !pass.live.has_finalizer(names::TEARDOWN_FINALIZER) {
        finalizers.push(names::TEARDOWN_FINALIZER.to_owned());
    }
    pass.set_finalizers(&finalizers).await
}

/// What has come of an attempt to start.
pub enum Started {
    /// The run, or the schedule of runs.
    Workload(Workload),
    /// Objects of an earlier decision have to go first.
    Replacing,
    /// Something keeps the run from starting for now.
    Held(Wait),
}

/// Creates all objects of a run, unless something keeps it from starting.
pub async fn start(pass: &mut Pass<'_>, plan: &Plan, resources: &Resources) -> Result<Started, Error> {
    // Those of the runs of a schedule are found when they start.
    let reaching = if resources.is_scheduled() {
        None
    } else {
        targets::reaching(pass, plan, resources, &plan.owner.number.to_string()).await?
    };
    let resources = reaching.as_ref().unwrap_or(resources);
    await_experiment(pass, plan, resources).await?;
    permit::held::bindings_in_cluster(pass.context, resources, &pass.draft.status).await?;
    if remove_outdated(pass, resources).await? != Progress::Done {
        return Ok(Started::Replacing);
    }
    if !resources.is_scheduled() {
        if let Some(wait) = ask_run(pass, Wanted { plan, resources, not_before: None }).await? {
            return Ok(Started::Held(wait));
        }
    // Without checks this costs nothing, and says so again after a refusal by the API server.
    } else if pass.context.config.unchecked_authors || is_to_be_asked(&pass.draft.status, resources) {
        make::ask(pass, resources).await?;
    }
    let cluster = &pass.context.cluster;
    // An earlier pass may have created a part already.
    let is_resumed = !pass.draft.status.resources.is_empty() || pass.draft.status.run.is_some();
    let is_first = is_first(&pass.draft.status);
    pass.draft.planned(plan, resources);
    if is_first {
        let fresh = nonce::fresh().map_err(|error| Error::NoRandomness(error.to_string()))?;
        pass.draft.status.nonce = Some(fresh);
    }
    pass.write().await?;
    let reads = pass.reads();
    debug!(run = plan.owner.number, "creating the objects of the run");
    match pass.place().own_namespace() {
        Some(own) => references::namespace_stays(reads, own).await?,
        None => create::namespace(reads, &opt_in::opted_in(pass.context, &resources.namespace)).await?,
    }
    references::bound_namespaces_exist(reads, &plan.rights.namespaces).await?;
    references::config_maps_exist(reads, resources).await?;
    references::experiment_was_read(plan)?;
    references::roles_exist(cluster, resources).await?;
    // Before the account exists, so that it is bounded from its first moment.
    pass.context.apart.list(Entry::of_run(&plan.owner.uid, resources)).await?;
    for manifest in &resources.owned {
        let made = manifest.reference();
        if !pass.draft.status.resources.iter().any(|known| known.adopted && known.is_same(&made)) {
            make::make(pass, plan, (resources, manifest), is_resumed).await?;
        }
    }
    let secrets = &pass.context.config.runner.pull_secrets;
    let workload = &pull_secrets::completed(cluster, resources, secrets).await?;
    if matches!(plan.source, Source::Artifact(_)) {
        image_volumes::exist(cluster, resources).await?;
    }
    if resources.is_scheduled() {
        let cron_job = ensure_cron_job(pass, resources, workload, is_resumed).await?;
        return Ok(Started::Workload(Workload::CronJob(Box::new(cron_job))));
    }
    let pod = pass.create(workload, false).await?;
    Ok(Started::Workload(Workload::Pod(Box::new(create::typed(workload, pod)?))))
}

/// Asks whether the run may start now, and puts the answer on the draft of the status. Returns what to wait for if it may not.
async fn ask_run(pass: &mut Pass<'_>, wanted: Wanted<'_>) -> Result<Option<Wait>, Error> {
    match startable::may_start(pass.context, &pass.live, wanted).await? {
        Answer::Yes(permit) => {
            pass.draft.startable();
            pass.draft.permitted(permit.reason, permit.requested_by);
            Ok(None)
        }
        Answer::Held(hold) => {
            pass.draft.held(&hold);
            Ok(Some(hold.wait(clock::of_server())))
        }
        Answer::Later(time) => {
            pass.draft.undecided();
            Ok(Some(Wait::at_most(clock::until(time, clock::of_server()))))
        }
        Answer::Dropped(dropped) => {
            let intent = pass.intent();
            pass.draft.dropped(&dropped, &intent);
            pass.write().await?;
            Ok(Some(Wait::at_most(Duration::ZERO)))
        }
        Answer::NotKnown(wait) => {
            pass.draft.undecided();
            Ok(Some(Wait::at_most(wait)))
        }
    }
}

/// Creates the `CronJob` of a schedule, or changes it if the author may have the runs that the spec asks for now.
async fn ensure_cron_job(
    pass: &mut Pass<'_>,
    resources: &Resources,
    workload: &Manifest,
    is_resumed: bool,
) -> Result<CronJob, Error> {
    let (context, live, parent) = (pass.context, pass.live.clone(), pass.parent());
    // Only the one that is needed is asked.
    let [before_creation, before_change] = [(), ()].map(|()| permit::may_start(context, &live, resources));
    let fence = async || {
        before_creation.await?;
        pass.fence(Kind::CronJob).await
    };
    let cluster = &context.cluster;
    let (cron_job, permit) =
        cron_job::ensure((cluster, &parent), workload, is_resumed, fence, before_change).await?;
    if let Some(permit) = permit {
        pass.draft.permitted(permit.reason, permit.requested_by);
    }
    Ok(cron_job)
}

/// Whether the author has to be asked before anything of a schedule is created. One that is on record and wants no other
/// objects is not created again. Its author is asked before each of its runs, and before its `CronJob` changes.
fn is_to_be_asked(status: &Status, resources: &Resources) -> bool {
    let is_recorded = |wanted: &ResourceRef| status.resources.iter().any(|recorded| recorded.is_same(wanted));
    status.schedule.is_none() || !resources.references().iter().all(is_recorded)
}

/// Fails if the rights of a schedule follow from an experiment that is gone. Its runs may go on, so their rights stay.
async fn await_experiment(pass: &Pass<'_>, plan: &Plan, resources: &Resources) -> Result<(), Error> {
    let (reads, status) = (pass.reads(), &pass.draft.status);
    let is_here = status.run_namespace.as_ref() == Some(&plan.namespace);
    if status.schedule.is_none() || !is_here || references::experiment_was_read(plan).is_ok() {
        return Ok(());
    }
    create::namespace(reads, &opt_in::opted_in(pass.context, &resources.namespace)).await?;
    references::config_maps_exist(reads, resources).await?;
    references::experiment_was_read(plan)
}

/// Whether nothing was created for an experiment yet that has no mark: neither by an older operator nor by 0.14.0.
fn is_first(status: &Status) -> bool {
    status.nonce.is_none()
        && status.schedule.is_none()
        && status.resources.is_empty()
        && status.run.as_ref().is_none_or(|run| run.pod_name.is_empty())
}

/// Deletes the objects of an earlier decision that this one does not want. The spec was edited: before the pod was created,
/// or while a schedule goes on.
async fn remove_outdated(pass: &mut Pass<'_>, resources: &Resources) -> Result<Progress, Error> {
    let wanted = resources.references();
    let is_outdated = |recorded: &&ResourceRef| {
        let is_of_run = recorded.target && resources.is_scheduled();
        !is_of_run && !wanted.iter().any(|wanted| wanted.is_same(recorded))
    };
    let outdated: Vec<ResourceRef> =
        pass.draft.status.resources.iter().filter(is_outdated).cloned().collect();
    for gone in outdated.iter().filter(|gone| Kind::CronJob.is_of(gone)) {
        if schedule::recall(pass, gone).await?.is_some() {
            pass.write().await?;
        }
        if cron_job::remove(&pass.context.cluster, gone, &pass.parent()).await? != Progress::Done {
            return Ok(Progress::Waiting);
        }
        // The edit has stopped them, so none is lost.
        pass.draft.pods_removed();
    }
    let (cluster, parent, status) = (&pass.context.cluster, pass.parent(), &pass.draft.status);
    delete::resources(cluster, &outdated, &parent).await?;
    if status.run_namespace.as_deref() == Some(resources.workload.namespace()) {
        return Ok(Progress::Done);
    }
    // Once another namespace is recorded, nobody looks for earlier pods in this one any more.
    Ok(pods::remove_earlier(cluster, status, &parent).await?)
}
