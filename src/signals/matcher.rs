//! Matchers of the labels of alerts, in the syntax of Prometheus: pure.

use std::fmt;
use std::str::FromStr;

use crate::signals::text::{quoted, within};

/// The longest matcher, in bytes.
const MAX_LENGTH: usize = 512;

/// A matcher of a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matcher {
    /// The name of the label.
    label: String,
    /// How the value is compared.
    matching: Matching,
    /// The value, or a regular expression.
    value: String,
}

/// How a matcher compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::VariantArray, strum::Display)]
pub enum Matching {
    /// The label matches a regular expression.
    #[strum(serialize = "=~")]
    Regex,
    /// The label does not match a regular expression.
    #[strum(serialize = "!~")]
    NotRegex,
    /// The label has another value.
    #[strum(serialize = "!=")]
    NotEqual,
    /// The label has the value.
    #[strum(serialize = "=")]
    Equal,
}

impl Matching {
    /// The longer words come first, since a shorter one begins them.
    const LONGEST_FIRST: [Self; 4] = [Self::Regex, Self::NotRegex, Self::NotEqual, Self::Equal];

    fn split(text: &str) -> Option<(Self, &str)> {
        Self::LONGEST_FIRST.iter().find_map(|matching| {
            let word: &str = matching.into();
            Some((*matching, text.strip_prefix(word)?.trim_start()))
        })
    }
}

impl FromStr for Matcher {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = within(text, MAX_LENGTH)?;
        let parsed = || {
            let end = text.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')?;
            let (label, rest) = text.split_at(end);
            if label.is_empty() || label.starts_with(|letter: char| letter.is_ascii_digit()) {
                return None;
            }
            let (matching, value) = Matching::split(rest.trim_start())?;
            let value = unescaped(value.strip_prefix('"')?)?;
            Some(Self { label: label.to_owned(), matching, value })
        };
        parsed().ok_or_else(|| {
            format!(
                "{} is no matcher: write the name of a label, one of =, !=, =~ and !~, and a value in double quotes, such as severity=\"critical\" or team=~\"a|b\"",
                quoted(text)
            )
        })
    }
}

/// Reads a value up to its closing quote, which has to be the end. As in Alertmanager, a backslash stands for itself unless an
/// escape begins with it.
fn unescaped(text: &str) -> Option<String> {
    let mut value = String::new();
    let mut letters = text.chars();
    loop {
        match letters.next()? {
            '"' => break,
            '\\' => match letters.next()? {
                'n' => value.push('\n'),
                escaped @ ('"' | '\\') => value.push(escaped),
                other if other.is_control() => return None,
                other => value.extend(['\\', other]),
            },
            letter if letter.is_control() => return None,
            letter => value.push(letter),
        }
    }
    letters.as_str().is_empty().then_some(value)
}

impl fmt::Display for Matcher {
    /// Writes the matcher in the form that all versions of Alertmanager read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { label, matching, value } = self;
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        write!(f, "{label}{matching}\"{value}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use strum::VariantArray;

    #[rstest]
    #[case(r#"severity="critical""#, r#"severity="critical""#)]
    #[case(r#" team =~ "a|b" "#, r#"team=~"a|b""#)]
    #[case(r#"env!="test""#, r#"env!="test""#)]
    #[case(r#"job!~"dev-.*""#, r#"job!~"dev-.*""#)]
    #[case(r#"a="""#, r#"a="""#)]
    #[case(r#"a=~"b\.c""#, r#"a=~"b\\.c""#)]
    #[case(r#"a=~"b\\.c""#, r#"a=~"b\\.c""#)]
    #[case(r#"a="x\"y,b=\"z""#, r#"a="x\"y,b=\"z""#)]
    fn it_is_read_as_prometheus_writes_it(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(text.parse::<Matcher>().unwrap().to_string(), expected);
    }

    #[rstest]
    #[case("")]
    #[case("severity")]
    #[case("severity=critical")]
    #[case("severity='critical'")]
    #[case("severity==\"critical\"")]
    #[case("severity=\"critical")]
    #[case("severity=\"critical\"\"")]
    #[case("severity=\"critical\\\"")]
    #[case("a=\"b\",c=\"d\"")]
    #[case("{a=\"b\"}")]
    #[case("1a=\"b\"")]
    #[case("=\"b\"")]
    #[case("a>\"b\"")]
    #[case("a=\"b\nc\"")]
    #[case("ä=\"b\"")]
    fn what_is_no_matcher_says_what_to_write(#[case] text: &str) {
        let error = text.parse::<Matcher>().unwrap_err();
        assert!(error.contains("such as severity=\"critical\""), "{error}");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same(
            label in "[a-zA-Z_][a-zA-Z0-9_]{0,8}",
            matching in proptest::sample::select(Matching::VARIANTS.to_vec()),
            value in "[\\PC\n\"\\\\]{0,30}",
        ) {
            let matcher = Matcher { label, matching, value };
            prop_assert_eq!(matcher.to_string().parse(), Ok(matcher));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[a-z]{0,3} ?[=!~]{0,2} ?\"?\\PC{0,9}\"?") {
            if let Ok(matcher) = text.parse::<Matcher>() {
                prop_assert_eq!(matcher.to_string().parse(), Ok(matcher));
            }
        }
    }
}
