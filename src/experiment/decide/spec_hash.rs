//! A fingerprint of what a spec says about a run.

use serde_json::Value;

use chaostoolkit_api::names;
use chaostoolkit_api::spec::options::LIVE_FIELDS;

/// Hashes all fields that decide on a run.
#[must_use]
pub fn spec_hash(spec: Option<&Value>) -> String {
    let mut spec = spec.and_then(Value::as_object).cloned().unwrap_or_default();
    spec.retain(|field, _| !LIVE_FIELDS.contains(&field.as_str()));
    names::suffix(&Value::Object(spec).to_string())
}
