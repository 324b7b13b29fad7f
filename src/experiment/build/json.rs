//! Edits of untyped objects.

use serde_json::{Value, json};

use crate::experiment::decide::plan::pod::toolkit_container;
use chaostoolkit_api::names;

/// The list of objects at a key, to be changed in place. Empty if there is none.
pub fn items<'a>(value: &'a mut Value, key: &str) -> &'a mut [Value] {
    value.get_mut(key).and_then(Value::as_array_mut).map_or(&mut [], Vec::as_mut_slice)
}

/// Removes unwanted items from the list at `key`, and the list itself if it is empty then.
pub fn retain(value: &mut Value, key: &str, wanted: impl Fn(&Value) -> bool) {
    let Some(list) = value.get_mut(key).and_then(Value::as_array_mut) else {
        return;
    };
    list.retain(wanted);
    if list.is_empty()
        && let Some(map) = value.as_object_mut()
    {
        map.remove(key);
    }
}

/// The container of a pod spec that runs the toolkit, to be changed in place.
pub fn toolkit(spec: &mut Value) -> Option<&mut Value> {
    let containers = items(spec, "containers");
    let index = toolkit_container(containers)?;
    containers.get_mut(index)
}

/// The container of a pod spec that has the name of the toolkit's, to be changed in place. The options and patches of a spec
/// go into this one alone.
pub fn named_toolkit(spec: &mut Value) -> Option<&mut Value> {
    items(spec, "containers").iter_mut().find(|container| is_named(container, names::CONTAINER))
}

/// The mapping at a key. It is created if it does not exist.
pub fn entry<'a>(value: &'a mut Value, key: &str) -> &'a mut Value {
    if !value[key].is_object() {
        value[key] = json!({});
    }
    &mut value[key]
}

/// Appends to the list at a key. The list is created if it does not exist.
pub fn push(value: &mut Value, key: &str, item: Value) {
    match value.get_mut(key).and_then(Value::as_array_mut) {
        Some(list) => list.push(item),
        None => value[key] = json!([item]),
    }
}

/// Whether an item has this name.
pub fn is_named(item: &Value, name: &str) -> bool {
    item.get("name") == Some(&json!(name))
}
