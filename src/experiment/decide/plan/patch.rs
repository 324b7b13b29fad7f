//! What an author adds to the pod: a strategic merge patch, and the options that are short forms of one.

mod guard;
pub mod metadata;
mod quantities;
mod typed;

use k8s_openapi::api::core::v1::{
    EnvFromSource, LocalObjectReference, Pod, PodSecurityContext, ResourceRequirements, Toleration, Volume,
    VolumeMount,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::experiment::decide::plan::patch::typed::Typed;
use crate::experiment::decide::plan::types::Patches;
use crate::experiment::decide::plan::values::{given, is_empty};
use crate::strategic;
use chaostoolkit_api::spec::{InvalidSpec, Mistakes, PodSpec};
use chaostoolkit_api::{Spec, names};

pub use guard::changes_what_runs;

/// The path of the patch.
const PATCH: &str = "spec.pod.patch";

/// When an image is pulled.
const PULL_POLICIES: [&str; 3] = ["Always", "IfNotPresent", "Never"];

/// Reads the patches of a spec. With the runner, what it needs is guarded. An error names all mistakes.
pub fn patches(pod: &PodSpec, has_runner: bool) -> Result<Patches, InvalidSpec> {
    let mut mistakes = Mistakes::default();
    if pod.template.as_ref().is_some_and(|template| !is_empty(template)) {
        return Ok(Patches::default());
    }
    mistakes.or(check_texts(pod), ());
    mistakes.or(quantities::check(pod), ());
    for read in typed(pod) {
        mistakes.or(read.result, ());
    }
    for (field, list, key) in keyed(pod) {
        mistakes.or(guard::short_list(field, list, key, has_runner), ());
    }
    if let Some(patch) = pod.patch.as_ref().filter(|patch| !patch.is_null()) {
        mistakes.or(guard::patch(PATCH, patch, has_runner), ());
        if let Err(problem) = strategic::check(patch) {
            mistakes.add(InvalidSpec::new(typed::below(PATCH, &problem.path), problem.problem));
        }
    }
    mistakes.none()?;
    Ok(Patches {
        short: short(pod),
        env_from: pod.env_from.clone().unwrap_or_default(),
        own: pod.patch.clone().filter(|patch| patch.as_object().is_some_and(|fields| !fields.is_empty())),
    })
}

/// Returns the paths of the fields in the patches of a spec that this operator does not know. A later Kubernetes may.
#[must_use]
pub fn unknown(spec: &Spec) -> Vec<String> {
    let pod = spec.pod.as_ref().filter(|pod| pod.template.as_ref().is_none_or(is_empty));
    pod.into_iter().flat_map(typed).flat_map(|read| read.unknown).collect()
}

/// Reads what has a type of Kubernetes.
fn typed(pod: &PodSpec) -> Vec<Typed> {
    fn read<T: DeserializeOwned>(all: &mut Vec<Typed>, field: &str, value: Option<&Value>) {
        if let Some(value) = value.filter(|value| !value.is_null()) {
            all.push(typed::read::<T>(&format!("spec.pod.{field}"), &strategic::plain(value)));
        }
    }
    fn each<T: DeserializeOwned>(all: &mut Vec<Typed>, field: &str, list: Option<&Vec<Value>>) {
        for (index, value) in list.into_iter().flatten().enumerate() {
            all.push(typed::read::<T>(&format!("spec.pod.{field}[{index}]"), &strategic::plain(value)));
        }
    }
    let mut all = Vec::new();
    each::<Toleration>(&mut all, "tolerations", pod.tolerations.as_ref());
    each::<LocalObjectReference>(&mut all, "imagePullSecrets", pod.image_pull_secrets.as_ref());
    each::<Volume>(&mut all, "volumes", pod.volumes.as_ref());
    each::<VolumeMount>(&mut all, "volumeMounts", pod.volume_mounts.as_ref());
    each::<EnvFromSource>(&mut all, "envFrom", pod.env_from.as_ref());
    read::<ResourceRequirements>(&mut all, "resources", pod.resources.as_ref());
    read::<PodSecurityContext>(&mut all, "securityContext", pod.security_context.as_ref());
    let mut patch = pod.patch.clone().filter(Value::is_object);
    if let Some(Value::Object(fields)) = &mut patch {
        // The guard has checked these. The type would not name their path.
        fields.retain(|key, _| !matches!(key.as_str(), "apiVersion" | "kind"));
    }
    read::<Pod>(&mut all, "patch", patch.as_ref());
    all
}

/// The short forms that are lists with a merge key.
fn keyed(pod: &PodSpec) -> [(&'static str, &[Value], &'static str); 3] {
    [
        ("volumes", pod.volumes.as_deref().unwrap_or_default(), "name"),
        ("volumeMounts", pod.volume_mounts.as_deref().unwrap_or_default(), "mountPath"),
        ("imagePullSecrets", pod.image_pull_secrets.as_deref().unwrap_or_default(), "name"),
    ]
}

/// Checks the short forms that are texts, and that none of them has a directive.
fn check_texts(pod: &PodSpec) -> Result<(), InvalidSpec> {
    let mut mistakes = Mistakes::default();
    for (key, value) in pod.labels.iter().flatten() {
        mistakes.or(metadata::label("spec.pod.labels", key, Some(value)), ());
    }
    for (key, value) in pod.node_selector.iter().flatten() {
        mistakes.or(metadata::well_formed("spec.pod.nodeSelector", key, Some(value)), ());
    }
    for key in pod.annotations.iter().flatten().map(|(key, _)| key) {
        mistakes.or(metadata::annotation("spec.pod.annotations", key), ());
    }
    let policy = given(pod.image_pull_policy.clone());
    if let Some(policy) = policy.filter(|policy| !PULL_POLICIES.contains(&policy.as_str())) {
        let problem = format!("{policy:?} is not known; there are {}", PULL_POLICIES.join(", "));
        mistakes.add(InvalidSpec::new("spec.pod.imagePullPolicy", problem));
    }
    if let Some(Err(problem)) =
        given(pod.priority_class_name.clone()).map(|name| names::check_dns_subdomain(&name))
    {
        mistakes.add(InvalidSpec::new("spec.pod.priorityClassName", problem));
    }
    for (field, value) in [("resources", &pod.resources), ("securityContext", &pod.security_context)] {
        let value = value.as_ref().unwrap_or(&Value::Null);
        mistakes.or(guard::no_directive(&format!("spec.pod.{field}"), value), ());
    }
    let lists = [("tolerations", &pod.tolerations), ("envFrom", &pod.env_from)];
    for (field, list) in lists {
        for (index, item) in list.iter().flatten().enumerate() {
            mistakes.or(guard::no_directive(&format!("spec.pod.{field}[{index}]"), item), ());
        }
    }
    mistakes.none()
}

/// Makes a patch of the short forms.
fn short(pod: &PodSpec) -> Option<Value> {
    let metadata = [("labels", json!(pod.labels)), ("annotations", json!(pod.annotations))];
    let container = [
        ("resources", json!(pod.resources)),
        ("imagePullPolicy", json!(given(pod.image_pull_policy.clone()))),
        ("volumeMounts", json!(pod.volume_mounts)),
    ];
    let spec = [
        ("nodeSelector", json!(pod.node_selector)),
        ("tolerations", json!(pod.tolerations)),
        ("imagePullSecrets", json!(pod.image_pull_secrets)),
        ("priorityClassName", json!(given(pod.priority_class_name.clone()))),
        ("securityContext", json!(pod.security_context)),
        ("volumes", json!(pod.volumes)),
        ("containers", named(set(container))),
    ];
    let patch = set([("metadata", set(metadata)), ("spec", set(spec))]);
    (!patch.is_null()).then_some(patch)
}

/// Returns a mapping of the fields that are not null, or null if there are none.
fn set<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
    let fields: Map<String, Value> = fields.map(|(key, value)| (key.to_owned(), value)).collect();
    if fields.is_empty() { Value::Null } else { Value::Object(fields) }
}

/// Returns the list of containers with these fields of the toolkit's one.
fn named(mut container: Value) -> Value {
    if container.is_null() {
        return container;
    }
    container["name"] = json!(names::CONTAINER);
    json!([container])
}

#[cfg(test)]
mod tests;
