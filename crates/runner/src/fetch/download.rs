//! Downloads a file with the toolkit's own Python.

use std::path::Path;

use chaostoolkit_journal::{Refusal, RefusalKind};
use serde_json::json;

use crate::fetch::failure::{Failure, refused};
use crate::fetch::python::{self, End, LIMIT};

/// The script that makes the request.
const SCRIPT: &str = include_str!("fetch.py");

/// Downloads the content of a URL, which has at most so many bytes. No failure quotes the value of a header.
pub fn download(
    python: &Path,
    url: &str,
    headers: &[(String, String)],
    max_bytes: usize,
    is_stopped: &mut dyn FnMut() -> bool,
) -> Result<Vec<u8>, Failure> {
    let fields: serde_json::Map<_, _> =
        headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    // The values go through a pipe: others can read arguments and environment.
    let request = json!({"url": url, "headers": fields, "limit": max_bytes}).to_string();
    match python::call((python, SCRIPT), &[], request.into(), max_bytes, is_stopped) {
        Err(error) => Err(Failure::Broken(error)),
        Ok(End::Done(content)) => Ok(content),
        Ok(End::Raised(name, text)) => Err(Failure::Refused(refusal(&name, &text, headers))),
        Ok(End::Stopped) => Err(Failure::Stopped),
        Ok(End::Late) => {
            let line = format!("the experiment could not be fetched within {} seconds", LIMIT.as_secs());
            Err(refused(RefusalKind::ExperimentUnreachable, &line))
        }
    }
}

/// Returns why there was no answer.
fn refusal(name: &str, text: &str, headers: &[(String, String)]) -> Refusal {
    let text = without_values(text, headers);
    let text = if name == "Refused" { format!("the experiment could not be fetched: {text}") } else { text };
    python::refusal(name, &text, RefusalKind::ExperimentUnreachable, "fetch the experiment")
}

/// Removes the values of the headers from a text, and the words in them. No error of requests quotes them, but a server may.
fn without_values(text: &str, headers: &[(String, String)]) -> String {
    let values = headers.iter().map(|(_, value)| value.as_str());
    let words = values.clone().flat_map(str::split_whitespace).filter(|word| word.len() >= 6);
    let mut secrets: Vec<&str> = values.chain(words).collect();
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets.into_iter().fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_quotes_no_header() {
        let headers = [("Authorization".to_owned(), "Bearer planted-token".to_owned())];
        for text in ["no 'Bearer planted-token'", "planted-token", "ConnectionError Bearer planted-token"] {
            let refusal = refusal("requests.exceptions.ConnectionError", text, &headers);
            assert_eq!(refusal.kind, RefusalKind::ExperimentUnreachable);
            assert!(!refusal.line.contains("planted"), "{}", refusal.line);
        }
    }

    #[test]
    fn a_failure_that_says_nothing_is_one() {
        for said in ["", "Traceback\nError", "[1]"] {
            let (name, text) = python::exception(said.as_bytes());
            assert_eq!(refusal(&name, &text, &[]).line, "Python could not fetch the experiment");
        }
    }
}
