//! Runs a script with the toolkit's own Python.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use chaostoolkit_journal::{Refusal, RefusalKind};

use crate::command::StartError;

/// How long a script may take.
pub const LIMIT: Duration = Duration::from_secs(60);

/// How much of what Python prints about an error is read, in bytes.
const MAX_SAID: u64 = 64 * 1024;

/// The interval at which to check whether it has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// How a script ended.
pub enum End {
    /// What it has written.
    Done(Vec<u8>),
    /// The class of the exception that ended it, and its text. Both are empty if it did not say.
    Raised(String, String),
    /// It took too long.
    Late,
    /// A stop was requested meanwhile.
    Stopped,
}

/// Runs a script with these arguments and this input. Reads one byte more of its output than it may have.
///
/// The script prints an exception as the last line of stderr: a list of its class and its text, as JSON.
pub fn call(
    (python, script): (&Path, &str),
    args: &[&str],
    input: Vec<u8>,
    max_bytes: usize,
    is_stopped: &mut dyn FnMut() -> bool,
) -> Result<End, StartError> {
    let mut command = Command::new(python);
    command.args(["-c", script]).args(args).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| StartError::of(python, &error))?;
    let stdin = child.stdin.take().map(|mut pipe| thread::spawn(move || pipe.write_all(&input)));
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
    Ok(match end {
        Some(end) if end.success() => End::Done(content),
        Some(_) => {
            let (name, text) = exception(&said);
            End::Raised(name, text)
        }
        None if is_stopped() => End::Stopped,
        None => End::Late,
    })
}

/// Reads a pipe to its end, up to so many bytes.
fn read(pipe: impl Read + Send + 'static, limit: u64) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut content = Vec::new();
        let _ = pipe.take(limit).read_to_end(&mut content);
        content
    })
}

/// Returns the class and the text of an exception, by the last line that a script has printed.
pub fn exception(said: &[u8]) -> (String, String) {
    let said = String::from_utf8_lossy(said);
    let last = said.trim_end().lines().next_back().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_default()
}

/// Returns why there is no experiment, by an exception. `what` says what could not be done, and `of` is the kind if the script
/// itself gave up, by its exception `Refused`.
pub fn refusal(name: &str, text: &str, of: RefusalKind, what: &str) -> Refusal {
    match name {
        "" => Refusal::new(of, &format!("Python could not {what}")),
        "Refused" => Refusal::new(of, text),
        name => Refusal::raised(name, text),
    }
}
