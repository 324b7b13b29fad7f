//! What a run refers to and does not create itself: it has to exist before the pod is created.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use crate::cluster::Cluster;
use crate::cluster::manifest::Kind;
use crate::cluster::reads::{Reads, State};
use crate::experiment::build::resources::Resources;
use crate::experiment::decide::plan::{Generated, Plan, Source};
use crate::experiment::error::Error;
use chaostoolkit_api::Text;

/// Checks that the namespace of the experiment, in which the run is to take place, is not being deleted.
pub async fn namespace_stays(reads: Reads<'_>, name: &str) -> Result<(), Error> {
    match reads.namespace(name).await? {
        Some(State::Terminating) => Err(Error::NamespaceTerminating(name.to_owned())),
        _ => Ok(()),
    }
}

/// Checks that the further namespaces exist in which the role is to be bound. The operator does not create them.
pub async fn bound_namespaces_exist(reads: Reads<'_>, namespaces: &[String]) -> Result<(), Error> {
    for name in namespaces {
        match reads.namespace(name).await? {
            Some(State::Terminating) => return Err(Error::NamespaceTerminating(name.clone())),
            Some(State::Active) => {}
            None => return Err(Error::NamespaceMissing(name.clone())),
        }
    }
    Ok(())
}

/// Checks that the `ConfigMap`s exist that the pod refers to, with the keys that it needs. A pod that refers to a missing
/// one hangs in `ContainerCreating`, and its status does not say why. A pod that mounts a missing key gets an empty
/// directory in its place.
///
/// The `ConfigMap`s of the run itself need not exist yet.
pub async fn config_maps_exist(reads: Reads<'_>, resources: &Resources) -> Result<(), Error> {
    let cluster = reads.cluster;
    let namespace = resources.workload.namespace();
    let api = cluster.config_maps(namespace)?;
    for Needed { name, used_by, keys } in needed(resources) {
        // The API server refuses a pod with such a name, and says what is wrong with it.
        let Ok(checked) = api.name(&name) else { continue };
        let found = if keys.is_empty() && reads.known_config_map(namespace, &name).is_none() {
            // The content may be large.
            let doing = format!("look up ConfigMap {namespace}/{name}");
            cluster.call(doing, api.get_metadata_opt(&checked)).await?.map(|_| Arc::default())
        } else {
            reads.config_map(namespace, &name).await?
        };
        let namespace = namespace.to_owned();
        let Some(found) = found else {
            return Err(Error::ConfigMapMissing { namespace, name, used_by });
        };
        let there: BTreeSet<&String> = found
            .data
            .iter()
            .flat_map(BTreeMap::keys)
            .chain(found.binary_data.iter().flat_map(BTreeMap::keys))
            .collect();
        if let Some(key) = keys.into_iter().find(|key| !there.contains(key)) {
            return Err(Error::ConfigMapKeyMissing { namespace, name, used_by, key, there: listed(&there) });
        }
    }
    Ok(())
}

/// Checks that the rules of the Role are known, if they follow from the experiment. The `ConfigMap` of the experiment may
/// have been created since it was looked up.
pub fn experiment_was_read(plan: &Plan) -> Result<(), Error> {
    match (&plan.rights.generated, &plan.source) {
        (Some(Generated { is_known: false, .. }), Source::File { config_map, file }) => {
            Err(Error::ConfigMapKeyMissing {
                namespace: plan.namespace.clone(),
                name: config_map.clone(),
                used_by: "named by spec.pod.experiment".to_owned(),
                key: file.clone(),
                there: "with spec.role.generate, its value has to be text".to_owned(),
            })
        }
        _ => Ok(()),
    }
}

/// How many keys of a `ConfigMap` a message names.
const MAX_LISTED: usize = 10;

/// Lists the keys of a `ConfigMap` for a message.
fn listed(keys: &BTreeSet<&String>) -> String {
    let shown: Vec<String> = keys.iter().take(MAX_LISTED).map(|key| format!("{key:?}")).collect();
    match keys.len() {
        0 => "it has no keys".to_owned(),
        count if count > MAX_LISTED => {
            format!("its keys are {} and {} more", shown.join(", "), count - MAX_LISTED)
        }
        _ => format!("its keys are {}", shown.join(", ")),
    }
}

/// Checks that the Roles exist that the bindings of the run refer to. Otherwise the API server refuses the bindings with
/// "not found".
///
/// The Roles of the run itself need not exist yet. The operator has no right to look up a `ClusterRole`.
pub async fn roles_exist(cluster: &Cluster, resources: &Resources) -> Result<(), Error> {
    for binding in resources.owned.iter().filter(|own| own.kind == Kind::RoleBinding) {
        let (namespace, role) = (binding.namespace(), &binding.value["roleRef"]);
        let Some(name) = role["name"].as_str().filter(|_| role["kind"] == Kind::Role.as_str()) else {
            continue;
        };
        let is_own = resources
            .owned
            .iter()
            .any(|own| own.kind == Kind::Role && own.namespace() == namespace && own.name() == name);
        let api = cluster.objects(Kind::Role, namespace)?;
        // A Role may have a name that cannot go into a URL as it is. It is bound without being looked up.
        if is_own || api.name(name).is_err() {
            continue;
        }
        if cluster.find(&api, Kind::Role.as_str(), name).await?.is_none() {
            return Err(Error::RoleMissing { namespace: namespace.to_owned(), name: name.to_owned() });
        }
    }
    Ok(())
}

