//! Deletes the objects of a run, as the status recorded them.

use kube::api::{DeleteParams, DynamicObject, Preconditions};

use crate::cluster::manifest::{Kind, title};
use crate::cluster::{self, Cluster, belongs_to, gone_is_fine};
use crate::experiment::error::Error;
use chaostoolkit_api::{ResourceRef, Text, names};

/// Whether a removal is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is left.
    Done,
    /// The pod has not ended, or is not gone yet. Its next change brings the next pass.
    Waiting,
}

/// Deletes the recorded objects of the experiment with this uid, the last one created first. An object that is gone is no
/// error, and an object of somebody else stays. If the API server refuses one deletion, the others are deleted first, and
/// then the refusal is returned.
pub async fn resources(cluster: &Cluster, recorded: &[ResourceRef], uid: &str) -> Result<(), Error> {
    let mut refused = None;
    for resource in recorded.iter().rev() {
        match self::resource(cluster, resource, uid).await.map_err(Error::from) {
            Err(error) if error.is_for_people() => refused = refused.or(Some(error)),
            deleted => deleted?,
        }
    }
    refused.map_or(Ok(()), Err)
}

/// Deletes one recorded object.
pub async fn resource(cluster: &Cluster, recorded: &ResourceRef, uid: &str) -> Result<(), cluster::Error> {
    let ResourceRef { kind, namespace, name, .. } = recorded;
    let Ok(kind) = kind.parse::<Kind>() else { return Ok(()) };
    let found = find_own(cluster, kind, recorded, uid).await?;
    let Some(found) = found.filter(|found| found.metadata.deletion_timestamp.is_none()) else {
        return Ok(());
    };
    let parameters = DeleteParams::default().preconditions(only(found.metadata.uid));
    object(cluster, kind, namespace, name, &parameters).await
}

/// Returns a recorded object if it exists and still belongs to the experiment with this uid.
pub async fn find_own(
    cluster: &Cluster,
    kind: Kind,
    recorded: &ResourceRef,
    uid: &str,
) -> Result<Option<DynamicObject>, cluster::Error> {
    let ResourceRef { namespace, name, .. } = recorded;
    let found = cluster.find(&cluster.objects(kind, namespace)?, kind.as_str(), name).await?;
    Ok(found.filter(|found| belongs_to(found, uid) || is_adopted(found, recorded)))
}

/// Whether an object is the one that was adopted. It has no label that names an experiment. Records of earlier versions
/// have no uid.
fn is_adopted(found: &DynamicObject, recorded: &ResourceRef) -> bool {
    let has_owner = found.metadata.labels.as_ref().is_some_and(|all| all.contains_key(names::UID_LABEL));
    let is_same = recorded.uid.is_none() || recorded.uid == found.metadata.uid;
    recorded.adopted && is_same && !has_owner
}

/// Deletes an object. One that is gone is no error.
pub async fn object(
    cluster: &Cluster,
    kind: Kind,
    namespace: &str,
    name: &str,
    parameters: &DeleteParams,
) -> Result<(), cluster::Error> {
    let api = cluster.objects(kind, namespace)?;
    let checked = api.name(name)?;
    let doing = format!("delete {}", title(kind, namespace, name));
    gone_is_fine(cluster.call(doing, api.delete(&checked, parameters)).await)
}

/// The precondition that spares another object which has the name by now.
#[must_use]
pub const fn only(uid: Option<String>) -> Preconditions {
    Preconditions { uid, resource_version: None }
}
