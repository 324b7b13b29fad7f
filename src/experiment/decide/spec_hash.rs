//! A fingerprint of what a spec says about a run.

use serde_json::Value;

use chaostoolkit_api::names;

/// Fields that take effect on a run that was decided on already, or on no run at all.
const NOT_OF_THE_RUN: [&str; 7] = [
    "abort",
    "suspend",
    "rescue",
    "startDeadlineSeconds",
    "ttlSecondsAfterFinished",
    "cleanup",
    "keep_resources_on_delete",
];

/// Hashes all fields that decide on a run.
#[must_use]
pub fn spec_hash(spec: Option<&Value>) -> String {
    let mut spec = spec.and_then(Value::as_object).cloned().unwrap_or_default();
    spec.retain(|field, _| !NOT_OF_THE_RUN.contains(&field.as_str()));
    names::suffix(&Value::Object(spec).to_string())
}
