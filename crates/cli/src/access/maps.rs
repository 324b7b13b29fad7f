//! The `ConfigMap`s that decide on what is wrong with an experiment.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use chaostoolkit_operator::commands::render::{Beside, rendered};

use crate::access::Access;
use crate::access::experiments::to_value;
use crate::failure::Outcome;

/// What is known of the cluster.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The `ConfigMap`s that exist, and that the user may read.
    pub maps: Vec<Value>,
    /// The namespaces and names of those that do not exist.
    pub absent: Vec<(String, String)>,
}

/// The most `ConfigMap`s that are read for an experiment.
const MOST: usize = 64;

/// Reads the `ConfigMap`s of an experiment that are not among these objects. One that the user may not read stays unknown.
pub async fn of_cluster(access: &Access, object: &Value, all: &[Value]) -> Outcome<Found> {
    let mut found = Found::default();
    // What is in the ConfigMap of the experiment may need others.
    for _ in 0..2 {
        for (namespace, name) in needed(object, all, &found).into_iter().take(MOST) {
            let api = access.cluster.config_maps(&namespace).map_err(|error| access.failure(&error))?;
            match access.cluster.find(&api, "ConfigMap", &name).await {
                Ok(Some(map)) => {
                    let mut map = to_value(&map)?;
                    map["kind"] = json!("ConfigMap");
                    found.maps.push(map);
                }
                Ok(None) => found.absent.push((namespace, name)),
                Err(error) if error.is_forbidden() => {}
                Err(error) => return Err(access.failure(&error)),
            }
        }
    }
    Ok(found)
}

/// Returns the namespaces and names of the `ConfigMap`s that are not known yet.
fn needed(object: &Value, all: &[Value], found: &Found) -> BTreeSet<(String, String)> {
    let known = all.iter().chain(&found.maps).filter(|known| known["kind"] == "ConfigMap").cloned();
    let documents: Vec<Value> = std::iter::once(object.clone()).chain(known).collect();
    // Rules that follow from an experiment that is not known yet keep an object from being built.
    let mut plain = documents.clone();
    if let Some(role) = plain.first_mut().and_then(|object| object.pointer_mut("/spec/role")?.as_object_mut())
    {
        role.remove("generate");
    }
    let is_known = |(namespace, name): &(String, String)| {
        let is_it =
            |map: &Value| map["metadata"]["namespace"] == **namespace && map["metadata"]["name"] == **name;
        documents.iter().skip(1).any(is_it)
            || found.absent.iter().any(|(place, absent)| place == namespace && absent == name)
    };
    let made = rendered(&plain, Beside::default()).unwrap_or_default().into_iter();
    let all = made.flat_map(|one| {
        let (namespace, names) = one.needed;
        names.into_iter().map(move |name| (namespace.clone(), name))
    });
    all.filter(|one| !is_known(one)).collect()
}
