//! Finds the program of a command, and detects what kind of program it is.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// The directories that execvp searches if `PATH` is not set.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Why a command cannot be started, and the exit code that a shell would return.
#[derive(Debug, PartialEq, Eq)]
pub struct StartError {
    pub reason: String,
    pub code: i32,
}

impl StartError {
    /// Describes why a program that was found could not be started.
    pub fn of(program: &Path, error: &io::Error) -> Self {
        let (reason, code) = match error.kind() {
            io::ErrorKind::NotFound => ("its interpreter was not found".to_owned(), 127),
            _ => (error.to_string(), 126),
        };
        Self { reason: format!("{}: {reason}", program.display()), code }
    }
}

/// Returns the search path of this process, which a program inherits if it is started now.
pub fn search_path() -> OsString {
    std::env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into())
}

/// Finds the file that a shell would start. Fails if there is none, or none that is executable.
///
/// The start itself cannot search for the file, since the command may get another `PATH`.
pub fn find(command: &OsStr, path: &OsStr) -> Result<PathBuf, StartError> {
    let mut forbidden = None;
    let candidates: Vec<PathBuf> = if command.as_bytes().contains(&b'/') {
        vec![PathBuf::from(command)]
    } else {
        std::env::split_paths(path).map(|dir| dir.join(command)).collect()
    };
    for candidate in candidates {
        match candidate.metadata() {
            Ok(found) if found.is_file() && access(&candidate, Access::EXEC_OK).is_ok() => {
                return Ok(candidate);
            }
            Ok(_) => forbidden = forbidden.or(Some(candidate)),
            Err(_) => {}
        }
    }
    let searched = if command.as_bytes().contains(&b'/') {
        String::new()
    } else {
        format!(" in PATH={}", path.to_string_lossy())
    };
    Err(match forbidden {
        Some(found) => StartError { reason: format!("{} is not executable", found.display()), code: 126 },
        None => {
            StartError { reason: format!("{} not found{searched}", command.to_string_lossy()), code: 127 }
        }
    })
}

/// The kind of a program.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    /// A Python script, with the path of its interpreter.
    Python(PathBuf),
    /// A script for another interpreter.
    Script,
    /// A program without an interpreter.
    Binary,
}

/// Detects the kind of a program from its first lines.
pub fn kind(program: &Path, path: &OsStr) -> Kind {
    let mut head = Vec::new();
    let read = File::open(program).and_then(|file| file.take(4096).read_to_end(&mut head));
    let Some(text) = read.ok().and_then(|_| head.strip_prefix(b"#!")) else { return Kind::Binary };
    let mut lines = text.split(|byte| *byte == b'\n');
    let shebang = lines.next().unwrap_or_default().trim_ascii();
    let mut words = shebang.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let interpreter = words.next().unwrap_or_default();
    if is_python(interpreter) {
        return Kind::Python(as_path(interpreter));
    }
    if name(interpreter) == b"env" {
        let options = |word: &&[u8]| word.starts_with(b"-") || word.contains(&b'=');
        return match words.find(|word| !options(word)) {
            Some(word) if is_python(word) => {
                Kind::Python(find(OsStr::from_bytes(word), path).unwrap_or_else(|_| as_path(word)))
            }
            _ => Kind::Script,
        };
    }
    // If the path of the interpreter is too long for the kernel, pip writes a script for sh. It starts Python with a
    // line that Python itself reads as a string.
    match lines.next().and_then(|line| line.strip_prefix(b"'''exec' ")) {
        Some(line) => {
            let python = line.strip_suffix(b" \"$0\" \"$@\"").unwrap_or(line);
            let quoted = python.strip_prefix(b"\"").and_then(|rest| rest.split(|byte| *byte == b'"').next());
            let bare = python.split(u8::is_ascii_whitespace).next().unwrap_or_default();
            Kind::Python(as_path(quoted.unwrap_or(bare)))
        }
        None => Kind::Script,
    }
}

/// Returns whether a path or a name is that of an interpreter of Python.
pub fn is_python(word: &[u8]) -> bool {
    name(word).starts_with(b"python") || name(word).starts_with(b"pypy")
}

fn name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

fn as_path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    #[rstest]
    #[case("#!/venv/bin/python3.11\nimport re", Kind::Python("/venv/bin/python3.11".into()))]
    #[case("#! /usr/bin/python3 -I\n", Kind::Python("/usr/bin/python3".into()))]
    #[case("#!/usr/bin/env pypy3-of-nobody\n", Kind::Python("pypy3-of-nobody".into()))]
    #[case("#!/usr/bin/env -S python-of-nobody -u\n", Kind::Python("python-of-nobody".into()))]
    #[case("#!/bin/sh\n'''exec' /a/long/python \"$0\" \"$@\"\n' '''\n", Kind::Python("/a/long/python".into()))]
    #[case("#!/bin/sh\n'''exec' \"/a b/python\" \"$0\" \"$@\"\n' '''\n", Kind::Python("/a b/python".into()))]
    #[case("#!/bin/sh\nexec chaos \"$@\"\n", Kind::Script)]
    #[case("#!/usr/bin/env bash\n", Kind::Script)]
    #[case("\u{7f}ELF", Kind::Binary)]
    #[case("", Kind::Binary)]
    fn detects_the_kind(#[case] text: &str, #[case] expected: Kind) {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("chaos");
        fs::write(&program, text).unwrap();
        assert_eq!(kind(&program, OsStr::new("")), expected);
    }

    #[test]
    fn finds_the_file_that_a_shell_would_start() {
        let dir = tempfile::tempdir().unwrap();
        let path = ["a", "b", "c"].map(|name| dir.path().join(name));
        for dir in &path {
            fs::create_dir(dir).unwrap();
        }
        fs::create_dir(path[0].join("x")).unwrap();
        let path = std::env::join_paths(&path).unwrap();
        let looked = |name: &str| find(OsStr::new(name), &path);
        let file = |name: &str, mode| {
            fs::write(dir.path().join(name), "").unwrap();
            fs::set_permissions(dir.path().join(name), Permissions::from_mode(mode)).unwrap();
        };
        assert_eq!(looked("x").unwrap_err().code, 126);
        file("b/x", 0o644);
        file("c/x", 0o755);
        assert_eq!(looked("x"), Ok(dir.path().join("c/x")));
        assert_eq!(looked(dir.path().join("c/x").to_str().unwrap()), Ok(dir.path().join("c/x")));
        let missing = looked("y").unwrap_err();
        assert_eq!(missing.code, 127);
        assert_eq!(missing.reason, format!("y not found in PATH={}", path.to_str().unwrap()));
        assert_eq!(looked("/no/y").unwrap_err(), StartError { reason: "/no/y not found".into(), code: 127 });
    }
}
