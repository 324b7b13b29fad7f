//! Creates the objects of a run.
//!
//! Objects are created once and never changed: a run stays as it was decided on. An object that exists already belongs to
//! the run if it carries the uid of the experiment, and the mark that the operator gives to its objects. Any other belongs to
//! somebody else and is left alone.

use kube::core::DynamicObject;
use serde::de::DeserializeOwned;

use crate::cluster::manifest::Manifest;
use crate::cluster::reads::{Reads, State};
use crate::cluster::{self, Cluster};
use crate::experiment::error::Error;
use crate::experiment::parent::Parent;
use chaostoolkit_api::Text;

/// Creates the namespace if it does not exist. Fails if it is being deleted.
pub async fn namespace(reads: Reads<'_>, manifest: &Manifest) -> Result<(), Error> {
    let name = manifest.name();
    match reads.namespace(name).await? {
        Some(State::Terminating) => Err(Error::NamespaceTerminating(name.to_owned())),
        Some(State::Active) => Ok(()),
        None => Ok(missing_namespace(reads.cluster, manifest).await?),
    }
}

/// Creates a namespace that did not exist a moment ago. Somebody else may have created it since.
pub async fn missing_namespace(cluster: &Cluster, manifest: &Manifest) -> Result<(), cluster::Error> {
    match cluster.create(manifest).await {
        Err(error) if !error.is_already_exists() => Err(error),
        _ => Ok(()),
    }
}

/// Creates an object of the experiment unless it exists, and returns it. Fails with [`Error::NameConflict`] if an object
/// of that name belongs to somebody else.
///
/// If an earlier pass probably created the object (`is_likely_there`), looks it up first: a run that waits for something
/// must not write all the while. `fence` runs right before the request to create, and can prevent it.
pub async fn child(
    (cluster, parent): (&Cluster, &Parent),
    manifest: &Manifest,
    is_likely_there: bool,
    fence: impl AsyncFnOnce() -> Result<(), Error>,
) -> Result<DynamicObject, Error> {
    let Manifest { kind, .. } = manifest;
    let api = cluster.objects(*kind, manifest.namespace())?;
    let find = async || cluster.find(&api, kind.as_str(), manifest.name()).await;
    if is_likely_there && let Some(found) = find().await? {
        return if_own(parent, manifest, found);
    }
    fence().await?;
    match cluster.create(&parent.marked(manifest)).await {
        Err(error) if error.is_already_exists() => match find().await? {
            Some(found) => if_own(parent, manifest, found),
            // It was deleted between the two calls. The next pass creates it.
            None => Err(error.into()),
        },
        created => Ok(created?),
    }
}

/// Returns an object that exists if it belongs to the run.
fn if_own(parent: &Parent, manifest: &Manifest, found: DynamicObject) -> Result<DynamicObject, Error> {
    if parent.owns(manifest.kind, &found) {
        return Ok(found);
    }
    Err(Error::NameConflict(manifest.title()))
}

/// Converts an object to the type of its kind.
pub fn typed<K>(manifest: &Manifest, object: DynamicObject) -> Result<K, cluster::Error>
where
    K: kube::Resource + DeserializeOwned,
{
    object
        .try_parse()
        .map_err(|error| cluster::Error::unreadable(format!("read {}", manifest.title()), error))
}
