//! What a spec says about the pod of a run.

use serde_json::Value;

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

/// Reads the author's own pod: a mapping, or a text that holds one.
pub fn own_pod(template: Value) -> Result<Value, InvalidSpec> {
    let invalid = |problem: String| InvalidSpec::new("spec.pod.template", problem);
    let pod = match template {
        Value::String(text) => {
            yaml::parse(&text).map_err(|error| invalid(format!("is not YAML: {error}")))?
        }
        template => template,
    };
    if pod.get("kind").and_then(Value::as_str) != Some("Pod") {
        return Err(invalid("is not a pod: its `kind` is not Pod".to_owned()));
    }
    if pod.pointer("/metadata/name").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err(invalid("has no `metadata.name`".to_owned()));
    }
    let containers = pod.pointer("/spec/containers").and_then(Value::as_array);
    let mut containers = containers.into_iter().flatten();
    if !containers.any(|container| container.get("name") == Some(&Value::from(names::CONTAINER))) {
        return Err(invalid(format!("has no container called {:?}", names::CONTAINER)));
    }
    Ok(pod)
}
