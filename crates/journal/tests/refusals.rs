//! What real toolkits of four versions print if they do not run an experiment.
//!
//! `refusals.json` has the ends of their standard error. The value `hunter2` is that of a variable in all of them.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]

use chaostoolkit_journal::{Refusal, RefusalKind, message};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recorded {
    name: String,
    toolkit: String,
    exit_code: i32,
    stderr_tail: String,
}

fn recorded() -> Vec<Recorded> {
    serde_json::from_str(include_str!("refusals.json")).unwrap()
}

/// The refusals, by name of the experiment. Some versions use other words.
const EXPECTED: &[(&str, RefusalKind, &[&str])] = {
    use RefusalKind::{
        ArgumentsInvalid, ConfigurationMissing, ExperimentInvalid, ExperimentUnreachable, ExtensionMissing,
    };
    const NO_ACTIVITY: &str = "an experiment requires a method with at least one activity";
    const NO_METHOD: &str =
        "an experiment requires a method, which can be empty for only checking steady state hypothesis";
    &[
        ("arg", ExperimentInvalid, &["required argument 'path' is missing from activity 'exists'"]),
        ("badprov", ExperimentInvalid, &["unknown provider type 'foo'"]),
        ("badtype", ExperimentInvalid, &["'foo' is not a supported activity type"]),
        (
            "broken.json",
            ExperimentInvalid,
            &[
                "json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: line 2 column 1 (char 15)",
            ],
        ),
        (
            "broken.yaml",
            ExperimentInvalid,
            &["Failed parsing YAML experiment: mapping values are not allowed here"],
        ),
        ("command", ArgumentsInvalid, &["No such command 'bogus'."]),
        (
            "e.txt",
            ExperimentInvalid,
            &[
                "chaoslib.exceptions.InvalidExperiment: only files with json, yaml or yml extensions are supported",
            ],
        ),
        ("empty.json", ExperimentInvalid, &["an empty experiment is not an experiment"]),
        (
            "env",
            ConfigurationMissing,
            &["Configuration makes reference to an environment key that does not exist: NOPE_VAR"],
        ),
        (
            "envsec",
            ConfigurationMissing,
            &["Secrets make reference to an environment key that does not exist: NOPE_VAR"],
        ),
        (
            "func",
            ExtensionMissing,
            &[
                "The python module 'os.path' does not expose a function called 'nope_func' in action 'a'",
                "'os.path' does not expose 'nope_func' in activity 'isfile'",
            ],
        ),
        ("int", ExperimentInvalid, &["ValueError: invalid literal for int() with base 10: …", NO_ACTIVITY]),
        (
            "json",
            ConfigurationMissing,
            &["Configuration makes reference to an environment key that does not exist: NOPE_VAR"],
        ),
        ("list.json", ExperimentInvalid, &["an empty experiment is not an experiment"]),
        ("mod", ExtensionMissing, &["could not find Python module 'no_such_mod.x' in activity 'a'"]),
        ("no-source", ArgumentsInvalid, &["Missing argument 'SOURCE'."]),
        ("nofile.json", ExperimentInvalid, &["Path \"nofile.json\" does not exist."]),
        ("nometh", ExperimentInvalid, &[NO_METHOD, NO_ACTIVITY]),
        (
            "noprovpath",
            ExperimentInvalid,
            &[
                "path '/nope/bin' cannot be found, in activity 'a'",
                "path 'None' cannot be found, in activity 'a'",
            ],
        ),
        ("notitle", ExperimentInvalid, &["experiment requires a title"]),
        ("notol", ExperimentInvalid, &["hypothesis probe must have a tolerance entry"]),
        ("option", ArgumentsInvalid, &["No such option '--bogus'.", "No such option: --bogus"]),
        (
            "option-value",
            ArgumentsInvalid,
            &[
                "Invalid value for '--rollback-strategy': 'bogus' is not one of 'default', 'always', 'never', 'deviated'.",
                "No such option: --rollback-strategy",
            ],
        ),
        ("strat", ExperimentInvalid, &["ValueError: Unknown strategy", NO_ACTIVITY]),
        ("tol", ExperimentInvalid, &["hypothesis regex probe tolerance must have a `pattern` key"]),
        (
            "url-200",
            ExperimentInvalid,
            &[
                "chaoslib.exceptions.InvalidExperiment: only files with json, yaml or yml extensions are supported",
            ],
        ),
        ("url-404", ExperimentUnreachable, &["Failed to fetch the experiment: nope"]),
        ("url-500", ExperimentUnreachable, &["Failed to fetch the experiment: nope"]),
        ("url-schema", ExperimentInvalid, &["'ftp' is not a supported source scheme."]),
        ("validate", ExperimentInvalid, &["experiment requires a title"]),
        (
            "var",
            ArgumentsInvalid,
            &["Invalid value for '--var'…", "No such option: --var Did you mean --dry?"],
        ),
        ("verbose", ExtensionMissing, &["could not find Python module 'no_such_mod.x' in activity 'a'"]),
    ]
};

