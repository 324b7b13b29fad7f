//! An object as an author may store it, through what `render` does: read, plan, build.

use chaostoolkit_api::Experiment;
use chaostoolkit_operator::commands::render::render;
use chaostoolkit_operator::experiment::decide::understood::understood;
use chaostoolkit_operator::experiment::status::Draft;
use serde_json::{Map, Value, json};

use super::{NAMESPACE, metadata, now, objects, written};

/// Checks an object in JSON. Of its metadata, labels and annotations count.
pub fn hold(data: &[u8]) {
    let Ok(object) = serde_json::from_slice::<Value>(data) else { return };
    of(object);
}

/// Checks an object. Returns whether its spec is understood.
pub fn of(mut object: Value) -> bool {
    if !object.is_object() {
        return false;
    }
    let mut stored = metadata();
    for key in ["labels", "annotations"] {
        stored[key] = taken(key, &object["metadata"][key]);
    }
    object["kind"] = json!("ChaosToolkitExperiment");
    object["metadata"] = stored;
    object["status"] = Value::Null;
    let text = object.to_string();
    let Ok(experiment) = serde_json::from_value::<Experiment>(object) else { return false };

    let understood = understood(&experiment, NAMESPACE);
    let mut draft = Draft::of(&experiment, now());
    match &understood {
        Ok(parsed) => draft.accepted(&parsed.unknown, &[]),
        Err(invalid) => {
            assert!(invalid.path.starts_with("spec"), "the field is named: {invalid}");
            assert_eq!(invalid.to_string().lines().count(), 1, "the reason is one line: {invalid}");
            draft.rejected(invalid);
        }
    }
    written(&experiment, &draft.status, 0);

    let rendered = render(&text, None, &[]);
    if let Ok(objects) = &rendered {
        assert!(understood.is_ok(), "what is not understood is not built");
        objects::well_formed(objects, text.len());
        assert_eq!(objects, &render(&text, None, &[]).unwrap(), "the same spec makes the same objects");
    }
    rendered.is_ok()
}

/// Returns the labels or annotations that the API server would store.
fn taken(key: &str, given: &Value) -> Value {
    let part = |text: &str| {
        let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let bytes = text.as_bytes();
        text.len() <= 63 && bytes.iter().all(|byte| inner(*byte)) && edge(bytes.first()) && edge(bytes.last())
    };
    let is_key = |text: &str| {
        let (prefix, name) = text.split_once('/').unwrap_or(("x", text));
        part(name) && chaostoolkit_api::names::check_dns_subdomain(prefix).is_ok()
    };
    let is_value = |text: &str| key == "annotations" || text.is_empty() || part(text);
    let fields = given.as_object().into_iter().flatten();
    let taken = fields.filter(|(name, value)| is_key(name) && value.as_str().is_some_and(is_value));
    Value::Object(taken.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>())
}
