//! Parses bytes into a [`Journal`].

use std::fmt;

use serde::Deserialize;
use serde_json::error::Category;

use crate::classify::classify;
use crate::decisive;
use crate::field::Field;
use crate::model::Journal;
use crate::repair::repair;

/// Why a file could not be read as a journal. Holds nothing of the content of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The file is empty.
    Empty,
    /// The file ends before the journal is complete.
    Truncated {
        /// The last line of the file.
        line: usize,
        /// The last column of that line.
        column: usize,
    },
    /// The file is not JSON.
    NotJson {
        /// The problem and its position.
        what: String,
    },
    /// The file is JSON, but a key occurs twice, so its value is ambiguous.
    Ambiguous {
        /// The key and its position.
        what: String,
    },
    /// The file is JSON, but not an object.
    NotAnObject,
    /// The file is a JSON object, but has none of the keys of a journal.
    NotAJournal,
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("empty"),
            Self::Truncated { line, column } => {
                write!(f, "truncated: ends at line {line} column {column}, before the journal is complete")
            }
            Self::NotJson { what } => write!(f, "not JSON: {what}"),
            Self::Ambiguous { what } => write!(f, "ambiguous: {what}"),
            Self::NotAnObject => f.write_str("not a journal: JSON, but not an object"),
            Self::NotAJournal => {
                f.write_str("not a journal: has none of `status`, `steady_states`, `run` and `rollbacks`")
            }
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        match error.classify() {
            Category::Eof => Self::Truncated { line: error.line(), column: error.column() },
            Category::Data => Self::Ambiguous { what: error.to_string() },
            Category::Syntax | Category::Io => Self::NotJson { what: error.to_string() },
        }
    }
}

/// Reads a journal of any version from 1.0 to 1.21.
///
/// Fields may be absent, unknown, or of an unexpected type. [`classify`](crate::classify()) decides what this means.
/// Python's `json` writes some values that JSON does not allow. This reads them, too. Outputs may have any depth and
/// size.
///
/// Fails if the bytes are not JSON, or not a journal.
pub fn parse(bytes: &[u8]) -> Result<Journal, Error> {
    if bytes.trim_ascii().is_empty() {
        return Err(Error::Empty);
    }
    let mut repaired = None;
    let field = read(bytes).or_else(|error| match error.classify() {
        // Repairing takes a copy of the journal, so it is done only if parsing fails. Hardly any journal needs it.
        Category::Syntax => repair(bytes).map_or(Err(error), |bytes| read(repaired.insert(bytes))),
        Category::Io | Category::Data | Category::Eof => Err(error),
    })?;
    match field {
        Field::Set(journal) if journal.is_journal() => {
            let detail = decisive::find(repaired.as_deref().unwrap_or(bytes), &classify(&journal));
            Ok(Journal { detail, ..journal })
        }
        Field::Set(_) => Err(Error::NotAJournal),
        Field::Missing | Field::Null | Field::Wrong => Err(Error::NotAnObject),
    }
}

fn read(bytes: &[u8]) -> Result<Field<Journal>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let journal = Field::deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(journal)
}

impl Journal {
    /// Returns whether this is a journal, and not an experiment or an object with a journal somewhere inside.
    fn is_journal(&self) -> bool {
        self.status != Field::Missing
            || self.steady_states != Field::Missing
            || self.run != Field::Missing
            || (self.rollbacks != Field::Missing && self.experiment != Field::Missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("", Error::Empty)]
    #[case(" \n", Error::Empty)]
    #[case("[]", Error::NotAnObject)]
    #[case("null", Error::NotAnObject)]
    #[case("\"status\"", Error::NotAnObject)]
    #[case("{}", Error::NotAJournal)]
    #[case(r#"{"title": "x", "method": [], "rollbacks": []}"#, Error::NotAJournal)]
    #[case(r#"{"journal": {"status": "completed"}}"#, Error::NotAJournal)]
    #[case("{\"status\":\n \"comp", Error::Truncated { line: 2, column: 6 })]
    #[case("{\"status\": \"completed\", \"run\": [NaN, ", Error::Truncated { line: 1, column: 37 })]
    fn names_the_problem(#[case] text: &str, #[case] expected: Error) {
        assert_eq!(parse(text.as_bytes()), Err(expected));
    }

    #[rstest]
    #[case("{\"status\": completed}", "not JSON: expected value at line 1 column 12")]
    #[case("{\"status\": \"completed\"} {}", "not JSON: trailing characters at line 1 column 25")]
    #[case(
        "{\"status\": \"completed\", \"status\": 1}",
        "ambiguous: duplicate field `status` at line 1 column 32"
    )]
    fn names_the_position(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(parse(text.as_bytes()).unwrap_err().to_string(), expected);
    }

    #[rstest]
    #[case(r#""NaN": NaN"#)]
    #[case(r#""\udc80": "\ud800""#)]
    #[case("\"\u{0}\": 1".replace('\0', "\\u0000"))]
    fn python_extensions_are_accepted(#[case] field: impl AsRef<str>) {
        let text = format!("{{\"status\": \"completed\", {}}}", field.as_ref());
        assert!(parse(text.as_bytes()).is_ok(), "{text}");
    }

    #[test]
    fn depth_does_not_matter() {
        let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
        for key in ["output", "status", "run", "experiment"] {
            let text = format!("{{\"x\": 1, \"{key}\": {deep}, \"end\": null, \"steady_states\": null}}");
            assert!(parse(text.as_bytes()).is_ok(), "{key}");
        }
    }
}
