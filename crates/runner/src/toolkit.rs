//! Tells the Chaos Toolkit from programs that only look like it.
//!
//! The toolkit is one of these:
//! - a script of a few lines that pip, uv or setuptools wrote for its [entry point], under any name
//! - a Python script or a program without an interpreter that is named `chaos` and mentions `chaostoolkit`
//! - `python -m chaostoolkit`
//!
//! A script for a shell is a wrapper, even if it is named `chaos`.
//!
//! [entry point]: https://packaging.python.org/en/latest/specifications/entry-points/

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{Kind, kind};
use crate::volume::SHIM;

/// The name of the package.
const PACKAGE: &[u8] = b"chaostoolkit";

/// The maximum length of a script that was written for an entry point.
const MAX_ENTRY_POINT_BYTES: usize = 4096;

/// The maximum length of a program that is searched for the name of the package.
const MAX_PROGRAM_BYTES: u64 = 128 * 1024 * 1024;

/// The only long option of Python that takes a value. <https://docs.python.org/3/using/cmdline.html>
const PYTHON_OPTION: &str = "check-hash-based-pycs";

/// A start of the toolkit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toolkit {
    /// The program to execute.
    pub program: PathBuf,
    /// The name of the program as the user wrote it.
    pub name: OsString,
    /// The words between the program and the arguments of the toolkit: the options of Python, and the script or module.
    pub prefix: Vec<OsString>,
    /// The file of the toolkit, or the interpreter if it is started as a module.
    pub script: PathBuf,
    /// The interpreter, if the toolkit is a Python script.
    pub interpreter: Option<PathBuf>,
    /// The arguments of the toolkit.
    pub args: Vec<OsString>,
}

impl Toolkit {
    /// Returns the start of a program if it is the toolkit.
    pub fn of_program(program: &Path, name: &OsStr, args: &[OsString], path: &OsStr) -> Option<Self> {
        let interpreter = match kind(program, path) {
            Kind::Python(interpreter) if is_script(program) => Some(interpreter),
            Kind::Binary if is_named_chaos(program) && mentions_package(program) => None,
            _ => return None,
        };
        Some(Self {
            program: program.to_owned(),
            name: name.to_owned(),
            prefix: Vec::new(),
            script: program.to_owned(),
            interpreter,
            args: args.to_vec(),
        })
    }

    /// Returns the start of Python with these words if it runs the toolkit. Relative paths belong to `dir`.
    pub fn of_python(interpreter: &Path, words: &[OsString], dir: &Path) -> Option<Self> {
        let mut at = 0;
        let script = loop {
            let word = words.get(at)?;
            at += 1;
            let Some(option) = word.to_str().filter(|word| word.len() > 1 && word.starts_with('-')) else {
                let script = dir.join(word);
                break is_script(&script).then_some(script)?;
            };
            if let Some(long) = option.strip_prefix("--") {
                at += usize::from(long == PYTHON_OPTION);
                continue;
            }
            // Options of one letter can be joined. The rest of the word, or the next word, is the value of the last one.
            let Some(letter) = option.find(['c', 'm', 'W', 'X']) else { continue };
            let (value, rest) = (&option[letter + 1..], &option[letter..=letter]);
            let value = if value.is_empty() {
                at += 1;
                words.get(at - 1)?.to_str()?
            } else {
                value
            };
            match rest {
                "c" => return None,
                // The module ends the options.
                "m" => {
                    let is_toolkit = matches!(value, "chaostoolkit" | "chaostoolkit.__main__");
                    break is_toolkit.then(|| interpreter.to_owned())?;
                }
                _ => {}
            }
        };
        Some(Self {
            program: interpreter.to_owned(),
            name: interpreter.into(),
            prefix: words[..at].to_vec(),
            script,
            interpreter: Some(interpreter.to_owned()),
            args: words[at..].to_vec(),
        })
    }

    /// Returns a command that starts the toolkit without its arguments.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg0(&self.name).args(&self.prefix);
        command
    }
}

/// Returns whether a Python script is the toolkit.
fn is_script(path: &Path) -> bool {
    if is_named_chaos(path) {
        return mentions_package(path);
    }
    let Some(text) = read(path, MAX_ENTRY_POINT_BYTES as u64 + 1) else { return false };
    let has = |part: &[u8]| contains(&text, part);
    text.len() <= MAX_ENTRY_POINT_BYTES
        && ((has(b"from chaostoolkit.") && has(b"sys.exit(cli())"))
            || (has(PACKAGE) && has(b"'console_scripts', 'chaos'")))
}

