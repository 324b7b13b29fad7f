//! What is expected of the response of an HTTP server.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use crate::signals::expect::comparison::{Comparison, Number};
use crate::signals::text::{quoted, within};

/// The longest expectation, in bytes.
const MAX_LENGTH: usize = 256;

/// What is expected of the response of an HTTP server.
#[derive(Clone, Debug, PartialEq)]
pub enum ExpectedAnswer {
    /// A status.
    Status(ExpectedStatus),
    /// A value in its JSON.
    Field(ExpectedField),
}

/// The statuses that are expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedStatus {
    /// One status, such as 200.
    One(u16),
    /// The statuses of a class, such as 2 for those from 200 to 299.
    Class(u16),
}

/// A value that is expected in JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectedField {
    /// Where the value is, as a [JSON pointer](https://www.rfc-editor.org/rfc/rfc6901). It begins with a slash.
    pub pointer: String,
    /// How the value compares with the other one.
    pub comparison: Comparison,
    /// The value to compare with.
    pub value: Scalar,
}

/// A value in JSON that is neither a list nor a mapping.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// A text.
    Text(String),
    /// A number.
    Number(Number),
    /// True or false.
    Bool(bool),
    /// Null.
    Null,
}

impl ExpectedStatus {
    /// Whether a status is expected.
    #[must_use]
    pub const fn holds(self, status: u16) -> bool {
        match self {
            Self::One(expected) => status == expected,
            Self::Class(class) => status / 100 == class,
        }
    }
}

impl Scalar {
    /// Returns how a value compares with this one. Values of different types only differ.
    #[must_use]
    pub fn order_of(&self, found: &Value) -> Option<Ordering> {
        match (self, found) {
            (Self::Text(expected), Value::String(found)) => Some(found.cmp(expected)),
            (Self::Number(expected), Value::Number(found)) => expected.order_of(found.as_f64()?),
            (Self::Bool(expected), Value::Bool(found)) => Some(found.cmp(expected)),
            (Self::Null, Value::Null) => Some(Ordering::Equal),
            _ => None,
        }
    }
}

/// The letters that end a pointer: the first letters of comparisons.
const END: [char; 4] = ['<', '>', '=', '!'];

impl FromStr for ExpectedAnswer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = within(text, MAX_LENGTH)?;
        if text.starts_with('/') {
            return field(text).map(Self::Field);
        }
        status(text).map(Self::Status).ok_or_else(|| {
            format!(
                "{} is no expectation: write a status such as 200 or 2xx, or a comparison of a field of the JSON such as /status == \"ok\", /ready == true or /errors < 3",
                quoted(text)
            )
        })
    }
}

fn status(text: &str) -> Option<ExpectedStatus> {
    if text.len() != 3 {
        return None;
    }
    if let Some(class) = text.strip_suffix("xx") {
        return class.parse().ok().filter(|class| (1..=5).contains(class)).map(ExpectedStatus::Class);
    }
    text.parse().ok().filter(|status| (100..=599).contains(status)).map(ExpectedStatus::One)
}

fn field(text: &str) -> Result<ExpectedField, String> {
    let end = text.find(|letter: char| letter.is_whitespace() || END.contains(&letter)).unwrap_or(text.len());
    let (pointer, rest) = text.split_at(end);
    check_pointer(pointer)?;
    let Some((comparison, value)) = Comparison::split(rest.trim_start()) else {
        return Err(format!(
            "{} compares with nothing: write one of ==, !=, <, <=, > and >= and a value after the field, as in {pointer} == \"ok\"",
            quoted(text)
        ));
    };
    let value = scalar(value)?;
    if comparison.is_of_order() && !matches!(value, Scalar::Number(_)) {
        return Err(format!(
            "{} compares the order of something else than numbers: write == or !=",
            quoted(text)
        ));
    }
    Ok(ExpectedField { pointer: pointer.to_owned(), comparison, value })
}

fn check_pointer(pointer: &str) -> Result<(), String> {
    let mut rest = pointer;
    while let Some((_, after)) = rest.split_once('~') {
        if !after.starts_with(['0', '1']) {
            return Err(format!(
                "{} is no JSON pointer: write ~0 for a tilde and ~1 for a slash in a key",
                quoted(pointer)
            ));
        }
        rest = after;
    }
    if pointer.contains(char::is_control) {
        return Err(format!("{} has a control character", quoted(pointer)));
    }
    Ok(())
}

fn scalar(text: &str) -> Result<Scalar, String> {
    if let Ok(number) = text.parse() {
        return Ok(Scalar::Number(number));
    }
    match serde_json::from_str(text) {
        Ok(Value::String(text)) => Ok(Scalar::Text(text)),
        Ok(Value::Bool(value)) => Ok(Scalar::Bool(value)),
        Ok(Value::Null) => Ok(Scalar::Null),
        _ => Err(format!(
            "{} is no value: write a number, a text in double quotes, true, false or null",
            quoted(text)
        )),
    }
}

