//! `spec.ttlSecondsAfterFinished`: deletes the experiment that long after its end.

use k8s_openapi::jiff::Timestamp;
use kube::api::DeleteParams;

use crate::cluster::gone_is_fine;
use crate::experiment::children::delete;
use crate::experiment::context::requeue_at;
use crate::experiment::error::Error;
use crate::experiment::intent::Intent;
use crate::experiment::pass::Pass;
use crate::experiment::wait::Wait;
use crate::process::clock;
use chaostoolkit_api::Status;

/// Whether the time of an experiment is over.
#[must_use]
pub fn is_due(status: &Status, intent: &Intent, now: Timestamp) -> bool {
    intent.expiry(status).is_some_and(|expiry| expiry <= now)
}

/// What to wait for after the end of a run: the time at which the experiment is deleted, if there is one.
#[must_use]
pub fn until_due(status: &Status, intent: &Intent, now: Timestamp) -> Wait {
    requeue_at(intent.expiry(status), now)
}

/// Deletes the experiment if its time is over. The teardown then removes all that belongs to it.
pub async fn expire(pass: &mut Pass<'_>, intent: &Intent) -> Result<Option<Wait>, Error> {
    if !is_due(&pass.draft.status, intent, clock::now()) {
        return Ok(None);
    }
    pass.write().await?;
    let (cluster, live) = (&pass.context.cluster, &pass.live);
    let api = cluster.experiments(live.namespace())?;
    let name = api.name(live.name())?;
    let parameters = DeleteParams::default().preconditions(delete::only(live.metadata.uid.clone()));
    let doing = format!("delete experiment {}, whose time to live is over", live.key());
    gone_is_fine(cluster.call(doing, api.delete(&name, &parameters)).await.map(|_| ()))?;
    Ok(Some(Wait::for_change()))
}