/// A `ConfigMap` that a pod cannot start without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// Its name.
    pub name: String,
    /// The first place in the pod that refers to it.
    pub used_by: String,
    /// The keys that it has to have.
    pub keys: Vec<String>,
}

/// The `ConfigMap`s that the pod of a run cannot start without, and that the run does not create.
#[must_use]
pub fn needed(resources: &Resources) -> Vec<Needed> {
    let is_own =
        |name: &str| resources.owned.iter().any(|own| own.kind == Kind::ConfigMap && own.name() == name);
    config_maps(resources.pod()).into_iter().filter(|needed| !is_own(&needed.name)).collect()
}

/// The `ConfigMap`s that a pod cannot start without.
fn config_maps(pod: &Value) -> Vec<Needed> {
    let mut found: Vec<Needed> = Vec::new();
    let mut add = |reference: Option<&Value>, used_by: String, keys: Vec<String>| {
        let Some(reference) =
            reference.filter(|reference| reference.get("optional") != Some(&Value::Bool(true)))
        else {
            return;
        };
        let Some(name) = reference.get("name").and_then(Value::as_str) else { return };
        match found.iter_mut().find(|known| known.name == name) {
            Some(known) => known.keys.extend(keys),
            None => found.push(Needed { name: name.to_owned(), used_by, keys }),
        }
    };
    let spec = &pod["spec"];
    let containers = || list(spec, "containers").iter().chain(list(spec, "initContainers"));
    for volume in list(spec, "volumes") {
        let used_by = format!("named by volume {}", volume["name"]);
        let mounts = containers().flat_map(|container| list(container, "volumeMounts"));
        let mounts: Vec<&Value> = mounts.filter(|mount| mount["name"] == volume["name"]).collect();
        add(volume.get("configMap"), used_by.clone(), volume_keys(&volume["configMap"], &mounts));
        for source in list(&volume["projected"], "sources") {
            add(source.get("configMap"), used_by.clone(), volume_keys(&source["configMap"], &[]));
        }
    }
    for container in containers() {
        let used_by = format!("named by the environment of container {}", container["name"]);
        for from in list(container, "envFrom") {
            add(from.get("configMapRef"), used_by.clone(), Vec::new());
        }
        for variable in list(container, "env") {
            let reference = variable.pointer("/valueFrom/configMapKeyRef");
            let key = reference.and_then(|reference| reference["key"].as_str());
            add(reference, used_by.clone(), key.into_iter().map(str::to_owned).collect());
        }
    }
    found
}

/// The keys that a volume needs: those of its items. Without items, each key is a file, so the files count that these
/// mounts take out of the volume.
fn volume_keys(source: &Value, mounts: &[&Value]) -> Vec<String> {
    let keys = list(source, "items").iter().filter_map(|item| item["key"].as_str());
    if source.get("items").is_some_and(|items| !items.is_null()) {
        return keys.map(str::to_owned).collect();
    }
    let paths = mounts.iter().filter_map(|mount| mount["subPath"].as_str());
    paths
        .filter_map(|path| path.split('/').find(|part| !matches!(*part, "" | ".")))
        .map(str::to_owned)
        .collect()
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
        let names: Vec<String> = config_maps(&pod).into_iter().map(|needed| needed.name).collect();
        assert_eq!(names, ["volume", "projected", "from", "key", "init"]);
    }

    #[test]
    fn the_keys_are_known_that_a_pod_needs() {
        let pod = json!({"spec": {
            "volumes": [
                {"name": "all", "configMap": {"name": "a"}},
                {"name": "some", "configMap": {"name": "b", "items": [{"key": "k", "path": "p"}]}},
                {"name": "projected", "projected": {"sources": [{"configMap": {"name": "c", "items": [{"key": "l", "path": "q"}]}}]}},
                {"name": "optional", "configMap": {"name": "d", "optional": true}},
            ],
            "containers": [{"name": "x",
                "volumeMounts": [{"name": "all", "mountPath": "/home/svc/e.json", "subPath": "e.json"}, {"name": "some", "mountPath": "/some", "subPath": "p"},
                    {"name": "optional", "mountPath": "/optional", "subPath": "o"}, {"name": "all", "mountPath": "/all"}],
                "env": [{"name": "v", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "v"}}},
                    {"name": "w", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "w", "optional": true}}}]}],
            "initContainers": [{"name": "y", "volumeMounts": [{"name": "all", "mountPath": "/y", "subPath": "./f/"}]}],
        }});
        let keys: Vec<String> = config_maps(&pod)
            .into_iter()
            .map(|needed| format!("{}: {}", needed.name, needed.keys.join(" ")))
            .collect();
        assert_eq!(keys, ["a: e.json f v", "b: k", "c: l"]);
    }

    #[test]
    fn a_message_names_few_keys() {
        let keys: Vec<String> = (10..30).map(|number| number.to_string()).collect();
        let shown = |count: usize| listed(&keys.iter().take(count).collect());
        assert_eq!(shown(0), "it has no keys");
        assert_eq!(shown(2), r#"its keys are "10", "11""#);
        assert!(shown(20).ends_with(r#", "19" and 10 more"#), "{}", shown(20));
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
