//! A fingerprint of what a spec says about a run.

use serde_json::Value;

use chaostoolkit_api::names;
use chaostoolkit_api::spec::options::{LIVE_FIELDS, START_FIELDS};

/// Hashes all fields that decide on what a run does.
#[must_use]
pub fn spec_hash(spec: Option<&Value>) -> String {
    let mut spec = spec.and_then(Value::as_object).cloned().unwrap_or_default();
    spec.retain(|field, _| !LIVE_FIELDS.iter().chain(&START_FIELDS).any(|known| known == field));
    names::suffix(&Value::Object(spec).to_string())
}
