//! Reads JSON of any size and depth into a value of bounded size and depth.

use std::cell::Cell;
use std::fmt;
use std::io::{BufReader, Read};

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// What stands for a part that was left out.
pub(crate) const LEFT_OUT: &str = "…";

/// The maximum depth. What is deeper is left out.
const MAX_DEPTH: usize = 40;
/// The maximum number of values.
const MAX_VALUES: usize = 400_000;
/// The maximum length of a text in bytes.
const MAX_TEXT: usize = 64 * 1024;
/// The maximum length of all texts in bytes.
const MAX_TEXTS: usize = 16 * 1024 * 1024;

/// Reads a value. Parts that are too long or too deep are replaced by [`LEFT_OUT`], or are missing at the end of a list.
/// Fails if this is not JSON.
pub(crate) fn read(source: impl Read) -> Result<Value, serde_json::Error> {
    let budget = Budget { values: Cell::new(MAX_VALUES), bytes: Cell::new(MAX_TEXTS) };
    let mut deserializer = serde_json::Deserializer::from_reader(BufReader::new(source));
    let value = Bounded { budget: &budget, depth: MAX_DEPTH }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

struct Budget {
    values: Cell<usize>,
    bytes: Cell<usize>,
}

impl Budget {
    /// Takes one value. Returns whether there was one left.
    fn take(&self) -> bool {
        let left = self.values.get().checked_sub(1);
        self.values.set(left.unwrap_or_default());
        left.is_some()
    }

    fn text(&self, text: &str) -> String {
        let max = self.bytes.get().min(MAX_TEXT);
        if text.len() <= max {
            self.bytes.set(self.bytes.get() - text.len());
            return text.to_owned();
        }
        let end = (0..=max).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        self.bytes.set(self.bytes.get() - end);
        format!("{}{LEFT_OUT}", &text[..end])
    }
}

#[derive(Clone, Copy)]
struct Bounded<'a> {
    budget: &'a Budget,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        if self.depth == 0 || !self.budget.take() {
            IgnoredAny::deserialize(deserializer)?;
            return Ok(LEFT_OUT.into());
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(self.budget.text(value).into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        let inner = Self { depth: self.depth - 1, ..self };
        while self.budget.values.get() > 0 {
            let Some(item) = list.next_element_seed(inner)? else { return Ok(items.into()) };
            items.push(item);
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        let inner = Self { depth: self.depth - 1, ..self };
        while let Some(key) = object.next_key::<String>()? {
            let value = object.next_value_seed(inner)?;
            if self.budget.values.get() > 0 {
                fields.insert(self.budget.text(&key), value);
            }
        }
        Ok(fields.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn depth_and_length_are_bounded() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let mut value = &read(deep.as_bytes()).unwrap();
        let mut depth = 0;
        while let Some(inner) = value.get(0) {
            (value, depth) = (inner, depth + 1);
        }
        assert_eq!((depth, value), (MAX_DEPTH, &json!(LEFT_OUT)));

        let long = format!("[{}1]", "1,".repeat(MAX_VALUES));
        assert!(read(long.as_bytes()).unwrap().as_array().unwrap().len() <= MAX_VALUES);
        let text = format!("[\"{}\"]", "ä".repeat(MAX_TEXT));
        let read = read(text.as_bytes()).unwrap();
        assert!(read[0].as_str().unwrap().len() <= MAX_TEXT + LEFT_OUT.len());
        let texts = format!("[{}0]", format!("\"{}\",", "x".repeat(60_000)).repeat(400));
        let all = super::read(texts.as_bytes()).unwrap();
        let bytes: usize = all.as_array().unwrap().iter().filter_map(Value::as_str).map(str::len).sum();
        assert!(bytes <= MAX_TEXTS + 400 * LEFT_OUT.len(), "{bytes}");
    }

    proptest! {
        #[test]
        fn a_small_value_is_read_as_it_is(numbers in prop::collection::vec(any::<i64>(), 0..20), text in ".{0,40}") {
            let value = json!({"a": numbers, "b": {"c": text, "d": null, "e": [true, 1.5]}});
            prop_assert_eq!(read(value.to_string().as_bytes()).unwrap(), value);
        }
    }
}
