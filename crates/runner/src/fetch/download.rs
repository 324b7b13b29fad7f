//! Downloads a file with the toolkit's own Python.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use chaostoolkit_journal::{Refusal, RefusalKind};
use serde_json::json;

use crate::command::StartError;
use crate::fetch::failure::Failure;

/// The script that makes the request.
const SCRIPT: &str = include_str!("fetch.py");

/// How long the download may take, with all redirects.
const LIMIT: Duration = Duration::from_secs(60);

/// How much of what Python prints is read, in bytes.
const MAX_SAID: u64 = 64 * 1024;

/// The interval at which to check whether it has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

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
    let mut command = Command::new(python);
    command.args(["-c", SCRIPT]).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| Failure::Broken(StartError::of(python, &error)))?;
    let stdin = child.stdin.take().map(|mut pipe| thread::spawn(move || pipe.write_all(request.as_bytes())));
    let stdout = child.stdout.take().map(|pipe| read(pipe, max_bytes as u64 + 1));
    let stderr = child.stderr.take().map(|pipe| read(pipe, MAX_SAID));
    let began = Instant::now();
    let end = loop {
        match child.try_wait() {
            Ok(Some(end)) => break Some(end),
            Ok(None) if began.elapsed() < LIMIT && !is_stopped() => thread::sleep(POLL_INTERVAL),
            Ok(None) | Err(_) => break None,
        }
    };
    let _ = child.kill();
    let _ = child.wait();
    drop(stdin.map(thread::JoinHandle::join));
    let [content, said] =
        [stdout, stderr].map(|pipe| pipe.and_then(|pipe| pipe.join().ok()).unwrap_or_default());
    match end {
        Some(end) if end.success() => Ok(content),
        Some(_) => Err(Failure::Refused(refusal(&said, headers))),
        None if is_stopped() => Err(Failure::Stopped),
        None => {
            let line = format!("the experiment could not be fetched within {} seconds", LIMIT.as_secs());
            Err(Failure::Refused(Refusal::new(RefusalKind::ExperimentUnreachable, &line)))
        }
    }
}

/// Reads a pipe to its end, up to so many bytes.
fn read(pipe: impl Read + Send + 'static, limit: u64) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut content = Vec::new();
        let _ = pipe.take(limit).read_to_end(&mut content);
        content
    })
}

/// Returns why there was no answer, by the last line that the script has printed.
fn refusal(said: &[u8], headers: &[(String, String)]) -> Refusal {
    let said = String::from_utf8_lossy(said);
    let last = said.trim_end().lines().next_back().unwrap_or_default();
    let (name, text) = serde_json::from_str::<(String, String)>(last).unwrap_or_default();
    let text = without_values(&text, headers);
    match name.as_str() {
        "" => Refusal::new(RefusalKind::ExperimentUnreachable, "Python could not fetch the experiment"),
        "Refused" => {
            let line = format!("the experiment could not be fetched: {text}");
            Refusal::new(RefusalKind::ExperimentUnreachable, &line)
        }
        name => Refusal::raised(name, &text),
    }
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
            let said = json!(["requests.exceptions.ConnectionError", text]).to_string();
            let refusal = refusal(said.as_bytes(), &headers);
            assert_eq!(refusal.kind, RefusalKind::ExperimentUnreachable);
            assert!(!refusal.line.contains("planted"), "{}", refusal.line);
        }
    }

    #[test]
    fn a_failure_that_says_nothing_is_one() {
        for said in ["", "Traceback\nError", "[1]"] {
            assert_eq!(refusal(said.as_bytes(), &[]).line, "Python could not fetch the experiment");
        }
    }
}
