//! Parses the relevant parts of a command line of `chaos`.
//!
//! All versions of the toolkit use [click], so its rules apply:
//! - Options of the program come before the subcommand.
//! - Options of `run` come before or after the experiment.
//! - `--` ends the options.
//! - The names of options cannot be abbreviated.
//!
//! [click]: https://click.palletsprojects.com/en/stable/parameters/

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// The options of the program that take a value.
const GLOBAL_OPTIONS: [&str; 5] =
    ["--change-dir", "--log-file", "--log-file-level", "--log-format", "--settings"];

/// The options of `run` that take a value.
const RUN_OPTIONS: [&str; 9] = [
    "--journal-path",
    "--rollback-strategy",
    "--var",
    "--var-file",
    "--control-file",
    "--hypothesis-strategy",
    "--hypothesis-frequency",
    "--output",
    "--events-file",
];

/// The values of `--dry` in version 1.10 and later. In earlier versions, the option takes no value.
const DRY_VALUES: [&str; 4] = ["probes", "actions", "activities", "pause"];

/// A parsed command line of `chaos run`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CommandLine {
    /// The index at which options of the program can be inserted.
    pub globals_at: usize,
    /// The index of the word `run`.
    pub run_at: usize,
    pub no_version_check: bool,
    /// Whether an option turns the log file off, or sets its path.
    pub log_file: bool,
    pub change_dir: Option<OsString>,
    pub settings: Option<OsString>,
    pub journal: Option<OsString>,
    pub strategy: Option<OsString>,
    /// The experiment, which is a file or a URL.
    pub source: Option<OsString>,
    /// Whether `run` was asked for its help.
    pub help: bool,
}

/// The maximum length of the name of a subcommand, in characters.
const MAX_SUBCOMMAND_CHARS: usize = 40;

/// Returns the subcommand in the arguments of `chaos`, or the option that replaces one, such as `--version`.
pub fn subcommand(args: &[OsString]) -> String {
    let mut at = 0;
    while let Some((name, value)) = args.get(at).and_then(|arg| split_option(arg)) {
        if matches!(name.to_str(), Some("--help" | "--version")) {
            return name.to_string_lossy().into_owned();
        }
        if value.is_none() && GLOBAL_OPTIONS.iter().any(|option| *option == name) {
            at += 1;
        }
        at += 1;
    }
    // Without a subcommand, the toolkit prints its help.
    let word = args.get(at).map_or_else(|| "--help".into(), |word| word.to_string_lossy());
    word.chars().take(MAX_SUBCOMMAND_CHARS).collect()
}

/// Parses the arguments of `chaos`. Returns `None` if the subcommand is not `run`.
pub fn parse(args: &[OsString]) -> Option<CommandLine> {
    let mut line = CommandLine::default();
    let mut at = 0;
    loop {
        let arg = args.get(at)?;
        if arg == "--" {
            line.globals_at = at;
            at += 1;
            break;
        }
        let Some((name, value)) = split_option(arg) else {
            line.globals_at = at;
            break;
        };
        let value = value.map(OsStr::to_owned).or_else(|| {
            let takes = GLOBAL_OPTIONS.iter().any(|option| *option == name);
            takes.then(|| take_value(args, &mut at)).flatten()
        });
        match name.to_str() {
            // Click prints its answer at once, whatever follows.
            Some("--help" | "--version") => return None,
            Some("--no-version-check") => line.no_version_check = true,
            Some("--no-log-file" | "--log-file") => line.log_file = true,
            Some("--change-dir") => line.change_dir = value,
            Some("--settings") => line.settings = value,
            _ => {}
        }
        at += 1;
    }
    if args.get(at)? != "run" {
        return None;
    }
    line.run_at = at;
    parse_run(args, at + 1, &mut line);
    Some(line)
}

