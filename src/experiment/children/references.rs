//! What a run refers to and does not create itself: it has to exist before the pod is created.

use serde_json::Value;

use crate::cluster::Cluster;
use crate::cluster::manifest::Kind;
use crate::experiment::build::resources::Resources;
use crate::experiment::children::create::is_terminating;
use crate::experiment::error::Error;
use chaostoolkit_api::{Text, names};

/// Checks that the further namespaces exist in which the role is to be bound. The operator does not create them.
pub async fn bound_namespaces_exist(cluster: &Cluster, namespaces: &[String]) -> Result<(), Error> {
    for name in namespaces {
        match cluster.find(&cluster.namespaces(), Kind::Namespace.as_str(), name).await? {
            Some(found) if is_terminating(&found) => return Err(Error::NamespaceTerminating(name.clone())),
            Some(_) => {}
            None => return Err(Error::NamespaceMissing(name.clone())),
        }
    }
    Ok(())
}

/// Checks that the `ConfigMap`s exist that the pod refers to. A pod that refers to a missing one hangs in
/// `ContainerCreating`, and its status does not say why.
///
/// The `ConfigMap`s of the run itself need not exist yet.
pub async fn config_maps_exist(cluster: &Cluster, resources: &Resources) -> Result<(), Error> {
    let namespace = resources.workload.namespace();
    let api = cluster.config_maps(namespace);
    let is_own =
        |name: &str| resources.owned.iter().any(|own| own.kind == Kind::ConfigMap && own.name() == name);
    for (name, used_by) in config_maps(resources.pod()).into_iter().filter(|(name, _)| !is_own(name)) {
        // The API server refuses a pod with such a name, and says what is wrong with it.
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
