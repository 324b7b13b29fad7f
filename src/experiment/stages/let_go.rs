//! A namespace of experiments that is being deleted, in which the operator has no rights any more.
//!
//! The binding of the operator is an object like any other, and may go before the rest. Then nobody can follow or stop the
//! runs there. What holds the namespace is let go: the pods, and the experiment if it is being deleted too. To remove its own
//! finalizers is a right that the operator has in each namespace.

use tracing::warn;

use crate::cluster::manifest::Kind;
use crate::cluster::{belongs_to, is_held};
use crate::experiment::children::{delete, pods};
use crate::experiment::error::Error;
use crate::experiment::pass::Pass;
use crate::experiment::stages::teardown;
use crate::experiment::wait::Wait;
use chaostoolkit_api::{PodAddress, ResourceRef};

/// Lets go what the operator holds in the namespace of an experiment, if that is being deleted. Returns what to wait for if
/// the experiment was let go too.
pub async fn let_go(pass: &Pass<'_>) -> Result<Option<Wait>, Error> {
    let context = pass.context;
    let place = pass.place();
    let Some(name) = place.own_namespace() else { return Ok(None) };
    let found = context.cluster.find(&context.cluster.namespaces(), "Namespace", name).await?;
    if found.is_none_or(|namespace| namespace.metadata.deletion_timestamp.is_none()) {
        return Ok(None);
    }
    // The operator may not read these pods any more, but it has watched their metadata.
    let mut held = context.pods.state();
    held.retain(|pod| {
        pod.metadata.namespace.as_deref() == Some(name)
            && is_held(pod.as_ref())
            && belongs_to(pod.as_ref(), pass.live.uid())
    });
    for pod in held {
        let address = PodAddress::of(pod.as_ref());
        warn!(pod = %address, "letting go a pod of a namespace that is being deleted and has no binding any more");
        pods::release_known(&context.cluster, &pod).await?;
    }
    if !pass.live.is_deleting() {
        return Ok(None);
    }
    // It does not go with the namespace.
    let is_wide = |one: &&ResourceRef| Kind::ClusterRoleBinding.is_of(one);
    let wide: Vec<ResourceRef> = pass.draft.status.resources.iter().filter(is_wide).cloned().collect();
    delete::resources(&context.cluster, &wide, &pass.parent()).await?;
    warn!("letting go the experiment, since its namespace is being deleted and has no binding any more");
    teardown::remove_finalizers(pass).await?;
    Ok(Some(Wait::for_change()))
}
