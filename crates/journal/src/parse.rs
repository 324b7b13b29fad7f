//! Parses bytes into a [`Journal`].

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufReader, Read};

use serde::Deserialize;
use serde_json::error::Category;

use crate::classify::classify;
use crate::decisive;
use crate::field::Field;
use crate::forbidden::{self, Hinted};
use crate::limited::Limited;
use crate::model::{Journal, Parts};
use crate::repair::Repaired;

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
    /// The file is longer than the reader reads.
    TooLong,
    /// A list has more different results than the reader distinguishes, so no verdict would be true to it.
    TooVaried,
    /// The file could not be read.
    Unreadable {
        /// The problem.
        what: String,
    },
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
            Self::TooLong => f.write_str("too long: the journal is over the limit of bytes and is not read"),
            Self::TooVaried => {
                f.write_str("too varied: a list of the journal has too many different results to be judged")
            }
            Self::Unreadable { what } => f.write_str(what),
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        match error.classify() {
            Category::Eof => Self::Truncated { line: error.line(), column: error.column() },
            Category::Data => Self::Ambiguous { what: error.to_string() },
            Category::Syntax => Self::NotJson { what: error.to_string() },
            Category::Io if error.io_error_kind() == Some(io::ErrorKind::FileTooLarge) => Self::TooLong,
            Category::Io => Self::Unreadable { what: error.to_string() },
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
    read(|| Ok(bytes), u64::MAX)
}

/// Reads a journal as [`parse`] does, but not as a whole. `open` returns the journal from its beginning. It is called once
/// more if an activity decided the run, and once more if the API server refused something.
///
/// This takes little memory, whatever a run wrote: lists are counted, and outputs are skipped. Only a single text is held
/// at a time. Fails if the journal has more than `limit` bytes.
pub fn read<R: Read>(mut open: impl FnMut() -> io::Result<R>, limit: u64) -> Result<Journal, Error> {
    let has_hint = Cell::new(false);
    let mut open = || match open() {
        Ok(source) => Ok(Repaired::new(Hinted::new(Limited::new(source, limit), &has_hint))),
        Err(error) => Err(Error::Unreadable { what: error.to_string() }),
    };
    let mut text = open()?;
    let field = read_parts(&mut text)
        .map_err(|error| if error.is_eof() && text.is_blank() { Error::Empty } else { Error::from(error) })?;
    let parts = match field {
        Field::Set(parts) if parts.is_journal() => parts,
        Field::Set(_) => return Err(Error::NotAJournal),
        Field::Missing | Field::Null | Field::Wrong => return Err(Error::NotAnObject),
    };
    if parts.is_incomplete() {
        return Err(Error::TooVaried);
    }
    let journal = Journal { parts, ..Journal::default() };
    let verdict = classify(&journal);
    let detail = if decisive::is_expected(&verdict) { decisive::find(open()?, &verdict) } else { None };
    let forbidden = if has_hint.get() { forbidden::collect(open()?) } else { Vec::new() };
    Ok(Journal { detail, forbidden, ..journal })
}

/// Reads a journal as JSON. What Python writes and JSON does not allow is replaced, as [`read`] does it. Reading fails with
/// [`FileTooLarge`](io::ErrorKind::FileTooLarge) if the journal has more than `limit` bytes.
pub fn as_json(source: impl Read, limit: u64) -> impl Read {
    Repaired::new(Limited::new(source, limit))
}

fn read_parts(text: impl Read) -> Result<Field<Parts>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_reader(BufReader::new(text));
    let parts = Field::deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(parts)
}

impl Parts {
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
        "ambiguous: duplicate field `status` at line 1 column 33"
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
    fn a_journal_is_read_as_json_within_the_limit() {
        let text = r#"{"a": NaN, "b": "\ud800"}"#;
        let mut read = String::new();
        as_json(text.as_bytes(), 100).read_to_string(&mut read).unwrap();
        assert_eq!(read, r#"{"a": "" , "b": "\ufffd"}"#);
        let error = as_json(text.as_bytes(), 10).read_to_string(&mut read).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn what_is_too_long_or_too_varied_is_refused() {
        let text = r#"{"status": "completed", "run": []}"#;
        let limited = |limit| read(|| Ok(text.as_bytes()), limit);
        assert!(limited(text.len() as u64).is_ok());
        assert_eq!(limited(text.len() as u64 - 1), Err(Error::TooLong));
        let unreadable = read(|| Err::<&[u8], _>(io::Error::other("no")), 1);
        assert_eq!(unreadable, Err(Error::Unreadable { what: "no".to_owned() }));

        let states: Vec<String> =
            (0..600).map(|count| format!("{{\"probes\": [{}1]}}", "1,".repeat(count))).collect();
        let varied = format!("{{\"steady_states\": {{\"during\": [{}]}}}}", states.join(","));
        assert_eq!(parse(varied.as_bytes()), Err(Error::TooVaried));
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
