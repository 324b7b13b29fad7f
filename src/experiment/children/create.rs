//! Fourth step of a pass: makes the objects, in the order in which they need each other.
//!
//! Objects are created once and never changed: a run is what it was when it was decided on. What exists already is
//! ours if it carries our experiment's uid, and otherwise somebody else's and left alone.

use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::core::DynamicObject;
use serde_json::Value;

use crate::cluster::manifest::{Kind, Manifest, Resources};
use crate::cluster::{Cluster, belongs_to, named};
use crate::experiment::error::Error;
use crate::experiment::pass::Report;
use chaostoolkit_api::names;

/// Sees to it that the namespace exists and is not on its way out.
pub async fn namespace(cluster: &Cluster, manifest: &Manifest) -> Result<(), Error> {
    let name = manifest.name();
    match cluster.find(&cluster.namespaces(), Kind::Namespace.as_str(), name).await? {
        Some(found) if is_terminating(&found) => Err(Error::NamespaceTerminating(name.to_owned())),
        Some(_) => Ok(()),
        None => new_namespace(cluster, manifest).await,
    }
}

/// Creates a namespace that was not there a moment ago. Somebody else may have done so since.
pub async fn new_namespace(cluster: &Cluster, manifest: &Manifest) -> Result<(), Error> {
    match cluster.create(manifest).await {
        Err(error) if !error.is_already_exists() => Err(error),
        _ => Ok(()),
    }
}

fn is_terminating(namespace: &Namespace) -> bool {
    namespace.metadata.deletion_timestamp.is_some()
}

/// Sees to it that an object of the run exists and is the run's own. Where it is `likely` there already, from an
/// earlier pass, it is looked up first: a run that waits for something must not write all the while.
pub async fn child(
    cluster: &Cluster,
    report: &mut Report<'_>,
    manifest: &Manifest,
    likely: bool,
) -> Result<DynamicObject, Error> {
    // Nobody would remove what is created for an experiment that is gone by now, or end what it starts.
    let fence = async || match manifest.kind {
        Kind::Pod | Kind::CronJob => report.must_be_current().await,
        _ => report.must_be_fresh().await,
    };
    ensure(cluster, manifest, likely, fence).await
}

/// The same for an object that goes with the experiment by itself, since that owns it.
pub async fn owned(cluster: &Cluster, manifest: &Manifest) -> Result<DynamicObject, Error> {
    ensure(cluster, manifest, false, async || Ok(())).await
}

async fn ensure(
    cluster: &Cluster,
    manifest: &Manifest,
    likely: bool,
    fence: impl AsyncFnOnce() -> Result<(), Error>,
) -> Result<DynamicObject, Error> {
    let Manifest { kind, .. } = manifest;
    let api = cluster.objects(*kind, manifest.namespace());
    let find = async || cluster.find(&api, kind.as_str(), manifest.name()).await;
    if likely && let Some(found) = find().await? {
        return own(manifest, found);
    }
    fence().await?;
    match cluster.create(manifest).await {
        Err(error) if error.is_already_exists() => match find().await? {
            Some(found) => own(manifest, found),
            // It went away between the two calls: the next pass creates it.
            None => Err(error),
        },
        created => created,
    }
}

/// An object that exists, if it is the run's own.
fn own(manifest: &Manifest, found: DynamicObject) -> Result<DynamicObject, Error> {
    let uid = manifest.value["metadata"]["labels"][names::UID_LABEL].as_str();
    if belongs_to(&found, uid.unwrap_or_default()) {
        return Ok(found);
    }
    Err(Error::NameConflict {
        kind: manifest.kind.as_str(),
        namespace: manifest.namespace().to_owned(),
        name: manifest.name().to_owned(),
    })
}

/// Creates the pod, unless it is there already.
pub async fn pod(cluster: &Cluster, report: &mut Report<'_>, manifest: &Manifest) -> Result<Pod, Error> {
    let pod = child(cluster, report, manifest, false).await?;
    typed(manifest, pod)
}

/// An object in the type of its kind.
pub fn typed<K>(manifest: &Manifest, object: DynamicObject) -> Result<K, Error>
where
    K: kube::Resource + serde::de::DeserializeOwned,
{
    object.try_parse().map_err(|error| unreadable(manifest, error))
}