impl fmt::Display for ExpectedAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(ExpectedStatus::One(status)) => write!(f, "{status}"),
            Self::Status(ExpectedStatus::Class(class)) => write!(f, "{class}xx"),
            Self::Field(ExpectedField { pointer, comparison, value }) => {
                write!(f, "{pointer} {comparison} {value}")
            }
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{}", Value::String(text.clone())),
            Self::Number(number) => number.fmt(f),
            Self::Bool(value) => value.fmt(f),
            Self::Null => f.write_str("null"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case("200", "200")]
    #[case(" 2xx ", "2xx")]
    #[case("/status == \"ok\"", "/status == \"ok\"")]
    #[case("/status==\"o k\"", "/status == \"o k\"")]
    #[case("/a/0/b~1c != null", "/a/0/b~1c != null")]
    #[case("/ready == true", "/ready == true")]
    #[case("/errors<3", "/errors < 3")]
    #[case("/errors >= 1e3", "/errors >= 1000")]
    #[case("/ == 1", "/ == 1")]
    #[case("/ä == \"\\u00fc\"", "/ä == \"ü\"")]
    fn it_is_read_as_people_write_it(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(text.parse::<ExpectedAnswer>().unwrap().to_string(), expected);
    }

    #[rstest]
    #[case("", "write a status such as 200")]
    #[case("ok", "write a status such as 200")]
    #[case("== 200", "write a status such as 200")]
    #[case("99", "write a status such as 200")]
    #[case("600", "write a status such as 200")]
    #[case("6xx", "write a status such as 200")]
    #[case("+20", "write a status such as 200")]
    #[case("20x", "write a status such as 200")]
    #[case("status == \"ok\"", "such as /status == \"ok\"")]
    #[case("/status", "compares with nothing")]
    #[case("/status ok", "compares with nothing")]
    #[case("/status = \"ok\"", "compares with nothing")]
    #[case("/status == ok", "a text in double quotes")]
    #[case("/status == 'ok'", "a text in double quotes")]
    #[case("/status == [1]", "a text in double quotes")]
    #[case("/status ==", "a text in double quotes")]
    #[case("/status < \"ok\"", "write == or !=")]
    #[case("/ready >= true", "write == or !=")]
    #[case("/a~b == 1", "write ~0 for a tilde")]
    #[case("/a~ == 1", "write ~0 for a tilde")]
    fn what_is_no_expectation_says_what_to_write(#[case] text: &str, #[case] expected: &str) {
        let error = text.parse::<ExpectedAnswer>().unwrap_err();
        assert!(error.contains(expected), "{error}");
    }

    #[rstest]
    #[case("200", 200, true)]
    #[case("200", 204, false)]
    #[case("2xx", 204, true)]
    #[case("2xx", 302, false)]
    fn a_status_is_one_or_of_a_class(#[case] expected: &str, #[case] status: u16, #[case] holds: bool) {
        let ExpectedAnswer::Status(expected) = expected.parse().unwrap() else { panic!("{expected}") };
        assert_eq!(expected.holds(status), holds);
    }

    #[rstest]
    #[case("\"ok\"", json!("ok"), Some(Ordering::Equal))]
    #[case("\"ok\"", json!(1), None)]
    #[case("3", json!(2.5), Some(Ordering::Less))]
    #[case("3", json!(3), Some(Ordering::Equal))]
    #[case("3", json!("3"), None)]
    #[case("true", json!(true), Some(Ordering::Equal))]
    #[case("null", json!(null), Some(Ordering::Equal))]
    #[case("null", json!(false), None)]
    #[case("null", json!([]), None)]
    fn values_of_different_types_only_differ(
        #[case] expected: &str,
        #[case] found: Value,
        #[case] order: Option<Ordering>,
    ) {
        assert_eq!(scalar(expected).unwrap().order_of(&found), order);
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_read_as_what_it_is_written_as(text in "(/[a-z~01]{0,4}){0,3} ?[<>=!]{0,2} ?(\"\\PC{0,9}\"|\\PC{0,9}|true|null|[0-9.e-]{1,5})|[0-9x]{0,4}") {
            if let Ok(expected) = text.parse::<ExpectedAnswer>() {
                prop_assert_eq!(expected.to_string().parse(), Ok(expected));
            }
        }

        #[test]
        fn a_text_is_written_as_it_is_read(pointer in "(/([a-z]|~0|~1|é){0,5}){1,3}", text in "[\\PC\n\t\"\\\\]{0,12}", number: i32, yes: bool) {
            let number = number.to_string().parse().unwrap();
            for value in [Scalar::Text(text), Scalar::Number(number), Scalar::Bool(yes), Scalar::Null] {
                let field = ExpectedField { pointer: pointer.clone(), comparison: Comparison::Equal, value };
                let expected = ExpectedAnswer::Field(field);
                prop_assert_eq!(expected.to_string().parse(), Ok(expected));
            }
        }
    }
}
