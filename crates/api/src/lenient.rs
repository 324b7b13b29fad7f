//! Readers for values that version 0.14.0 accepted in more than one form.
//!
//! Stored objects must remain valid. Therefore these fields have no type in the schema, and their descriptions name the
//! form to use.

use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Reads the truth value of any value by the rules of Python. `false`, `0`, `""`, `[]` and `{}` are false, and everything
/// else is true. `null` counts as absent.
pub fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Null => None,
        Value::Bool(value) => Some(value),
        Value::Number(number) => Some(number.as_f64() != Some(0.0)),
        Value::String(text) => Some(!text.is_empty()),
        Value::Array(items) => Some(!items.is_empty()),
        Value::Object(fields) => Some(!fields.is_empty()),
    })
}

/// Reads a list of arguments. Drops `null` and empty entries, and turns numbers and booleans into text.
pub fn arguments<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let Some(items) = Option::<Vec<Value>>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let mut arguments = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        match item {
            Value::Null => {}
            Value::String(text) if text.is_empty() => {}
            Value::String(text) => arguments.push(text),
            Value::Number(_) | Value::Bool(_) => arguments.push(item.to_string()),
            Value::Array(_) | Value::Object(_) => {
                return Err(D::Error::custom(format!("entry {index} is not a text, a number or a boolean")));
            }
        }
    }
    Ok(Some(arguments))
}

/// Reads the name of an image, or the older form `{name: …}`.
pub fn image<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(name) => Ok(Some(name)),
        Value::Object(mut fields) => match fields.remove("name") {
            Some(Value::String(name)) => Ok(Some(name)),
            None | Some(Value::Null) => Ok(None),
            Some(_) => Err(D::Error::custom("`name` is not a text")),
        },
        _ => Err(D::Error::invalid_type(Unexpected::Other("neither a text nor a mapping"), &"an image name")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case(json!(null), None)]
    #[case(json!(true), Some(true))]
    #[case(json!(false), Some(false))]
    #[case(json!("false"), Some(true))] // As in version 0.14.0, a text that is not empty is true.
    #[case(json!(""), Some(false))]
    #[case(json!(0), Some(false))]
    #[case(json!(0.5), Some(true))]
    #[case(json!([]), Some(false))]
    #[case(json!({"a": 1}), Some(true))]
    fn truth_is_pythons(#[case] value: Value, #[case] expected: Option<bool>) {
        assert_eq!(truth(value).unwrap(), expected);
    }

    #[rstest]
    #[case(json!(null), None)]
    #[case(json!([]), Some(vec![]))]
    #[case(json!(["run", null, "", "x", 3, true]), Some(vec!["run", "x", "3", "true"]))]
    fn arguments_drop_empty_ones(#[case] value: Value, #[case] expected: Option<Vec<&str>>) {
        let expected = expected.map(|items| items.into_iter().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(arguments(value).unwrap(), expected);
    }

    #[test]
    fn arguments_name_the_entry_that_is_wrong() {
        assert!(arguments(json!(["run", {}])).unwrap_err().to_string().contains("entry 1"));
    }

    #[rstest]
    #[case(json!("a/b:1"), Some("a/b:1"))]
    #[case(json!({"name": "a/b:1"}), Some("a/b:1"))]
    #[case(json!({}), None)]
    #[case(json!(null), None)]
    fn image_in_both_forms(#[case] value: Value, #[case] expected: Option<&str>) {
        assert_eq!(image(value).unwrap().as_deref(), expected);
    }
}
