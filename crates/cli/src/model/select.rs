//! Which run of an experiment is meant: `NAME`, `NAME@latest` or `NAME@3`.

use std::fmt;
use std::str::FromStr;

use chaostoolkit_api::names;

/// An experiment, and one of its runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Name of the experiment.
    pub name: String,
    /// The run. Without one, the experiment as a whole is meant, with its last run.
    pub run: Option<Number>,
}

/// A run of an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// The last one.
    Latest,
    /// The one with this number, from 1.
    Of(i32),
}

impl FromStr for Selection {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, run) = match text.split_once('@') {
            Some((name, run)) => (name, Some(run.parse()?)),
            None => (text, None),
        };
        names::check_dns_subdomain(name)?;
        Ok(Self { name: name.to_owned(), run })
    }
}

impl FromStr for Number {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let word = text.strip_prefix('@').unwrap_or(text);
        if word == "latest" {
            return Ok(Self::Latest);
        }
        match word.parse() {
            Ok(number) if number >= 1 && word.bytes().all(|digit| digit.is_ascii_digit()) => {
                Ok(Self::Of(number))
            }
            _ => Err("a run is `latest` or a number from 1".to_owned()),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => formatter.write_str("@latest"),
            Self::Of(number) => write!(formatter, "@{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("a", Some(("a", None)))]
    #[case("a.b-c", Some(("a.b-c", None)))]
    #[case("a@latest", Some(("a", Some(Number::Latest))))]
    #[case("a@3", Some(("a", Some(Number::Of(3)))))]
    #[case("a@@3", Some(("a", Some(Number::Of(3)))))]
    #[case("a@0", None)]
    #[case("a@-1", None)]
    #[case("a@+1", None)]
    #[case("a@99999999999", None)]
    #[case("a@", None)]
    #[case("@3", None)]
    #[case("", None)]
    #[case("a/b", None)]
    #[case("../x", None)]
    #[case("A", None)]
    fn selections(#[case] text: &str, #[case] expected: Option<(&str, Option<Number>)>) {
        let found = text.parse::<Selection>().ok();
        assert_eq!(found, expected.map(|(name, run)| Selection { name: name.to_owned(), run }));
    }

    proptest! {
        #[test]
        fn a_name_that_passes_is_one_segment_of_a_url(text in "[a-z@/?%.0-9]{0,12}|\\PC{0,12}") {
            if let Ok(found) = text.parse::<Selection>() {
                prop_assert!(found.name.bytes().all(|letter| letter.is_ascii_alphanumeric() || b"-.".contains(&letter)));
                prop_assert!(!found.name.contains(".."));
            }
        }
    }
}
