//! How empty values of a spec are read.

use serde_json::Value;

/// Takes an empty text for an absent one.
#[must_use]
pub fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// Whether a pod template says nothing.
#[must_use]
pub fn is_empty(template: &Value) -> bool {
    template.is_null() || template.as_str().is_some_and(|text| text.trim().is_empty())
}
