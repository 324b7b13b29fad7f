//! The maximum nesting depth of an object.
//!
//! `serde_json` rejects JSON that is nested deeper than [128
//! levels](https://docs.rs/serde_json/1/serde_json/struct.Deserializer.html#method.disable_recursion_limit). The API server
//! stores such objects nevertheless. Therefore the operator replaces values that are nested too deeply by a marker when a
//! response arrives. A spec that contains a marker is invalid.

use serde_json::Value;

/// The maximum nesting depth of an object. The remaining levels up to 128 are for the list or the event that contains it.
pub const DEEPEST: usize = 120;

/// The marker that replaces a value. It starts with a zero byte, since no author writes one by mistake.
pub const CUT: &str = "\0nested too deeply";

/// Returns the path of the first marker [`CUT`] in a spec, such as `.pod.template[0]`. Returns `None` if there is none.
/// The path has at most 3 steps.
#[must_use]
pub fn cut_at(spec: &Value) -> Option<String> {
    marked_at(spec, CUT)
}

/// Returns the path of the first text in a spec that equals this marker, as [`cut_at`] does.
#[must_use]
pub fn marked_at(spec: &Value, marker: &str) -> Option<String> {
    /// The maximum length of the path. The whole path would be as long as the object is deep.
    const MAX_STEPS: usize = 3;
    /// Returns the steps of the path, the last one first.
    fn find(value: &Value, marker: &str) -> Option<Vec<String>> {
        let (mut path, step) = match value {
            Value::String(text) => return (text == marker).then(Vec::new),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .find_map(|(at, item)| Some((find(item, marker)?, format!("[{at}]"))))?,
            Value::Object(fields) => {
                fields.iter().find_map(|(name, field)| Some((find(field, marker)?, format!(".{name}"))))?
            }
            _ => return None,
        };
        path.push(step);
        Some(path)
    }
    Some(find(spec, marker)?.into_iter().rev().take(MAX_STEPS).collect())
}
