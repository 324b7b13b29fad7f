//! What is expected of the answer to a query.

use std::fmt;
use std::str::FromStr;

use crate::signals::expect::comparison::{Comparison, Number};
use crate::signals::text::{quoted, within};

/// The longest expectation, in bytes.
const MAX_LENGTH: usize = 256;

/// What is expected of the answer to a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ExpectedSample {
    /// A value that compares like this.
    Compared(Comparison, Number),
    /// No series.
    Empty,
    /// One series or several.
    NotEmpty,
}

impl FromStr for ExpectedSample {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = within(text, MAX_LENGTH)?;
        let words: Vec<&str> = text.split_whitespace().collect();
        match words[..] {
            ["empty"] => return Ok(Self::Empty),
            ["not", "empty"] => return Ok(Self::NotEmpty),
            _ => {}
        }
        if let Some((comparison, number)) = Comparison::split(text)
            && let Ok(number) = number.parse()
        {
            return Ok(Self::Compared(comparison, number));
        }
        Err(format!(
            "{} is no expectation: write a comparison with a number, such as \">= 0.99\", \"> 0\", \"== 0\", \"!= 1\", \"< 0.05\" or \"<= 3\", or \"empty\" or \"not empty\"",
            quoted(text)
        ))
    }
}

impl fmt::Display for ExpectedSample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compared(comparison, number) => write!(f, "{comparison} {number}"),
            Self::Empty => f.write_str("empty"),
            Self::NotEmpty => f.write_str("not empty"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use strum::VariantArray;

    #[rstest]
    #[case(">= 0.99", ">= 0.99")]
    #[case(">=0.99", ">= 0.99")]
    #[case("  >   0 ", "> 0")]
    #[case("== 0", "== 0")]
    #[case("!= 1", "!= 1")]
    #[case("< 5e-2", "< 0.05")]
    #[case("<= -3", "<= -3")]
    #[case("empty", "empty")]
    #[case("not  empty", "not empty")]
    fn it_is_read_as_people_write_it(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(text.parse::<ExpectedSample>().unwrap().to_string(), expected);
    }

    #[rstest]
    #[case("")]
    #[case("0")]
    #[case("= 0")]
    #[case("=> 1")]
    #[case(">= ")]
    #[case(">= x")]
    #[case(">= 99%")]
    #[case("> 1 and < 2")]
    #[case("< NaN")]
    #[case("< inf")]
    #[case("Empty")]
    #[case("notempty")]
    #[case("\n\u{1b}[31m")]
    fn what_is_no_expectation_says_what_to_write(#[case] text: &str) {
        let error = text.parse::<ExpectedSample>().unwrap_err();
        assert!(error.contains("\">= 0.99\"") && error.contains("\"not empty\""), "{error}");
        assert!(!error.contains(char::is_control), "{error}");
    }

    #[test]
    fn a_long_text_is_not_quoted_at_length() {
        let error = "x".repeat(5000).parse::<ExpectedSample>().unwrap_err();
        assert_eq!(error, "has 5000 bytes; at most 256 are possible");
        assert!("x".repeat(256).parse::<ExpectedSample>().unwrap_err().len() < 400);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same(
            comparison in proptest::sample::select(Comparison::VARIANTS.to_vec()),
            number in proptest::num::f64::NORMAL | proptest::num::f64::ZERO,
        ) {
            let number = number.to_string().parse().unwrap();
            for expected in [ExpectedSample::Compared(comparison, number), ExpectedSample::Empty, ExpectedSample::NotEmpty] {
                prop_assert_eq!(expected.to_string().parse(), Ok(expected));
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[<>=!]{0,3} ?\\PC{0,20}") {
            if let Ok(expected) = text.parse::<ExpectedSample>() {
                prop_assert_eq!(expected.to_string().parse(), Ok(expected));
            }
        }
    }
}
