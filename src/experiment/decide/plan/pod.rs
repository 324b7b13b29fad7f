//! What a spec says about the pod of a run.

use serde_json::{Map, Value};

use crate::experiment::decide::plan::grace;
use crate::experiment::decide::plan::values::given;
use crate::process::config::Runner;
use crate::yaml;
use chaostoolkit_api::spec::{InvalidSpec, JournalStore, ReportMode, ReportSpec};
use chaostoolkit_api::{Spec, names};

/// The `ConfigMap` of variables if the spec names none.
pub const DEFAULT_ENV: &str = "chaostoolkit-env";

/// The `ConfigMap` of variables that a spec names, in the newer place or in the older one.
#[must_use]
pub fn env_config_map(spec: &Spec) -> String {
    let pod = spec.pod.clone().unwrap_or_default();
    let named = given(pod.env.and_then(|env| env.config_map_name)).or_else(|| given(pod.config_map_name));
    named.unwrap_or_else(|| DEFAULT_ENV.to_owned())
}

/// How the runner is put into the pod, unless the author does not want it.
#[must_use]
pub fn runner(report: Option<&ReportSpec>, here: &Runner) -> Option<Runner> {
    let report = report.cloned().unwrap_or_default();
    let store = report.journal.and_then(|journal| journal.store).unwrap_or_default();
    let journal = here.journal && store == JournalStore::ConfigMap;
    (report.mode.unwrap_or_default() == ReportMode::Runner).then(|| Runner { journal, ..here.clone() })
}

/// How many containers a message names.
const MAX_NAMED: usize = 5;

/// Returns the index of the container that runs the toolkit: the one called `chaostoolkit`, or else the only one.
#[must_use]
pub fn toolkit_container(containers: &[Value]) -> Option<usize> {
    let named = containers.iter().position(|container| container["name"] == names::CONTAINER);
    let is_alone = || matches!(containers, [only] if only.is_object());
    named.or_else(|| is_alone().then_some(0))
}

/// Whether a rule of a container restarts this container alone. Since Kubernetes 1.35, a rule can restart the whole pod.
#[must_use]
pub fn restarts_its_container_alone(rule: &Value) -> bool {
    rule["action"] == "Restart"
}

/// Reads the author's own pod: a mapping, or a text that holds one.
pub fn own_pod(template: Value) -> Result<Value, InvalidSpec> {
    let invalid = |problem: String| InvalidSpec::new("spec.pod.template", problem);
    let pod = match template {
        Value::String(text) => {
            yaml::parse(&text).map_err(|error| invalid(format!("is not YAML: {error}")))?
        }
        template => template,
    };
    let Value::Object(mut pod) = pod else { return Err(invalid("is not a pod".to_owned())) };
    // 0.14.0 took the template as it is.
    for (field, value) in [("apiVersion", "v1"), ("kind", "Pod")] {
        pod.entry(field).or_insert_with(|| value.into());
    }
    if pod["kind"] != "Pod" {
        return Err(invalid("is not a pod: its `kind` is not Pod".to_owned()));
    }
    let metadata = pod.entry("metadata").or_insert(Value::Null);
    if metadata.is_null() {
        *metadata = Value::Object(Map::new());
    }
    let name = metadata
        .as_object_mut()
        .map(|metadata| metadata.entry("name").or_insert_with(|| names::CONTAINER.into()));
    if name.and_then(|name| name.as_str()).is_none_or(str::is_empty) {
        return Err(invalid("has a `metadata.name` that is not a text".to_owned()));
    }
    let pod = Value::Object(pod);
    let name = pod.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    names::check_template(name, names::check_dns_subdomain)
        .map_err(|problem| InvalidSpec::new("spec.pod.template.metadata.name", problem))?;
    grace::asked(&pod["spec"])
        .map_err(|problem| InvalidSpec::new(format!("spec.pod.template.spec.{}", grace::FIELD), problem))?;
    let containers = pod.pointer("/spec/containers").and_then(Value::as_array);
    let containers = containers.map(Vec::as_slice).unwrap_or_default();
    if toolkit_container(containers).is_none() {
        let called: Vec<String> =
            containers.iter().take(MAX_NAMED).map(|container| container["name"].to_string()).collect();
        let problem = match called.len() {
            0 | 1 => "has no container".to_owned(),
            _ => format!(
                "has several containers and none called {:?}, but {}",
                names::CONTAINER,
                called.join(", ")
            ),
        };
        return Err(invalid(problem));
    }
    Ok(pod)
}