#[test]
fn each_refusal_is_told_in_the_words_of_the_toolkit() {
    let (mut seen, mut others) = (0, Vec::new());
    for Recorded { name, toolkit, exit_code, stderr_tail } in recorded() {
        let found = Refusal::find(&stderr_tail);
        let Some((_, kind, lines)) = EXPECTED.iter().find(|(known, ..)| *known == name) else {
            others.push((name, found));
            continue;
        };
        // These versions do not know `--log-format json`, or cannot do it.
        if name == "json" && ["1.0.0", "1.9.4"].contains(&toolkit.as_str()) {
            continue;
        }
        seen += 1;
        let Refusal { kind: is, line } = found.unwrap_or_else(|| panic!("{name}@{toolkit}"));
        assert_eq!(is, *kind, "{name}@{toolkit}: {line}");
        assert!(lines.contains(&line.as_str()), "{name}@{toolkit}: {line:?}");
        assert_eq!(is == RefusalKind::ArgumentsInvalid, exit_code == 2, "{name}@{toolkit}");
        assert!(!Refusal::is_ruled_out(&stderr_tail), "{name}@{toolkit}");
    }
    assert!(seen > 110, "{seen}");
    for (name, found) in others {
        match name.as_str() {
            "url-dns" | "url-refused" => {
                let Refusal { kind, line } = found.unwrap();
                assert_eq!(kind, RefusalKind::ExperimentUnreachable, "{line}");
                assert!(
                    line.starts_with("requests.exceptions.ConnectionError: HTTPConnectionPool(host='"),
                    "{line}"
                );
                let cause =
                    if name == "url-dns" { "Name or service not known" } else { "Connection refused" };
                assert!(line.contains(cause), "{line}");
            }
            // The oldest version refuses an empty method. The others ran the experiment, and could not write the journal.
            "journal-path" => {
                assert!(found.is_none_or(|found| found.line.contains("at least one activity")));
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn no_refusal_tells_the_value_of_a_variable_or_is_too_long() {
    let recorded = recorded();
    let quoting = recorded.iter().filter(|run| run.stderr_tail.contains("hunter2")).count();
    assert!(quoting >= 8, "{quoting}");
    for Recorded { name, toolkit, stderr_tail, .. } in recorded {
        let Some(Refusal { line, .. }) = Refusal::find(&stderr_tail) else { continue };
        assert!(!line.contains("hunter2"), "{name}@{toolkit}: {line}");
        assert!(line.len() <= 200 && !line.contains(char::is_control), "{name}@{toolkit}: {line}");
    }
}

#[test]
fn an_error_after_the_beginning_of_a_run_is_no_refusal() {
    let log =
        "[2026-11-21 08:35:17 INFO] Running experiment: t\n[2026-11-21 08:35:17 ERROR]   => failed: x\n";
    assert_eq!(Refusal::find(log), None);
    assert!(Refusal::is_ruled_out(log));
    let again = format!(
        "{log}[2026-11-21 08:35:18 INFO] Validating the experiment's syntax\n[2026-11-21 08:35:18 ERROR] experiment requires a title\n"
    );
    assert_eq!(Refusal::find(&again).unwrap().line, "experiment requires a title");
    for other in [
        "",
        "Error: no usage",
        "[note ERROR] of a script",
        "Traceback (most recent call last):\nKeyboardInterrupt",
    ] {
        assert_eq!(Refusal::find(other), None, "{other}");
    }
}

#[test]
fn the_cases_of_the_message_survive_a_round_trip() {
    let refusal = Refusal::find("[2026-11-21 08:35:18 ERROR] experiment requires a title");
    let sent = message::Message { refusal, ..message::Message::new(message::State::Ended) };
    assert_eq!(message::Message::read(&sent.to_json()), Some(sent));
}
