//! Fetches the experiment before the toolkit starts, if that needs headers, if its content is known, or if only its rollbacks
//! are to be played.
//!
//! The toolkit knows none of this. So this program downloads the file, checks it, and lets the toolkit run the file. The
//! toolkit's own Python makes the request, which therefore takes the proxies and certificates of the environment.

mod download;
mod failure;
mod python;
mod rollbacks;

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use chaostoolkit_journal::RefusalKind;
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};

use crate::command::{self, Kind, StartError};
use crate::fetch::download::download;
use crate::fetch::failure::refused;
use crate::journal;
use crate::toolkit::Toolkit;
use crate::volume::{SHIM, Volume, write_atomically};

pub use failure::Failure;

/// The variable that has the URL of the experiment, or its path. It becomes the path of the file.
const URL_VARIABLE: &str = "EXPERIMENT_URL";

/// The longest experiment, in bytes.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The longest value of a header, in bytes.
const MAX_HEADER_BYTES: u64 = 16 * 1024;

/// What has to be done to get the experiment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// The variable that has the URL, or a path in the container.
    pub variable: String,
    /// The headers of the request: their names, and the files with their values.
    pub headers: Vec<(String, PathBuf)>,
    /// The SHA-256 that the experiment must have, as lower case digits.
    pub sha256: Option<String>,
    /// Whether only the rollbacks are played.
    pub only_rollbacks: bool,
}

impl Default for Fetch {
    fn default() -> Self {
        Self { variable: URL_VARIABLE.to_owned(), headers: Vec::new(), sha256: None, only_rollbacks: false }
    }
}

/// An experiment that was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The variable that had the URL.
    pub variable: String,
    url: String,
    /// The file with the experiment.
    pub file: PathBuf,
}

impl Fetch {
    /// Returns whether there is nothing to do, since the toolkit loads the experiment itself.
    pub const fn is_empty(&self) -> bool {
        self.headers.is_empty() && self.sha256.is_none() && !self.only_rollbacks
    }

    /// Fetches the experiment at the URL of the environment, checks it, and writes it to the volume. `args` are those of the
    /// command that is to run it.
    pub fn fetch(
        &self,
        volume: &Volume,
        (toolkit, args): (Option<&Toolkit>, &[OsString]),
        is_stopped: &mut dyn FnMut() -> bool,
    ) -> Result<Fetched, Failure> {
        let url = std::env::var(&self.variable).unwrap_or_default();
        let python = || python(toolkit).map_err(Failure::Broken);
        let mut content = if url.starts_with('/') {
            read_file(Path::new(&url))?
        } else {
            download(&python()?, &url, &self.values()?, MAX_BYTES, is_stopped)?
        };
        self.check(&content)?;
        let name = file_name(&content);
        let file = volume.journal_dir().join(name);
        let fetched = Fetched { variable: self.variable.clone(), url, file };
        if self.only_rollbacks {
            fetched.is_run_by(args)?;
            let format = name.rsplit('.').next().unwrap_or_default();
            content = rollbacks::only(&python()?, content, format, MAX_BYTES, is_stopped)?;
        }
        let file = &fetched.file;
        write_atomically(file, &content).map_err(|error| {
            Failure::Broken(StartError { reason: format!("{}: {error}", file.display()), code: 1 })
        })?;
        Ok(fetched)
    }

    /// Reads the values of the headers.
    fn values(&self) -> Result<Vec<(String, String)>, Failure> {
        let read = |(name, file): &(String, PathBuf)| {
            let wrong = |problem: &str| {
                refused(
                    RefusalKind::ConfigurationMissing,
                    &format!("the value of the header {name} {problem}"),
                )
            };
            let mut value = Vec::new();
            let opened =
                journal::open(file).and_then(|file| file.take(MAX_HEADER_BYTES + 1).read_to_end(&mut value));
            opened.map_err(|_| wrong("cannot be read"))?;
            // Files often end with a line break that nobody means.
            let value = value.trim_ascii();
            let is_sendable = value.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
            if value.is_empty() || value.len() as u64 > MAX_HEADER_BYTES || !is_sendable {
                return Err(wrong("is empty, too long, or has signs that a header cannot have"));
            }
            Ok((name.clone(), String::from_utf8_lossy(value).into_owned()))
        };
        self.headers.iter().map(read).collect()
    }

    fn check(&self, content: &[u8]) -> Result<(), Failure> {
        let found = format!("{:x}", Sha256::digest(content));
        match &self.sha256 {
            Some(wanted) if *wanted != found => {
                let line =
                    format!("its SHA-256 is {found}, and spec.pod.experiment.sha256 asks for {wanted}");
                Err(refused(RefusalKind::ExperimentInvalid, &line))
            }
            _ => Ok(()),
        }
    }
}

impl Fetched {
    /// Fails if a command runs something other than the file. That could be the whole experiment, which injects its fault
    /// again.
    fn is_run_by(&self, args: &[OsString]) -> Result<(), Failure> {
        let names_variable = |arg: &OsString| arg.to_string_lossy().contains(&self.variable);
        if self.replace(args) == args && !args.iter().any(names_variable) {
            let line = format!("the arguments do not have the experiment of {}", self.variable);
            return Err(refused(RefusalKind::ArgumentsInvalid, &line));
        }
        Ok(())
    }

    /// Returns the arguments of a command with the file in place of the URL, wherever the URL stands as a word.
    pub fn replace(&self, args: &[OsString]) -> Vec<OsString> {
        args.iter().map(|arg| self.replace_in(arg)).collect()
    }

