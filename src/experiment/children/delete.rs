//! Deletes the objects of a run, as the status recorded them.

use kube::api::{DeleteParams, DynamicObject, Preconditions};

use crate::cluster::manifest::{Kind, title};
use crate::cluster::{self, Cluster, gone_is_fine};
use crate::experiment::error::Error;
use crate::experiment::parent::Parent;
use chaostoolkit_api::{ResourceRef, Text};

/// Whether a removal is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is left.
    Done,
    /// The pod has not ended, or is not gone yet. Its next change brings the next pass.
    Waiting,
    /// The same, but only somebody else can let the object go: a sentence that says who.
    Held(String),
}

impl Progress {
    /// Joins it with that of another removal. What is held first stays named.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Done, Self::Done) => Self::Done,
            (held @ Self::Held(_), _) | (_, held @ Self::Held(_)) => held,
            _ => Self::Waiting,
        }
    }

    /// A sentence about what is waited for, with what holds it.
    #[must_use]
    pub fn sentence(&self, waiting: &str) -> String {
        match self {
            Self::Held(why) => format!("{waiting}; {why}"),
            Self::Done | Self::Waiting => waiting.to_owned(),
        }
    }
}

/// Deletes the recorded objects of an experiment, the last one created first. An object that is gone is no
/// error, and an object of somebody else stays. If the API server refuses one deletion, the others are deleted first, and
/// then the refusal is returned.
pub async fn resources(cluster: &Cluster, recorded: &[ResourceRef], parent: &Parent) -> Result<(), Error> {
    let mut refused = None;
    for resource in recorded.iter().rev() {
        match self::resource(cluster, resource, parent).await.map_err(Error::from) {
            Err(error) if error.is_for_people() => refused = refused.or(Some(error)),
            deleted => deleted?,
        }
    }
    refused.map_or(Ok(()), Err)
}

/// Deletes one recorded object.
pub async fn resource(
    cluster: &Cluster,
    recorded: &ResourceRef,
    parent: &Parent,
) -> Result<(), cluster::Error> {
    let ResourceRef { kind, namespace, name, .. } = recorded;
    let Ok(kind) = kind.parse::<Kind>() else { return Ok(()) };
    // A status may be forged, and a binding in the whole cluster is worth a look.
    let is_known = !recorded.adopted && kind != Kind::ClusterRoleBinding;
    if let Some(uid) = recorded.uid.clone().filter(|_| is_known) {
        let parameters = DeleteParams::default().preconditions(only(Some(uid)));
        match object(cluster, kind, namespace, name, &parameters).await {
            // Another object has the name by now. A late call of the operator may have created it.
            Err(error) if error.is_conflict() => {}
            deleted => return deleted,
        }
    }
    let found = find_own(cluster, kind, recorded, parent).await?;
    let Some(found) = found.filter(|found| found.metadata.deletion_timestamp.is_none()) else {
        return Ok(());
    };
    let parameters = DeleteParams::default().preconditions(only(found.metadata.uid));
    object(cluster, kind, namespace, name, &parameters).await
}

/// Returns a recorded object if it exists and belongs to the experiment.
pub async fn find_own(
    cluster: &Cluster,
    kind: Kind,
    recorded: &ResourceRef,
    parent: &Parent,
) -> Result<Option<DynamicObject>, cluster::Error> {
    let ResourceRef { namespace, name, .. } = recorded;
    let found = cluster.find(&cluster.objects(kind, namespace)?, kind.as_str(), name).await?;
    Ok(found.filter(|found| parent.owns_recorded(kind, recorded, found)))
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
    gone_is_fine(cluster.call(doing, api.delete(&checked, parameters)).await.map(|_| ()))
}

/// The precondition that spares another object which has the name by now.
#[must_use]
pub const fn only(uid: Option<String>) -> Preconditions {
    Preconditions { uid, resource_version: None }
}
