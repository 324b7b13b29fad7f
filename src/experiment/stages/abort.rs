//! `spec.abort`: a run that has not started never does, and a run that goes on is stopped.
//!
//! Deleting the pod sends SIGTERM. The runner turns that into the one signal on which the toolkit stops cleanly, plays its
//! rollbacks and writes its journal.

use k8s_openapi::api::core::v1::Pod;

use crate::experiment::children::pods;
use crate::experiment::error::Error;
use crate::experiment::intent::{self, Intent};
use crate::experiment::pass::Pass;
use crate::experiment::stages::adopt;
use chaostoolkit_api::Phase;

/// Whether to abort a run that has not started. Runs of a schedule are stopped one by one, and what 0.14.0 has started is
/// adopted first.
#[must_use]
pub fn is_due_before_start(pass: &Pass<'_>, intent: &Intent) -> bool {
    intent.abort
        && !intent::is_scheduled(&pass.live)
        && !pass.draft.has_schedule()
        && !adopt::is_due(&pass.live)
}

/// Records that the run was aborted before it started.
pub async fn before_start(pass: &mut Pass<'_>, intent: &Intent) -> Result<(), Error> {
    pass.draft.aborted_before_start(intent);
    pass.write().await
}

/// Stops the pod of a run, unless it is being deleted already.
pub async fn stop(pass: &mut Pass<'_>, intent: &Intent, pod: &Pod) -> Result<(), Error> {
    if pod.metadata.deletion_timestamp.is_some() {
        return Ok(());
    }
    // Written first, so that whoever watches the experiment sees the abort begin. But only once, or each attempt would
    // repeat a refusal.
    let recorded = pass.live.status.as_ref().and_then(|status| status.phase);
    pass.draft.stopping(intent);
    if recorded != Some(Phase::Aborting) {
        pass.write().await?;
    }
    Ok(pods::stop(&pass.context.cluster, pod).await?)
}
