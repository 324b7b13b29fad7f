//! What the container of the toolkit gets: pure.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::Value;

use crate::cluster::manifest::{Kind, Manifest};
use crate::experiment::build::resources::Resources;
use crate::experiment::children::references;
use crate::toolkit::preflight::{Findings, Kind as Found};
use chaostoolkit_api::names;

/// The keys of `ConfigMap`s, by their names. One without keys does not exist. Those that are not in the map are unknown.
pub type Maps = BTreeMap<String, Option<BTreeSet<String>>>;

/// Returns the keys of a `ConfigMap`.
pub(super) fn keys(map: &ConfigMap) -> BTreeSet<String> {
    let texts = map.data.iter().flat_map(BTreeMap::keys);
    texts.chain(map.binary_data.iter().flat_map(BTreeMap::keys)).cloned().collect()
}

/// Whether the container runs `chaos` itself. Another program may set variables, or run another experiment.
pub(super) fn runs_chaos(resources: &Resources) -> bool {
    let command = resources.toolkit().map(|container| list(container, "command")).unwrap_or_default();
    let program = command.last().and_then(Value::as_str).unwrap_or_default();
    program.rsplit('/').next() == Some("chaos")
}

/// Returns the names of the `ConfigMap`s that decide which variables there are, without those of the run itself.
pub(super) fn config_maps(resources: &Resources) -> BTreeSet<String> {
    let Some(container) = resources.toolkit() else { return BTreeSet::new() };
    let sources = list(container, "envFrom").iter().filter_map(|source| source.pointer("/configMapRef/name"));
    let variables = list(container, "env").iter().filter_map(optional);
    let names = sources.chain(variables.map(|reference| &reference["name"])).filter_map(Value::as_str);
    let is_to_be_read =
        |name: &&str| own(resources, name).is_none() && names::check_dns_subdomain(name).is_ok();
    names.filter(is_to_be_read).map(str::to_owned).collect()
}

/// Returns the names of the variables of the container, if all of them are known. Whoever names a Secret may get any.
pub(super) fn variables(resources: &Resources, maps: &Maps) -> Option<BTreeSet<String>> {
    let container = resources.toolkit()?;
    let of = |name: &str| own(resources, name).or_else(|| maps.get(name).cloned().flatten());
    let is_missing = |name: &str| own(resources, name).is_none() && maps.get(name) == Some(&None);
    let mut all = BTreeSet::new();
    for variable in list(container, "env") {
        let is_there = optional(variable).is_none_or(|reference| {
            let name = reference["name"].as_str().unwrap_or_default();
            let key = reference["key"].as_str().unwrap_or_default();
            !is_missing(name) && of(name).is_none_or(|keys| keys.contains(key))
        });
        all.extend(variable["name"].as_str().filter(|_| is_there).map(str::to_owned));
    }
    for source in list(container, "envFrom") {
        if source.get("secretRef").is_some_and(|reference| !reference.is_null()) {
            return None;
        }
        let Some(reference) = source.get("configMapRef").filter(|reference| !reference.is_null()) else {
            continue;
        };
        let name = reference["name"].as_str().unwrap_or_default();
        if is_missing(name) && reference["optional"] == true {
            continue;
        }
        // One that does not exist and has to, keeps the run from starting by itself.
        let prefix = source["prefix"].as_str().unwrap_or_default();
        all.extend(of(name)?.into_iter().map(|key| format!("{prefix}{key}")));
    }
    Some(all)
}

/// Adds the keys that the pod needs and that these `ConfigMap`s lack.
pub(super) fn missing_keys(resources: &Resources, maps: &Maps, found: &mut Findings) {
    for references::Needed { name, used_by, keys } in references::needed(resources) {
        match maps.get(&name) {
            None => {}
            Some(None) => {
                let message =
                    format!("ConfigMap {name:?} does not exist, so the run does not start; create it");
                found.add(Found::KeyMissing, format!("the pod, {used_by}"), message);
            }
            Some(Some(there)) => {
                for key in keys.iter().filter(|key| !there.contains(*key)) {
                    let message = format!(
                        "ConfigMap {name:?} has no key {key:?}, so the run does not start; add it to the ConfigMap"
                    );
                    found.add(Found::KeyMissing, format!("the pod, {used_by}"), message);
                }
            }
        }
    }
}

/// Returns the reference of a variable to a key that may be missing.
fn optional(variable: &Value) -> Option<&Value> {
    variable.pointer("/valueFrom/configMapKeyRef").filter(|reference| reference["optional"] == true)
}

/// Whether an object is the `ConfigMap` that a run creates in place of one with this name.
pub(super) fn is_config_map(own: &Manifest, name: &str) -> bool {
    own.kind == Kind::ConfigMap && own.name().starts_with(name)
}

/// Returns the keys of a `ConfigMap` that the run creates.
fn own(resources: &Resources, name: &str) -> Option<BTreeSet<String>> {
    let map = resources.owned.iter().find(|own| own.kind == Kind::ConfigMap && own.name() == name)?;
    let keys = ["data", "binaryData"].into_iter().filter_map(|part| map.value[part].as_object());
    Some(keys.flat_map(|keys| keys.keys().cloned()).collect())
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests;
