//! What comes after the end of a run: one more run, if one is asked for, the removal of what nobody needs any more, and
//! after its time that of the experiment itself.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::api::DeleteParams;
use kube::runtime::controller::Action;

use crate::cluster::belongs_to;
use crate::cluster::manifest::Kind;
use crate::experiment::Context;
use crate::experiment::error::Error;
use crate::experiment::intent::Control;
use crate::experiment::pass::Report;
use crate::experiment::stages::teardown;
use crate::process::clock;
use chaostoolkit_api::Status;
use chaostoolkit_api::spec::options::Keep;

/// Whether there is something to do for an experiment whose run has ended and whose pod is there, or not.
#[must_use]
pub fn is_due(status: &Status, control: &Control, has_pod: bool, now: Timestamp) -> bool {
    let is_left = match control.keep(status) {
        Keep::Keep => false,
        Keep::KeepPod => !status.resources.is_empty(),
        Keep::Delete => has_pod || !status.resources.is_empty(),
    };
    is_left || control.is_rerun_due(status) || control.expiry(status).is_some_and(|expiry| expiry <= now)
}

/// What to wait for where nothing is.
#[must_use]
pub fn next(status: &Status, control: &Control, now: Timestamp) -> Action {
    let expiry = control.expiry(status);
    expiry.map_or_else(Action::await_change, |expiry| Action::requeue(clock::until(expiry, now)))
}

/// Does what is due.
pub async fn step(
    context: &Context,
    report: &mut Report<'_>,
    control: &Control,
    now: Timestamp,
) -> Result<Action, Error> {
    if control.is_rerun_due(&report.draft.status) {
        // It is decided on anew, so nothing that was made for another one must pass for its own.
        remove_resources(context, report).await?;
        report.draft.rerun(control);
        report.write().await?;
        return Ok(Action::requeue(Duration::ZERO));
    }
    if control.expiry(&report.draft.status).is_some_and(|expiry| expiry <= now) {
        report.write().await?;
        delete(context, report).await?;
        return Ok(Action::await_change());
    }
    remove(context, report, control.keep(&report.draft.status)).await?;
    Ok(next(&report.draft.status, control, now))
}

/// Removes what is not to be kept: the pod first, since the rest is there for it.
async fn remove(context: &Context, report: &mut Report<'_>, keep: Keep) -> Result<(), Error> {
    if keep == Keep::Keep {
        return Ok(());
    }
    let status = &report.draft.status;
    let places = [teardown::pod_of(status), teardown::rescue_of(status)];
    for (namespace, name) in places.into_iter().flatten().filter(|_| keep == Keep::Delete) {
        let api = context.cluster.pods(&namespace);
        let pod = context.cluster.find(&api, Kind::Pod.as_str(), &name).await?;
        if let Some(pod) = pod.filter(|pod| belongs_to(pod, report.live.uid())) {
            teardown::remove_ended(context, &pod).await?;
        }
    }
    remove_resources(context, report).await?;
    report.write().await
}

/// Removes what a run needed. It stays on the record until it is gone: a pass that fails half-way writes its draft too.
async fn remove_resources(context: &Context, report: &mut Report<'_>) -> Result<(), Error> {
    teardown::remove_resources(context, &report.draft.status.resources, report.live.uid()).await?;
    report.draft.status.resources.clear();
    Ok(())
}

/// Deletes the experiment, which takes down all that belongs to it.
async fn delete(context: &Context, report: &Report<'_>) -> Result<(), Error> {
    let api = context.cluster.experiments(report.live.namespace());
    let uid = report.live.metadata.uid.clone();
    let parameters = DeleteParams::default().preconditions(teardown::precondition(uid));
    let doing = format!("delete experiment {}, whose time is over", report.live.key());
    let deleted = api.delete(report.live.name(), &parameters);
    teardown::gone_is_fine(context.cluster.call(doing, deleted).await.map(|_| ()))
}
