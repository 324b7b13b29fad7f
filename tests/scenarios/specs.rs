//! Odd specs, generated from the schema of the definition: plausible values and wrong ones.

#![allow(dead_code, reason = "each test program uses a part of this")]

use serde_json::{Map, Value, json};

use crate::common::chance::Chance;

/// Returns the shipped schema of `spec`.
pub fn schema() -> Value {
    schema_of("spec")
}

/// Returns the shipped schema of `spec` or `status`.
pub fn schema_of(part: &str) -> Value {
    let definition = serde_json::to_value(chaostoolkit_api::crd()).unwrap();
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"][part].clone()
}

/// Generates a value that fits the schema, but for up to `spoilt` fields that are as odd as possible.
pub fn spoilt(schema: &Value, chance: &mut Chance, spoilt: u64) -> Value {
    let mut value = plausible(schema, chance, 0);
    for _ in 0..chance.below(spoilt + 1) {
        spoil(&mut value, schema, chance);
    }
    value
}

/// Generates a spec: some fields that fit the schema, and up to three that are as odd as possible. The spec starts no
/// run, and its objects are deleted with it.
pub fn odd(schema: &Value, chance: &mut Chance) -> Value {
    let mut spec = plausible(schema, chance, 0);
    for _ in 0..=chance.below(3) {
        spoil(&mut spec, schema, chance);
    }
    if let Some(fields) = spec.as_object_mut() {
        if fields.get("suspend").is_none_or(|value| value.is_null() || value.is_boolean()) {
            fields.insert("suspend".to_owned(), json!(true));
        }
        // The experiment has to stay until the test deletes it.
        if fields.get("ttlSecondsAfterFinished").and_then(Value::as_i64).is_some_and(|seconds| seconds < 3600)
        {
            fields.remove("ttlSecondsAfterFinished");
        }
        if fields.contains_key("schedule") {
            fields.remove("keep_resources_on_delete");
        }
    }
    spec
}

/// Generates a value that fits the schema.
fn plausible(schema: &Value, chance: &mut Chance, depth: usize) -> Value {
    if let Some(words) = schema["enum"].as_array() {
        return chance.of(words).clone();
    }
    match schema["type"].as_str() {
        Some("object") => {
            let fields = schema["properties"].as_object();
            // A share of the fields would refuse more specs with each field that the definition gets.
            let few = if depth == 0 { 5 } else { 2 };
            let share = u64::try_from(fields.map_or(0, Map::len)).unwrap().div_ceil(few).max(2);
            let mut made = Map::new();
            for (name, inner) in fields.into_iter().flatten() {
                let required =
                    schema["required"].as_array().is_some_and(|names| names.contains(&json!(name)));
                if required || chance.below(share) == 0 {
                    made.insert(name.clone(), plausible(inner, chance, depth + 1));
                }
            }
            Value::Object(made)
        }
        Some("array") => {
            let items = (0..chance.below(3)).map(|_| plausible(&schema["items"], chance, depth + 1));
            Value::Array(items.collect())
        }
        Some("integer") => json!(chance.of(&[1, 2, 60, 3600])),
        Some("boolean") => json!(chance.below(2) == 0),
        // Nearly all patterns are those of names.
        Some("string") if schema["pattern"].is_string() => json!("chaostoolkit-experiment"),
        Some("string") => {
            json!(chance.of(&["chaostoolkit-experiment", "experiment.json", "cronJob", "0 0 1 1 *"]))
        }
        _ => chance.of(&[json!(true), json!("run"), json!(["run", "a.json"]), json!({"name": "x"})]).clone(),
    }
}

/// Replaces one field with an odd value, at any depth.
fn spoil(value: &mut Value, schema: &Value, chance: &mut Chance) {
    let fields: Vec<(&String, &Value)> = schema["properties"].as_object().into_iter().flatten().collect();
    if fields.is_empty() || (!value.is_object() && !value.is_null()) {
        *value = garbage(schema, chance);
        return;
    }
    if !value.is_object() {
        *value = json!({});
    }
    if chance.below(12) == 0 {
        let name = *chance.of(&["", "x", "spec", "naïve", "a.b/c", "__proto__"]);
        value[name] = garbage(&Value::Null, chance);
        return;
    }
    let (name, schema) = *chance.of(&fields);
    if chance.below(3) > 0 {
        spoil(&mut value[name.as_str()], schema, chance);
    } else {
        value[name.as_str()] = garbage(schema, chance);
    }
}

/// Generates a wrong value: one of the right type half of the time if the type has such values, otherwise of any type.
fn garbage(schema: &Value, chance: &mut Chance) -> Value {
    let texts = [
        "",
        " ",
        "\u{0}",
        "\n",
        "../..",
        "A_b",
        "a/b",
        "*",
        "é\u{202e}x",
        "kube-system",
        "${x}",
        "- a: [",
        "---\n",
    ];
    let is_right = chance.below(2) == 0;
    match schema["type"].as_str() {
        Some("string") if is_right => match chance.below(6) {
            0 => json!("x".repeat(64)),
            1 => json!("x".repeat(100_000)),
            _ => json!(chance.of(&texts)),
        },
        Some("integer") if is_right => {
            json!(chance.of(&[i64::MIN, -1, 0, i64::from(i32::MAX), i64::from(i32::MAX) + 1, i64::MAX]))
        }
        _ => match chance.below(12) {
            0 => Value::Null,
            1 => json!([]),
            2 => json!({}),
            3 => json!(chance.of(&texts)),
            4 => json!(1.5e300),
            5 => json!(u64::MAX),
            6 => json!("y".repeat(100_000)),
            7 => deep(90),
            8 => json!([null, [null], {"name": null}, 0, ""]),
            9 => {
                json!({"kind": "Pod", "spec": {"containers": [null, 1, {"name": "chaostoolkit", "args": {}}]}})
            }
            10 => json!({"spec": {"containers": "none"}, "metadata": [], "apiVersion": 1}),
            _ => json!(vec![json!({"name": "A", "value": [1]}); 300]),
        },
    }
}

/// As deep as this test can read. `tests/api_server/specs.rs` tries deeper values.
fn deep(levels: usize) -> Value {
    (0..levels)
        .fold(json!(1), |inner, level| if level % 2 == 0 { json!([inner]) } else { json!({"a": inner}) })
}