fn is_named_chaos(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == SHIM)
}

fn mentions_package(path: &Path) -> bool {
    read(path, MAX_PROGRAM_BYTES).is_some_and(|text| contains(&text, PACKAGE))
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Reads the beginning of a regular file. Reading a pipe would take its bytes away from the program.
fn read(path: &Path, limit: u64) -> Option<Vec<u8>> {
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let mut text = Vec::new();
    File::open(path).ok()?.take(limit).read_to_end(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::fs;

    const ENTRY_POINT: &str = "#!/venv/bin/python3\nimport re\nimport sys\nfrom chaostoolkit.__main__ import cli\nif __name__ == '__main__':\n    sys.exit(cli())\n";

    #[rstest]
    #[case::pip("chaos", ENTRY_POINT, true)]
    #[case::renamed("experiment", ENTRY_POINT, true)]
    #[case::setuptools(
        "x",
        "#!/venv/bin/python3\n__requires__ = 'chaostoolkit==1.0.0'\nload_entry_point('chaostoolkit==1.0.0', 'console_scripts', 'chaos')()\n",
        true
    )]
    #[case::own_script("chaos", "#!/usr/bin/python3\nimport chaostoolkit.cli as c\nc.cli()\n", true)]
    #[case::frozen("chaos", "\u{7f}ELF … chaostoolkit/cli.py", true)]
    #[case::another_program("chaos", "\u{7f}ELF … chaos mesh", false)]
    #[case::another_script("chaos", "#!/usr/bin/python3\nimport click\n", false)]
    #[case::shell("chaos", "#!/bin/sh\nexec /opt/chaostoolkit/bin/chaos \"$@\"\n", false)]
    #[case::similar(
        "chaosctl",
        "#!/usr/bin/python3\nimport subprocess\nsubprocess.run(['chaos', 'run'])\n",
        false
    )]
    #[case::uses_it(
        "chaosctl",
        "#!/usr/bin/python3\nfrom chaostoolkit.cli import cli\ncli(['run'])\n",
        false
    )]
    #[case::extension(
        "chaosreport",
        "#!/venv/bin/python3\nimport sys\nfrom chaostoolkit_report.cli import cli\nif __name__ == '__main__':\n    sys.exit(cli())\n",
        false
    )]
    #[case::frozen_similar("chaosd", "\u{7f}ELF … chaostoolkit", false)]
    fn only_the_toolkit_is_the_toolkit(#[case] name: &str, #[case] text: &str, #[case] is: bool) {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join(name);
        fs::write(&program, text).unwrap();
        let found = Toolkit::of_program(&program, OsStr::new(name), &["run".into()], OsStr::new(""));
        assert_eq!(found.is_some(), is, "{found:?}");
    }

    #[rstest]
    #[case("-m chaostoolkit run x", Some("run x"))]
    #[case("-mchaostoolkit run x", Some("run x"))]
    #[case("-Bm chaostoolkit run -m x", Some("run -m x"))]
    #[case("-X dev -W ignore -u bin/chaos run x", Some("run x"))]
    #[case("bin/chaos", Some(""))]
    #[case("bin/other bin/chaos run", None)]
    #[case("-c chaos run", None)]
    #[case("-cimport\u{a0}chaostoolkit run", None)]
    #[case("--check-hash-based-pycs always -Xdev bin/chaos run", Some("run"))]
    #[case("-m pip run", None)]
    #[case("-m", None)]
    #[case("- run", None)]
    #[case("", None)]
    fn reads_the_command_line_of_python(#[case] line: &str, #[case] expected: Option<&str>) {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("bin")).unwrap();
        fs::write(dir.path().join("bin/chaos"), ENTRY_POINT).unwrap();
        fs::write(dir.path().join("bin/other"), "").unwrap();
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        let found = Toolkit::of_python(Path::new("/python"), &words, dir.path());
        let args = found.map(|found| found.args.join(OsStr::new(" ")).into_string().unwrap());
        assert_eq!(args.as_deref(), expected);
    }
}