fn parse_run(args: &[OsString], mut at: usize, line: &mut CommandLine) {
    while let Some(arg) = args.get(at) {
        if arg == "--" {
            line.source = args.get(at + 1..).and_then(<[_]>::last).cloned().or_else(|| line.source.take());
            return;
        }
        let Some((name, value)) = split_option(arg) else {
            line.source = Some(arg.clone());
            at += 1;
            continue;
        };
        let value = value.map(OsStr::to_owned).or_else(|| {
            let dry = name == "--dry"
                && args.get(at + 1).is_some_and(|arg| DRY_VALUES.iter().any(|word| arg == word));
            let takes = dry || RUN_OPTIONS.iter().any(|option| *option == name);
            takes.then(|| take_value(args, &mut at)).flatten()
        });
        match name.to_str() {
            Some("--journal-path") => line.journal = value,
            Some("--rollback-strategy") => line.strategy = Some(value.unwrap_or_default()),
            Some("--help") => line.help = true,
            _ => {}
        }
        at += 1;
    }
}

/// Returns the value that follows an option, even if it looks like an option itself.
fn take_value(args: &[OsString], at: &mut usize) -> Option<OsString> {
    *at += 1;
    args.get(*at).cloned()
}

/// Splits an option into its name and, if it has the form `name=value`, its value. Returns `None` for other words.
fn split_option(arg: &OsStr) -> Option<(OsString, Option<&OsStr>)> {
    let bytes = arg.as_bytes();
    if bytes.len() < 2 || bytes[0] != b'-' {
        return None;
    }
    let (name, value) = match bytes.iter().position(|byte| *byte == b'=') {
        Some(at) => (&bytes[..at], Some(OsStr::from_bytes(&bytes[at + 1..]))),
        None => (bytes, None),
    };
    Some((OsString::from_vec(name.to_vec()), value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[rstest]
    #[case("")]
    #[case("--help")]
    #[case("validate run")]
    #[case("--settings run x.json")]
    #[case("--change-dir")]
    #[case("-- validate run")]
    #[case("discover run")]
    #[case("/x/run x.json")]
    #[case("--verbose --version run x.json")]
    #[case("--help run x.json")]
    fn other_subcommands_give_none(#[case] line: &str) {
        assert_eq!(parse(&words(line)), None);
    }

    #[rstest]
    #[case("run x.json", 0, Some("x.json"))]
    #[case("--verbose run x.json", 1, Some("x.json"))]
    #[case("--settings run run x.json", 2, Some("x.json"))]
    #[case("--settings=run run x.json", 1, Some("x.json"))]
    #[case("--log-format json --verbose run --dry x.json", 3, Some("x.json"))]
    #[case("run --dry probes x.json", 0, Some("x.json"))]
    #[case("run --dry=probes x.json", 0, Some("x.json"))]
    #[case("run x.json --var a=b --fail-fast", 0, Some("x.json"))]
    #[case("run x.json --hypothesis-frequency 2 --control-file c.yaml", 0, Some("x.json"))]
    #[case("run --var-file a.json", 0, None)]
    #[case("run -- --x.json", 0, Some("--x.json"))]
    #[case("run -", 0, Some("-"))]
    #[case("run", 0, None)]
    fn finds_the_experiment(#[case] line: &str, #[case] run: usize, #[case] source: Option<&str>) {
        let line = parse(&words(line)).unwrap();
        assert_eq!((line.run_at, line.globals_at, line.source), (run, run, source.map(OsString::from)));
    }

    #[rstest]
    #[case("validate x.json", "validate")]
    #[case("--verbose --settings run info core", "info")]
    #[case("--settings=run discover", "discover")]
    #[case("--help", "--help")]
    #[case("--verbose --version run", "--version")]
    #[case("", "--help")]
    #[case("-- validate", "validate")]
    fn names_the_subcommand(#[case] line: &str, #[case] expected: &str) {
        assert_eq!(subcommand(&words(line)), expected);
    }

    #[test]
    fn global_options_go_before_the_double_dash() {
        let line = parse(&words("--verbose -- run x.json")).unwrap();
        assert_eq!((line.globals_at, line.run_at), (1, 2));
    }

    #[test]
    fn the_last_value_of_an_option_counts() {
        let line = parse(&words(
            "--no-version-check --change-dir=a --change-dir b --settings s --log-file l run --journal-path c --journal-path=d --rollback-strategy never x",
        ));
        assert_eq!(
            line.unwrap(),
            CommandLine {
                globals_at: 8,
                run_at: 8,
                no_version_check: true,
                log_file: true,
                change_dir: Some("b".into()),
                settings: Some("s".into()),
                journal: Some("d".into()),
                strategy: Some("never".into()),
                source: Some("x".into()),
                help: false,
            }
        );
    }
}
