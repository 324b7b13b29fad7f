//! Reads a single value of a journal, of any type.
//!
//! A value of an unexpected type is recorded as [`Wrong`](Field::Wrong). It does not make the journal unreadable.
//! Values that are not needed are skipped while they are read. None are stored, so the size of the outputs does not
//! matter.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A value of a journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Field<T> {
    /// The key is absent.
    #[default]
    Missing,
    /// The value is `null`.
    Null,
    /// The value has an unexpected type or content.
    Wrong,
    /// The value is as expected.
    Set(T),
}

impl<T> Field<T> {
    /// Returns the value if it is as expected.
    pub(crate) fn get(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Missing | Self::Null | Self::Wrong => None,
        }
    }

    /// Returns whether there is no value. A value that cannot be read counts as present.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Self::Missing | Self::Null)
    }
}

/// A type that can be made from some JSON values. The methods return `None` for all other values.
pub(crate) trait FromJson: Sized {
    /// Converts `true` or `false`.
    fn from_bool(_: bool) -> Option<Self> {
        None
    }

    /// Converts a number.
    fn from_number(_: f64) -> Option<Self> {
        None
    }

    /// Converts a string.
    fn from_text(_: &str) -> Option<Self> {
        None
    }

    /// Converts an array. Implementations must read the array to its end.
    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    /// Converts an object. Implementations must read the object to its end.
    fn from_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Option<Self>, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

impl<'de, T: FromJson> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor(PhantomData))
    }
}

struct FieldVisitor<T>(PhantomData<T>);

impl<'de, T: FromJson> Visitor<'de> for FieldVisitor<T> {
    type Value = Field<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Field<T>, E> {
        Ok(Field::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Field<T>, E> {
        Ok(T::from_bool(value).map_or(Field::Wrong, Field::Set))
    }

    #[allow(clippy::cast_precision_loss, reason = "no number here is exact")]
    fn visit_i64<E: Error>(self, value: i64) -> Result<Field<T>, E> {
        self.visit_f64(value as f64)
    }

    #[allow(clippy::cast_precision_loss, reason = "no number here is exact")]
    fn visit_u64<E: Error>(self, value: u64) -> Result<Field<T>, E> {
        self.visit_f64(value as f64)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Field<T>, E> {
        Ok(T::from_number(value).map_or(Field::Wrong, Field::Set))
    }

    fn visit_str<E>(self, value: &str) -> Result<Field<T>, E> {
        Ok(T::from_text(value).map_or(Field::Wrong, Field::Set))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Field<T>, A::Error> {
        Ok(T::from_list(list)?.map_or(Field::Wrong, Field::Set))
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Field<T>, A::Error> {
        Ok(T::from_object(object)?.map_or(Field::Wrong, Field::Set))
    }
}

impl FromJson for bool {
    fn from_bool(value: bool) -> Option<Self> {
        Some(value)
    }
}

impl FromJson for f64 {
    fn from_number(value: f64) -> Option<Self> {
        value.is_finite().then_some(value)
    }
}

/// Implements [`FromJson`] for structs that are read from an object, key by key.
macro_rules! objects {
    ($($name:ty),*) => {$(
        impl $crate::field::FromJson for $name {
            fn from_object<'de, A: serde::de::MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
                let object = serde::de::value::MapAccessDeserializer::new(object);
                <Self as serde::Deserialize>::deserialize(object).map(Some)
            }
        }
    )*};
}

pub(crate) use objects;

/// The number of values in an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) usize);

impl FromJson for Count {
    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let mut count = 0;
        while list.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Some(Self(count)))
    }
}

/// The truth value of any JSON value, by the rules of Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Truth(pub(crate) bool);

impl FromJson for Truth {
    fn from_bool(value: bool) -> Option<Self> {
        Some(Self(value))
    }

    fn from_number(value: f64) -> Option<Self> {
        Some(Self(value != 0.0))
    }

    fn from_text(value: &str) -> Option<Self> {
        Some(Self(!value.is_empty()))
    }

    fn from_list<'de, A: SeqAccess<'de>>(list: A) -> Result<Option<Self>, A::Error> {
        Ok(Count::from_list(list)?.map(|count| Self(count.0 > 0)))
    }

    fn from_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Option<Self>, A::Error> {
        let mut any = false;
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            any = true;
        }
        Ok(Some(Self(any)))
    }
}

/// A text that the author of the experiment chose. It can have any length, so it is shortened while it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShortText(pub(crate) String);

impl ShortText {
    /// The maximum length, in characters.
    pub(crate) const MAX: usize = 120;
}

impl FromJson for ShortText {
    fn from_text(value: &str) -> Option<Self> {
        Some(Self(shorten(value, Self::MAX)))
    }
}

/// Shortens a text to at most `max` characters. A shortened text ends with `…`.
pub(crate) fn shorten(text: &str, max: usize) -> String {
    if text.chars().nth(max).is_none() {
        return text.to_owned();
    }
    text.chars().take(max.saturating_sub(1)).chain(['…']).collect()
}

/// Shortens a text to at most `max` bytes. A shortened text ends with `…`.
pub(crate) fn cut(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let mut end = max.saturating_sub('…'.len_utf8());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("null", Field::Null)]
    #[case("true", Field::Set(true))]
    #[case("1", Field::Wrong)]
    #[case("-1.5", Field::Wrong)]
    #[case("\"true\"", Field::Wrong)]
    #[case("[true, [{}]]", Field::Wrong)]
    #[case("{\"a\": {\"b\": [1]}}", Field::Wrong)]
    fn a_value_of_another_type_is_wrong_and_consumed(#[case] json: &str, #[case] expected: Field<bool>) {
        assert_eq!(serde_json::from_str::<Field<bool>>(json).unwrap(), expected);
    }

    #[rstest]
    #[case("false", false)]
    #[case("0", false)]
    #[case("\"\"", false)]
    #[case("[]", false)]
    #[case("{}", false)]
    #[case("\"activities\"", true)]
    #[case("{\"a\": null}", true)]
    fn truth_follows_python(#[case] json: &str, #[case] expected: bool) {
        assert_eq!(serde_json::from_str::<Field<Truth>>(json).unwrap(), Field::Set(Truth(expected)));
    }

    #[rstest]
    #[case("äöü", 6, "äöü")]
    #[case("äöüß", 6, "ä…")]
    #[case("äöüß", 7, "äö…")]
    fn shortens_by_bytes(#[case] text: &str, #[case] max: usize, #[case] expected: &str) {
        assert_eq!(cut(text, max), expected);
    }

    #[rstest]
    #[case("äöü", 3, "äöü")]
    #[case("äöüß", 3, "äö…")]
    #[case("", 3, "")]
    fn shortens_by_characters(#[case] text: &str, #[case] max: usize, #[case] expected: &str) {
        assert_eq!(shorten(text, max), expected);
    }
}
