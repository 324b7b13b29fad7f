//! The directives of a patch: keys that start with `$`.

use serde_json::{Map, Value};

/// What to do with the mapping or the list that has it: `replace` or `delete`.
pub const PATCH: &str = "$patch";

/// The keys of a mapping that stay.
pub const RETAIN_KEYS: &str = "$retainKeys";

/// The start of a key with items to delete from a list of texts.
pub const DELETE: &str = "$deleteFromPrimitiveList";

/// The start of a key with the order of a list.
pub const ORDER: &str = "$setElementOrder";

/// Whether a key of a mapping is a directive.
#[must_use]
pub fn is_directive(key: &str) -> bool {
    key == PATCH || key == RETAIN_KEYS || key.starts_with(DELETE) || key.starts_with(ORDER)
}

/// Returns the field that a directive such as `$setElementOrder/env` is about. `None` if it names no field.
pub fn subject<'key>(key: &'key str, directive: &str) -> Option<&'key str> {
    key.strip_prefix(directive)?.strip_prefix('/').filter(|field| !field.is_empty())
}

/// Returns a value without all directives that are left in it. Mappings that are marked by `$patch` go as a whole.
#[must_use]
pub fn without_directives(value: Value) -> Value {
    kept(value, &|key| !is_directive(key)).unwrap_or_default()
}

/// Returns a patch without its directives and without the nulls that remove fields. Unlike [`without_directives`], it
/// keeps marked mappings, so that the items of lists stay where they are.
#[must_use]
pub fn plain(patch: &Value) -> Value {
    match patch {
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(key, value)| !is_directive(key) && !value.is_null());
            Value::Object(fields.map(|(key, value)| (key.clone(), plain(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(plain).collect()),
        value => value.clone(),
    }
}

/// Returns a value without the mappings that are marked by `$patch`. `None` if it is such a mapping itself.
pub fn without_marks(value: Value) -> Option<Value> {
    kept(value, &|_| true)
}

fn kept(value: Value, wanted: &impl Fn(&str) -> bool) -> Option<Value> {
    match value {
        Value::Object(fields) if fields.contains_key(PATCH) => None,
        Value::Object(fields) => {
            let fields = fields.into_iter().filter(|(key, _)| wanted(key));
            let fields = fields.filter_map(|(key, value)| Some((key, kept(value, wanted)?)));
            Some(Value::Object(fields.collect()))
        }
        Value::Array(items) => {
            Some(Value::Array(items.into_iter().filter_map(|item| kept(item, wanted)).collect()))
        }
        value => Some(value),
    }
}

/// Removes all nulls of mappings, at any depth.
pub fn remove_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(remove_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_nulls),
        _ => {}
    }
}

/// Takes the entries out of a patch whose keys start with a directive.
pub fn take(patch: &mut Map<String, Value>, directive: &str) -> Vec<(String, Value)> {
    let keys: Vec<String> = patch.keys().filter(|key| key.starts_with(directive)).cloned().collect();
    keys.into_iter().filter_map(|key| patch.remove_entry(&key)).collect()
}