/// An object that cannot be turned into what it should be.
pub fn unreadable(manifest: &Manifest, error: impl std::fmt::Display) -> Error {
    Error::Api {
        doing: format!("read {}", named(manifest.kind, manifest.namespace(), manifest.name())),
        source: Box::new(kube::Error::SerdeError(serde::ser::Error::custom(error))),
    }
}

/// Sees to it that the further namespaces exist, in which the role is to be bound. They are not the operator's to create.
pub async fn bound_namespaces(cluster: &Cluster, namespaces: &[String]) -> Result<(), Error> {
    for name in namespaces {
        match cluster.find(&cluster.namespaces(), Kind::Namespace.as_str(), name).await? {
            Some(found) if is_terminating(&found) => return Err(Error::NamespaceTerminating(name.clone())),
            Some(_) => {}
            None => return Err(Error::NamespaceMissing(name.clone())),
        }
    }
    Ok(())
}

/// Sees to it that the `ConfigMap`s that the pod refers to exist. A pod that refers to a missing one hangs in
/// `ContainerCreating` without saying so on its status.
///
/// Those that the run brings itself need not exist yet.
pub async fn references(cluster: &Cluster, resources: &Resources) -> Result<(), Error> {
    let namespace = resources.workload.namespace();
    let api = cluster.config_maps(namespace);
    let brought =
        |name: &str| resources.owned.iter().any(|own| own.kind == Kind::ConfigMap && own.name() == name);
    for (name, used_by) in config_maps(resources.pod()).into_iter().filter(|(name, _)| !brought(name)) {
        // The API server says of the pod what is wrong with the name.
        if names::check_dns_subdomain(&name).is_err() {
            continue;
        }
        let doing = format!("look up ConfigMap {namespace}/{name}");
        if cluster.call(doing, api.get_metadata_opt(&name)).await?.is_none() {
            return Err(Error::ConfigMapMissing { namespace: namespace.to_owned(), name, used_by });
        }
    }
    Ok(())
}

/// The `ConfigMap`s that a pod cannot start without, each with the place that refers to it.
fn config_maps(pod: &Value) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut add = |reference: Option<&Value>, used_by: String| {
        let Some(reference) =
            reference.filter(|reference| reference.get("optional") != Some(&Value::Bool(true)))
        else {
            return;
        };
        if let Some(name) = reference.get("name").and_then(Value::as_str)
            && found.iter().all(|(known, _)| known != name)
        {
            found.push((name.to_owned(), used_by));
        }
    };
    let spec = &pod["spec"];
    for volume in list(spec, "volumes") {
        let used_by = format!("named by volume {}", volume["name"]);
        add(volume.get("configMap"), used_by.clone());
        for source in list(&volume["projected"], "sources") {
            add(source.get("configMap"), used_by.clone());
        }
    }
    for container in list(spec, "containers").iter().chain(list(spec, "initContainers")) {
        let used_by = format!("named by the environment of container {}", container["name"]);
        for from in list(container, "envFrom") {
            add(from.get("configMapRef"), used_by.clone());
        }
        for variable in list(container, "env") {
            add(variable.pointer("/valueFrom/configMapKeyRef"), used_by.clone());
        }
    }
    found
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn references_are_found_wherever_a_pod_can_have_them() {
        let pod = json!({"spec": {
            "volumes": [
                {"name": "a", "configMap": {"name": "volume"}},
                {"name": "b", "projected": {"sources": [{"configMap": {"name": "projected"}}, {"secret": {"name": "s"}}]}},
                {"name": "c", "configMap": {"name": "optional", "optional": true}},
                {"name": "d", "secret": {"secretName": "s"}},
            ],
            "containers": [{"name": "x", "envFrom": [{"configMapRef": {"name": "from"}}, {"secretRef": {"name": "s"}}],
                "env": [{"name": "v", "valueFrom": {"configMapKeyRef": {"name": "key"}}}, {"name": "w", "value": "1"}]}],
            "initContainers": [{"name": "y", "envFrom": [{"configMapRef": {"name": "init"}}, {"configMapRef": {"name": "from"}}]}],
        }});
        let names: Vec<String> = config_maps(&pod).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["volume", "projected", "from", "key", "init"]);
    }

    #[test]
    fn no_pod_is_too_odd() {
        for pod in
            [json!(null), json!({"spec": 1}), json!({"spec": {"volumes": {}, "containers": ["x", null]}})]
        {
            assert_eq!(config_maps(&pod), []);
        }
    }
}
