//! Finds the last error in a log of the toolkit.

use serde::Deserialize;

/// The last error in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// A record of the log with the level ERROR or CRITICAL.
    Error(String),
    /// The last line of a traceback.
    Exception { name: String, text: String },
    /// An error in the arguments. The toolkit prints its usage before it.
    Usage(String),
}

/// A record of a log.
struct Record {
    is_error: bool,
    text: String,
}

/// How records of a run begin. The end of a log may lack the first of them.
const RUN: [&str; 9] = [
    "Running experiment: ",
    "Steady state hypothesis",
    "Playing your experiment's method",
    "Action: ",
    "Probe: ",
    "  => ",
    "Let's rollback",
    "Rollback: ",
    "Experiment ended with status: ",
];

/// The end of a log, as far as it concerns errors.
#[derive(Default)]
pub(super) struct Ending {
    /// The last error, unless it comes after the beginning of a run.
    pub(super) error: Option<Said>,
    /// Whether the toolkit began to run an experiment, and did not begin anew after that.
    pub(super) has_begun: bool,
}

/// Reads the end of a log.
pub(super) fn ending(log: &str) -> Ending {
    let plain = plain(log);
    let (mut found, mut has_begun) = (None, false);
    let (mut in_traceback, mut in_usage) = (false, false);
    for line in plain.lines() {
        if let Some(Record { is_error, text }) = record(line) {
            (in_traceback, in_usage) = (false, false);
            if text.starts_with("Validating the experiment") {
                (found, has_begun) = (None, false);
            } else if RUN.iter().any(|words| text.starts_with(words)) {
                (found, has_begun) = (None, true);
            } else if is_error {
                found = Some(Said::Error(text));
            }
        } else if line.starts_with("Traceback (most recent call last)") || line.starts_with("  File \"") {
            in_traceback = true;
        } else if line.starts_with("Usage: ") {
            in_usage = true;
        } else if let Some(text) = line.strip_prefix("Error: ").filter(|_| in_usage) {
            in_usage = false;
            found = Some(Said::Usage(text.to_owned()));
        } else if in_traceback && !line.starts_with(' ') && !line.is_empty() {
            in_traceback = false;
            found = exception(line).or(found);
        }
    }
    Ending { error: found.filter(|_| !has_begun), has_begun }
}

/// Reads a record in one of the two formats of the toolkit, `string` and `json`.
fn record(line: &str) -> Option<Record> {
    #[derive(Deserialize)]
    struct Json {
        levelname: String,
        message: String,
    }
    let is_error = |level: &str| matches!(level, "ERROR" | "CRITICAL");
    if line.starts_with('{') {
        let Json { levelname, message } = serde_json::from_str(line).ok()?;
        let first = message.lines().next().unwrap_or_default().to_owned();
        return Some(Record { is_error: is_error(&levelname), text: first });
    }
    // [2026-11-21 08:35:23 ERROR] text; with --verbose, the place in the source follows: [cli:123] text
    let (head, text) = line.strip_prefix('[')?.split_once("] ")?;
    let (time, level) = head.rsplit_once(' ')?;
    let is_level = level.chars().all(|letter| letter.is_ascii_uppercase());
    if !is_level || !time.starts_with(|digit: char| digit.is_ascii_digit()) {
        return None;
    }
    Some(Record { is_error: is_error(level), text: without_place(text).to_owned() })
}

/// Removes the place in the source that `--verbose` adds.
fn without_place(text: &str) -> &str {
    let is_place = |place: &str| {
        place.rsplit_once(':').is_some_and(|(module, line)| {
            !module.is_empty() && !module.contains(' ') && line.parse::<u32>().is_ok()
        })
    };
    match text.strip_prefix('[').and_then(|text| text.split_once("] ")) {
        Some((place, rest)) if is_place(place) => rest,
        _ => text,
    }
}

/// Reads the last line of a traceback: the name of the exception, and its text.
fn exception(line: &str) -> Option<Said> {
    let (name, text) = line.split_once(": ").unwrap_or((line, ""));
    let is_name = |part: &str| {
        part.starts_with(|letter: char| letter.is_alphabetic() || letter == '_')
            && part.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
    };
    let is_stop = matches!(name, "KeyboardInterrupt" | "SystemExit");
    (name.split('.').all(is_name) && !is_stop)
        .then(|| Said::Exception { name: name.to_owned(), text: text.to_owned() })
}

/// Removes escape sequences of terminals (ECMA-48) and other control characters.
fn plain(log: &str) -> String {
    let mut plain = String::with_capacity(log.len());
    let mut characters = log.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' if characters.next_if_eq(&'[').is_some() => {
                while characters.next().is_some_and(|parameter| !('@'..='~').contains(&parameter)) {}
            }
            '\n' => plain.push(character),
            _ if character.is_control() => {}
            _ => plain.push(character),
        }
    }
    plain
}
