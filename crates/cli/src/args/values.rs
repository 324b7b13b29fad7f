//! The values of options: pure.

use std::time::Duration;

use clap::ValueEnum;

use chaostoolkit_api::names;

/// In which form data is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// For people, with more columns.
    Wide,
    /// The objects as JSON.
    Json,
    /// The objects as YAML.
    Yaml,
    /// The names alone, as `kubectl` takes them.
    Name,
}

/// A variable of the environment of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value, which may be empty.
    pub value: String,
}

/// Reads `NAME=VALUE`.
pub fn variable(text: &str) -> Result<Variable, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !name.contains(char::is_whitespace) => {
            Ok(Variable { name: name.to_owned(), value: value.to_owned() })
        }
        _ => Err("must be NAME=VALUE".to_owned()),
    }
}

/// The longest time that can be waited, in seconds: ten years.
const LONGEST: u64 = 10 * 366 * 24 * 3600;

/// Reads a time such as `90s`, `30m`, `1h30m` or `2d`. A number alone counts seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    let problem = || "must be a time such as 90s, 30m, 1h30m or 2d".to_owned();
    let mut seconds: u64 = 0;
    let mut rest = text;
    if let Ok(all) = text.parse::<u64>() {
        seconds = all;
        rest = "";
    } else if text.is_empty() {
        return Err(problem());
    }
    while !rest.is_empty() {
        let end = rest.find(|sign: char| !sign.is_ascii_digit()).ok_or_else(problem)?;
        let (amount, more) = rest.split_at(end);
        let mut letters = more.chars();
        let unit = match letters.next() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            Some('d') => 24 * 3600,
            _ => return Err(problem()),
        };
        let amount: u64 = amount.parse().map_err(|_| problem())?;
        seconds = amount.checked_mul(unit).and_then(|more| seconds.checked_add(more)).ok_or_else(problem)?;
        rest = letters.as_str();
    }
    match seconds {
        0 => Err("must be more than no time at all".to_owned()),
        1..=LONGEST => Ok(Duration::from_secs(seconds)),
        _ => Err("must be less than ten years".to_owned()),
    }
}

/// Reads the name of a namespace.
pub fn namespace(text: &str) -> Result<String, String> {
    names::check_dns_label(text).map(|()| text.to_owned())
}

/// Reads the name of an experiment.
pub fn name(text: &str) -> Result<String, String> {
    names::check_dns_subdomain(text).map(|()| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("90", Some(90))]
    #[case("90s", Some(90))]
    #[case("30m", Some(1800))]
    #[case("1h30m", Some(5400))]
    #[case("2d", Some(172_800))]
    #[case("0", None)]
    #[case("0s", None)]
    #[case("", None)]
    #[case("m", None)]
    #[case("1.5h", None)]
    #[case("-1s", None)]
    #[case("5x", None)]
    #[case("5m3", None)]
    #[case("18446744073709551615d", None)]
    #[case("4000d", None)]
    fn durations(#[case] text: &str, #[case] seconds: Option<u64>) {
        assert_eq!(duration(text).ok(), seconds.map(Duration::from_secs));
    }

    #[rstest]
    #[case("A=1", Some(("A", "1")))]
    #[case("A=", Some(("A", "")))]
    #[case("A=b=c", Some(("A", "b=c")))]
    #[case("A", None)]
    #[case("=1", None)]
    #[case("A B=1", None)]
    fn variables(#[case] text: &str, #[case] expected: Option<(&str, &str)>) {
        let found = variable(text).ok();
        assert_eq!(found.as_ref().map(|one| (one.name.as_str(), one.value.as_str())), expected);
    }

    proptest! {
        #[test]
        fn any_text_is_a_duration_or_a_problem(text in "\\PC{0,30}") {
            if let Ok(found) = duration(&text) {
                prop_assert!(found.as_secs() > 0);
            }
        }
    }
}
