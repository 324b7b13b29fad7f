//! `chaos-runner` runs the Chaos Toolkit as PID 1 of its container. As a sidecar, it prints the journals to its log.
//!
//! ```text
//!  sidecar                                     runner container
//!  chaos-runner install DIR ──DIR/chaos-runner──▶ chaos-runner run DIR -- COMMAND
//!                                                   │ COMMAND is the toolkit: supervises it
//!                                                   │ COMMAND is a wrapper: waits for all supervisors
//!                                                   │     wrapper ─▶ chaos | python ─▶ supervisor ─▶ toolkit
//!  chaos-runner sidecar DIR ◀──DIR/journal/done─────┤ DIR/journal/starts/N/{journal,record}.json
//!        │                                          └─▶ termination message
//!        └─▶ the journals, in its log
//! ```
//!
//! All starts of the toolkit below a wrapper are noticed:
//! - under the name `chaos`, by the shim in `DIR/bin`, the first directory on the `PATH`
//! - under any path, or as `python -m chaostoolkit`, by the module in `DIR/python`, which Python imports at its start
//!
//! In both ways this program takes the place of the toolkit and becomes its [supervisor](supervise). A toolkit that was
//! started in spite of that, such as by `python -I`, is found in the table of processes. Its run is then reported as not
//! observed.

mod command;
mod command_line;
mod environment;
mod exit;
mod fetch;
mod install;
mod journal;
mod processes;
mod run;
mod shim;
mod sidecar;
mod started;
mod starts;
mod supervise;
mod termination;
mod toolkit;
mod volume;
mod wrapper;

use std::ffi::OsString;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::fetch::Fetch;

const USAGE: &str = "\
Usage: chaos-runner install DIR
       chaos-runner sidecar DIR [--no-journal]
       chaos-runner run DIR [--message PATH] [--header NAME=PATH]… [--sha256 DIGITS]
                    [--only-rollbacks] [--variable NAME] -- COMMAND [ARGS…]

  install  Copies this program to DIR, the volume that the containers of a pod share.
  sidecar  Waits for the end of the run, prints the journal, and waits for SIGTERM or SIGINT.
           With --no-journal, only waits for SIGTERM or SIGINT.
  run      Runs COMMAND and reports the run in the termination message.
           The message goes to PATH. The default is /dev/termination-log.
           With --header or --sha256, fetches the experiment at EXPERIMENT_URL first. The request
           has the header NAME with the content of the file at PATH. If the experiment has another
           SHA-256, COMMAND does not run. The file takes the place of the URL in ARGS.
           With --only-rollbacks, the file has only the rollbacks of the experiment, and what they
           need. With --variable, NAME takes the place of EXPERIMENT_URL.

Python calls `chaos-runner python INTERPRETER [WORDS…]` in place of each toolkit
that a COMMAND starts.";

/// A parsed command line of this program.
#[derive(Debug, PartialEq, Eq)]
enum Mode {
    Help,
    Install(PathBuf),
    Sidecar { dir: PathBuf, journal: bool },
    Run { dir: PathBuf, message: PathBuf, fetch: Fetch, command: OsString, args: Vec<OsString> },
    Shim(Vec<OsString>),
    Python(Vec<OsString>),
}

fn main() -> ExitCode {
    let code = match parse_args(std::env::args_os()) {
        None => {
            let _ = writeln!(std::io::stderr(), "{USAGE}");
            2
        }
        Some(Mode::Help) => i32::from(writeln!(std::io::stdout(), "{USAGE}").is_err()),
        Some(Mode::Install(dir)) => exit_code(install::install(&dir)),
        Some(Mode::Sidecar { dir, journal }) => exit_code(sidecar::sidecar(&dir, journal)),
        Some(Mode::Run { dir, message, fetch, command, args }) => {
            run::run(&dir, &message, fetch, (&command, &args))
        }
        Some(Mode::Shim(args)) => shim::shim(&args),
        Some(Mode::Python(words)) => shim::python(&words),
    };
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}

fn exit_code(result: std::io::Result<()>) -> i32 {
    match result {
        Ok(()) => 0,
        Err(error) => {
            warn(error);
            1
        }
    }
}

/// Prints a message to stderr. Ignores errors, since the run must go on even if nobody reads the message.
fn warn(text: impl fmt::Display) {
    let _ = writeln!(std::io::stderr(), "chaos-runner: {text}");
}

