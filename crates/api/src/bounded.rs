//! The maximum number of values in a spec, and in an experiment in JSON.
//!
//! A spec of 1.5 MB can hold 700,000 numbers or 200,000 mappings, which take 20 to 100 MB once they are read. So values are
//! counted while a spec is read. A list or a mapping that is over the limit is cut off, and a marker takes its place. A spec
//! that contains a marker is invalid.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::depth::marked_at;

/// The maximum number of values in a spec. A mapping that is not empty counts as [`MAPPING`] values.
pub const MOST_VALUES: usize = 100_000;

/// As how many values a mapping counts. It takes as much memory as 20 numbers, however few keys it has.
pub const MAPPING: usize = 10;

/// The marker in place of the values beyond the limit. It starts with a zero byte, since no author writes one by mistake.
pub const BEYOND: &str = "\0too many values";

/// How many fields of the spec itself are read beyond the limit, if they are neither lists nor mappings. So a spec that is too
/// large can still be aborted.
const SPARE_FIELDS: usize = 100;

/// Reads a spec, and cuts off what is over the limit.
pub(crate) fn spec<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    let left = Cell::new(MOST_VALUES);
    let value = Bounded { left: &left, is_spec: true }.deserialize(deserializer)?;
    Ok(Some(value).filter(|value| !value.is_null()))
}

/// Reads a text in JSON. Fails if it has too many values.
pub fn json(text: &str) -> serde_json::Result<Value> {
    let left = Cell::new(MOST_VALUES);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Bounded { left: &left, is_spec: false }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    if left.get() == 0 && marked_at(&value, BEYOND).is_some() {
        return Err(serde_json::Error::custom(format!("more than {MOST_VALUES} values")));
    }
    Ok(value)
}

/// Reads a value, and counts the values in it.
#[derive(Clone, Copy)]
struct Bounded<'a> {
    left: &'a Cell<usize>,
    /// Whether this is the spec itself.
    is_spec: bool,
}

impl Bounded<'_> {
    /// Counts values. Returns whether they were within the limit.
    fn spend(self, values: usize) -> bool {
        let left = self.left.get().checked_sub(values);
        self.left.set(left.unwrap_or_default());
        left.is_some()
    }

    const fn inner(self) -> Self {
        Self { is_spec: false, ..self }
    }
}

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        self.spend(1);
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        self.spend(1);
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        self.spend(1);
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        self.spend(1);
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        self.spend(1);
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.visit_string(value.to_owned())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        self.spend(1);
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        self.spend(1);
        while self.left.get() > 0 {
            let Some(item) = list.next_element_seed(self.inner())? else { return Ok(items.into()) };
            items.push(item);
        }
        if list.next_element::<IgnoredAny>()?.is_some() {
            items.push(BEYOND.into());
            while list.next_element::<IgnoredAny>()?.is_some() {}
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        let mut spare = if self.is_spec { SPARE_FIELDS } else { 0 };
        self.spend(1);
        while let Some(key) = object.next_key::<String>()? {
            let is_first = fields.is_empty();
            if is_first {
                self.spend(MAPPING);
            }
            if self.left.get() > 0 {
                fields.insert(key, object.next_value_seed(self.inner())?);
            } else if spare > 0 {
                // A list or a mapping is cut off before its first item.
                spare -= 1;
                fields.insert(key, object.next_value_seed(self.inner())?);
            } else {
                object.next_value::<IgnoredAny>()?;
                fields.insert(key, BEYOND.into());
                while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            }
        }
        Ok(fields.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Experiment, Spec};
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    fn read(spec: &str) -> Value {
        let text = format!(
            "{{\"metadata\":{{\"name\":\"a\"}},\"spec\":{spec},\"status\":{{\"phase\":\"Running\"}}}}"
        );
        let experiment: Experiment = serde_json::from_str(&text).unwrap();
        assert!(experiment.metadata.name.is_some() && experiment.status.is_some());
        experiment.spec.unwrap()
    }

    fn count(value: &Value) -> usize {
        1 + match value {
            Value::Array(items) => items.iter().map(count).sum(),
            Value::Object(fields) if fields.is_empty() => 0,
            Value::Object(fields) => fields.values().map(count).sum::<usize>() + MAPPING,
            _ => 0,
        }
    }

    #[rstest]
    #[case::numbers(format!("[{}0]", "0,".repeat(700_000)))]
    #[case::mappings(format!("[{}0]", "{\"a\":0},".repeat(180_000)))]
    #[case::empty(format!("[{}0]", "{},[],".repeat(250_000)))]
    #[case::keys(format!("{{{}\"z\":0}}", (0..150_000).map(|at| format!("\"{at}\":0,")).collect::<Vec<_>>().concat()))]
    fn a_spec_of_very_many_values_is_invalid_and_can_be_aborted(#[case] large: String) {
        let spec = read(&format!("{{\"abort\":false,\"pod\":{{\"template\":{large}}},\"suspend\":true}}"));
        assert!(count(&spec) < MOST_VALUES + 300, "{}", count(&spec));
        assert_eq!((&spec["abort"], &spec["suspend"]), (&json!(false), &json!(true)));
        let invalid = Spec::parse(Some(&spec)).unwrap_err();
        assert!(invalid.path.starts_with("spec.pod.template"), "{invalid}");
        assert!(invalid.problem.contains("more than 100000 values"), "{invalid}");
    }

    #[test]
    fn a_spec_of_very_many_fields_is_cut_off_too() {
        let fields = (0..150_000).map(|at| format!("\"{at}\":0,")).collect::<Vec<_>>().concat();
        let spec = read(&format!("{{{fields}\"z\":0}}"));
        assert!(count(&spec) < MOST_VALUES + 300 && marked_at(&spec, BEYOND).is_some());
    }

    #[test]
    fn an_honest_spec_is_read_as_it_is() {
        let activity = json!({"name": "x", "type": "action", "provider": {"type": "process", "path": "x", "arguments": ["a", 1]}});
        let spec = json!({"experiment": {"method": vec![activity; 2_000]}, "pod": null, "x": -1.5});
        assert_eq!(read(&spec.to_string()), spec);
    }

    #[test]
    fn a_text_of_very_many_values_is_refused() {
        assert_eq!(json(r#" {"a": [1]} "#).unwrap(), json!({"a": [1]}));
        assert!(json("{} {}").is_err() && json("[").is_err());
        for part in ["0,", "{\"a\":0},"] {
            let error = json(&format!("[{}0]", part.repeat(100_000))).unwrap_err();
            assert_eq!(error.to_string(), "more than 100000 values");
        }
    }

    proptest! {
        #[test]
        fn small_values_are_not_changed(text in "\\PC{0,20}", number: i64, wide: u64, odd: f64, yes: bool) {
            let spec = json!({"a": [text, number, {"b": wide, "c": [odd, yes, null, {}, []]}], "": {}});
            let text = spec.to_string();
            prop_assert_eq!(read(&text), serde_json::from_str::<Value>(&text).unwrap());
        }
    }
}
