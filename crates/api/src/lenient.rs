//! Readers that reject less than the types alone.
//!
//! Version 0.14.0 accepted some values of a spec in more than one form. Stored objects must remain valid. Therefore these
//! fields have no type in the schema, and their descriptions name the form to use.
//!
//! A status may come from a later version, with words that this one does not know. It has to be read nevertheless, or the
//! experiment could not be deleted. So each field of a status has one of the readers [`field`], [`generation`], [`items`],
//! [`parts`], [`proof`] and [`end`].

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use serde::de::{DeserializeOwned, Error, Unexpected};
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

/// Reads a text. A number counts as the text that it is written as.
pub fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(D::Error::custom("is neither a text nor a number")),
    }
}

/// Reads a field of a status. A value that cannot be read counts as absent.
pub fn field<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    Ok(T::deserialize(Value::deserialize(deserializer)?).unwrap_or_default())
}

/// Reads the generation that a status describes. The schema gives -1 to a status that nobody has written yet, so that counts as
/// absent.
pub fn generation<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let read: Option<i64> = field(deserializer)?;
    Ok(read.filter(|generation| *generation >= 0))
}

/// Reads a list of a status. Entries that cannot be read are left out.
pub fn items<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let Value::Array(items) = Value::deserialize(deserializer)? else { return Ok(Vec::new()) };
    Ok(items.into_iter().filter_map(|item| T::deserialize(item).ok()).collect())
}

/// Reads a mapping of a status whose fields are all optional. Fields that cannot be read are left out.
pub fn parts<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let Value::Object(mut fields) = Value::deserialize(deserializer)? else { return Ok(None) };
    let alone =
        |key: &str, value: &Value| Value::Object([(key.to_owned(), value.clone())].into_iter().collect());
    fields.retain(|key, value| T::deserialize(alone(key, value)).is_ok());
    Ok(T::deserialize(Value::Object(fields)).ok())
}

/// Reads a field of a status that proves something by being there. A value that cannot be read still proves it.
pub fn proof<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let value = Value::deserialize(deserializer)?;
    Ok((!value.is_null()).then(|| T::deserialize(value).unwrap_or_default()))
}

/// Reads the time of an end. What has ended at a time that cannot be read has ended.
pub fn end<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Time>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok((!value.is_null()).then(|| Time::deserialize(value).unwrap_or(Time(Timestamp::UNIX_EPOCH))))
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
