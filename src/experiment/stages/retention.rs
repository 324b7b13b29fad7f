//! `spec.cleanup`: what stays after the end of a run.

use crate::experiment::children::{delete, pods};
use crate::experiment::error::Error;
use crate::experiment::intent::Intent;
use crate::experiment::pass::Pass;
use chaostoolkit_api::Status;
use chaostoolkit_api::spec::options::Keep;

/// Whether something is left that is not to be kept. `has_pod`: a pod of the run exists.
#[must_use]
pub fn is_due(status: &Status, intent: &Intent, has_pod: bool) -> bool {
    match intent.keep(status) {
        Keep::Keep => false,
        Keep::KeepPod => !status.resources.is_empty(),
        Keep::Delete => has_pod || !status.resources.is_empty(),
    }
}

/// Removes what is not to be kept. The pod goes first, since the other objects serve it.
pub async fn retain(pass: &mut Pass<'_>, intent: &Intent) -> Result<(), Error> {
    let keep = intent.keep(&pass.draft.status);
    if keep == Keep::Keep {
        return Ok(());
    }
    let cluster = &pass.context.cluster;
    if keep == Keep::Delete {
        let (status, parent) = (&pass.draft.status, pass.parent());
        let run = status.run.clone().unwrap_or_default();
        let rescue = run.rescue.and_then(|rescue| rescue.pod_uid);
        for (address, created) in [(status.run_pod(), run.pod_uid), (status.rescue_pod(), rescue)] {
            let Some(address) = address else { continue };
            let found = pods::find(cluster, &address, &parent, created.as_deref()).await?;
            if let Some(pod) = found.run() {
                pods::remove_ended(cluster, &pod).await?;
            }
        }
    }
    remove_resources(pass).await?;
    pass.write().await
}

/// Removes the objects that the run needed. They stay recorded until they are gone: a pass that fails half-way writes its
/// draft too.
pub async fn remove_resources(pass: &mut Pass<'_>) -> Result<(), Error> {
    delete::resources(&pass.context.cluster, &pass.draft.status.resources, &pass.parent()).await?;
    pass.draft.status.resources.clear();
    Ok(())
}