fn parse_args(mut args: impl Iterator<Item = OsString>) -> Option<Mode> {
    let name = args.next()?;
    if Path::new(&name).file_name().is_some_and(|name| name == volume::SHIM) {
        return Some(Mode::Shim(args.collect()));
    }
    let mode = args.next()?;
    match mode.to_str()? {
        "--help" | "-h" => Some(Mode::Help),
        "install" => Some(Mode::Install(parse_dir(&mut args)?)).filter(|_| args.next().is_none()),
        "sidecar" => {
            let dir = parse_dir(&mut args)?;
            let journal = match args.next() {
                None => true,
                Some(option) if option == "--no-journal" => false,
                Some(_) => return None,
            };
            Some(Mode::Sidecar { dir, journal }).filter(|_| args.next().is_none())
        }
        "python" => Some(Mode::Python(args.collect())),
        "run" => {
            let dir = parse_dir(&mut args)?;
            let mut message = PathBuf::from("/dev/termination-log");
            let mut fetch = Fetch::default();
            loop {
                let option = args.next()?;
                match option.to_str()? {
                    "--" => break,
                    "--message" => message = args.next()?.into(),
                    "--sha256" => fetch.sha256 = Some(args.next()?.into_string().ok()?.to_ascii_lowercase()),
                    "--only-rollbacks" => fetch.only_rollbacks = true,
                    "--variable" => fetch.variable = args.next()?.into_string().ok()?,
                    "--header" => {
                        let header = args.next()?.into_string().ok()?;
                        let (name, path) = header.split_once('=')?;
                        fetch.headers.push((name.to_owned(), path.into()));
                    }
                    _ => return None,
                }
            }
            Some(Mode::Run { dir, message, fetch, command: args.next()?, args: args.collect() })
        }
        _ => None,
    }
}

fn parse_dir(args: &mut impl Iterator<Item = OsString>) -> Option<PathBuf> {
    args.next().filter(|dir| !dir.is_empty() && !dir.as_encoded_bytes().starts_with(b"-")).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn parse(line: &str) -> Option<Mode> {
        parse_args(line.split(' ').map(OsString::from))
    }

    #[rstest]
    #[case("chaos-runner")]
    #[case("chaos-runner what")]
    #[case("chaos-runner install")]
    #[case("chaos-runner install a b")]
    #[case("chaos-runner install --help")]
    #[case("chaos-runner sidecar")]
    #[case("chaos-runner sidecar a --journal")]
    #[case("chaos-runner sidecar a --no-journal b")]
    #[case("chaos-runner run a")]
    #[case("chaos-runner run a chaos")]
    #[case("chaos-runner run a --")]
    #[case("chaos-runner run a --message -- chaos")]
    #[case("chaos-runner run a --message x chaos")]
    #[case("chaos-runner run a --header x -- chaos")]
    #[case("chaos-runner run a --sha256")]
    #[case("chaos-runner run a --only-rollbacks chaos")]
    #[case("chaos-runner run a --variable")]
    fn wrong_usage_gives_none(#[case] line: &str) {
        assert_eq!(parse(line), None);
    }

    #[test]
    fn parses_each_mode() {
        assert_eq!(parse("/x/chaos-runner install /d"), Some(Mode::Install("/d".into())));
        assert_eq!(
            parse("r sidecar /d --no-journal"),
            Some(Mode::Sidecar { dir: "/d".into(), journal: false })
        );
        assert_eq!(parse("r python /p -m x"), Some(Mode::Python(["/p", "-m", "x"].map(Into::into).to_vec())));
        assert_eq!(parse("/d/bin/chaos run x"), Some(Mode::Shim(vec!["run".into(), "x".into()])));
        let run = |message: &str, args: &[&str]| {
            let args = args.iter().map(OsString::from).collect();
            let (dir, fetch) = ("/d".into(), Fetch::default());
            Some(Mode::Run { dir, message: message.into(), fetch, command: "chaos".into(), args })
        };
        let headers = vec![("A".into(), "/b=c".into())];
        let fetch = Fetch { headers, sha256: Some("ab".into()), ..Fetch::default() };
        let (message, command) = (PathBuf::from("/dev/termination-log"), "chaos".into());
        assert_eq!(
            parse("r run /d --header A=/b=c --sha256 AB -- chaos"),
            Some(Mode::Run { dir: "/d".into(), message, fetch, command, args: Vec::new() })
        );
        let fetch = Fetch { variable: "X".into(), only_rollbacks: true, ..Fetch::default() };
        let (message, command) = (PathBuf::from("/dev/termination-log"), "chaos".into());
        assert_eq!(
            parse("r run /d --only-rollbacks --variable X -- chaos"),
            Some(Mode::Run { dir: "/d".into(), message, fetch, command, args: Vec::new() })
        );
        assert_eq!(parse("r run /d -- chaos"), run("/dev/termination-log", &[]));
        assert_eq!(parse("r run /d --message /m -- chaos run -- x"), run("/m", &["run", "--", "x"]));
    }
}