    fn replace_in(&self, arg: &OsStr) -> OsString {
        let (mut rest, url) = (arg.as_bytes(), self.url.as_bytes());
        let mut replaced = Vec::with_capacity(rest.len());
        let ends = |byte: Option<&u8>| {
            byte.is_none_or(|byte| byte.is_ascii_whitespace() || b"'\"`()=".contains(byte))
        };
        let mut before = None;
        while let Some(first) = rest.first() {
            if ends(before) && rest.starts_with(url) && ends(rest.get(url.len())) {
                replaced.extend(self.file.as_os_str().as_bytes());
                (before, rest) = (url.last(), &rest[url.len()..]);
            } else {
                replaced.push(*first);
                (before, rest) = (Some(first), &rest[1..]);
            }
        }
        OsString::from_vec(replaced)
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut content = Vec::new();
    let limit = MAX_BYTES as u64 + 1;
    let read = journal::open(path).and_then(|file| file.take(limit).read_to_end(&mut content));
    let failed = |kind, problem: &str| refused(kind, &format!("{}: {problem}", path.display()));
    read.map_err(|error| failed(RefusalKind::ConfigurationMissing, &error.to_string()))?;
    if content.len() > MAX_BYTES {
        return Err(failed(RefusalKind::ExperimentInvalid, &format!("it has more than {MAX_BYTES} bytes")));
    }
    Ok(content)
}

/// Returns the interpreter that has the packages of the toolkit: that of the toolkit, or that of a `chaos` which a script
/// would find, or any.
fn python(toolkit: Option<&Toolkit>) -> Result<PathBuf, StartError> {
    if let Some(interpreter) = toolkit.and_then(|toolkit| toolkit.interpreter.clone()) {
        return Ok(interpreter);
    }
    let path = command::search_path();
    match command::find(OsStr::new(SHIM), &path).map(|chaos| command::kind(&chaos, &path)) {
        Ok(Kind::Python(interpreter)) => Ok(interpreter),
        _ => command::find(OsStr::new("python3"), &path),
    }
}

/// Returns a name for a file. The toolkit selects the format by the extension.
fn file_name(content: &[u8]) -> &'static str {
    match serde_json::from_slice::<IgnoredAny>(content) {
        Ok(_) => "experiment.json",
        Err(_) => "experiment.yaml",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("http://h/e", "/f")]
    #[case("chaos run http://h/e && exit $?", "chaos run /f && exit $?")]
    #[case("--x=http://h/e", "--x=/f")]
    #[case("run 'http://h/e' \"http://h/e\"", "run '/f' \"/f\"")]
    #[case("http://h/e.json", "http://h/e.json")]
    #[case("http://h/e http://h/e2", "/f http://h/e2")]
    #[case("xhttp://h/e", "xhttp://h/e")]
    #[case("", "")]
    fn the_file_takes_the_place_of_the_url(#[case] arg: &str, #[case] expected: &str) {
        assert_eq!(fetched().replace(&[arg.into()]), [OsString::from(expected)]);
    }

    #[rstest]
    #[case(&["run", "http://h/e"], true)]
    #[case(&["-c", "chaos run $EXPERIMENT_URL"], true)]
    #[case(&["run", "/home/svc/experiment.json"], false)]
    #[case(&["run"], false)]
    fn a_command_that_runs_something_else_is_told_apart(#[case] args: &[&str], #[case] expected: bool) {
        let args: Vec<OsString> = args.iter().map(Into::into).collect();
        assert_eq!(fetched().is_run_by(&args).is_ok(), expected);
    }

    fn fetched() -> Fetched {
        Fetched { variable: URL_VARIABLE.to_owned(), url: "http://h/e".into(), file: "/f".into() }
    }

    #[rstest]
    #[case("{\"title\": \"t\"}", "experiment.json")]
    #[case("\t{}\n", "experiment.json")]
    #[case("title: t\nmethod: []\n", "experiment.yaml")]
    #[case("{title: t}", "experiment.yaml")]
    #[case("", "experiment.yaml")]
    fn the_content_selects_the_format(#[case] content: &str, #[case] name: &str) {
        assert_eq!(file_name(content.as_bytes()), name);
    }

    #[rstest]
    #[case("planted\n", Some("planted"))]
    #[case("  Bearer planted \r\n", Some("Bearer planted"))]
    #[case("", None)]
    #[case("\n", None)]
    #[case("planted\nX-Other: 1", None)]
    #[case("plant\u{e9}d", None)]
    #[case(&"x".repeat(16 * 1024 + 1), None)]
    fn a_header_has_a_value_that_can_be_sent(#[case] value: &str, #[case] expected: Option<&str>) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("header");
        std::fs::write(&file, value).unwrap();
        let fetch = Fetch { headers: vec![("X".into(), file)], ..Fetch::default() };
        match (fetch.values(), expected) {
            (Ok(values), Some(expected)) => assert_eq!(values, [("X".to_owned(), expected.to_owned())]),
            (Err(Failure::Refused(refusal)), None) => {
                assert_eq!(refusal.kind, RefusalKind::ConfigurationMissing);
                assert!(refusal.line.starts_with("the value of the header X is "), "{}", refusal.line);
            }
            (found, _) => panic!("{found:?}"),
        }
    }

    #[test]
    fn other_content_is_refused_with_both_hashes() {
        let wanted = format!("{:x}", Sha256::digest("a"));
        let fetch = Fetch { sha256: Some(wanted.clone()), ..Fetch::default() };
        assert!(fetch.check(b"a").is_ok());
        let Err(Failure::Refused(refusal)) = fetch.check(b"b") else { panic!() };
        let found = format!("{:x}", Sha256::digest("b"));
        assert_eq!(refusal.kind, RefusalKind::ExperimentInvalid);
        let line = format!("its SHA-256 is {found}, and spec.pod.experiment.sha256 asks for {wanted}");
        assert_eq!(refusal.line, line, "the line has room for both");
    }
}
