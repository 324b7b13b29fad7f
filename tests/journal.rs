//! `chaostoolkit-operator journal` on journals of real runs: it prints the verdict of the toolkit itself.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by a panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

/// A run: its name, the file of its journal if there is one, and the verdict of the toolkit.
struct Case {
    name: String,
    file: Option<PathBuf>,
    expected: Value,
}

/// Creates a directory for the files of one test.
fn directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("journal").join(name);
    fs::create_dir_all(&directory).unwrap();
    directory
}

/// Returns all runs, and writes their journals to files as the toolkit does.
fn cases(directory: &Path) -> Vec<Case> {
    let runs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/journals");
    let mut cases: Vec<Case> = fs::read_dir(runs)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let run: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            let file = run["journal"].is_object().then(|| directory.join(path.file_name().unwrap()));
            if let Some(file) = &file {
                fs::write(file, serde_json::to_string_pretty(&run["journal"]).unwrap()).unwrap();
            }
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            Case { name, file, expected: run["expected"].clone() }
        })
        .collect();
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    cases
}

fn run(files: &[PathBuf]) -> (Output, Vec<Value>) {
    let output = Command::new(env!("CARGO_BIN_EXE_chaostoolkit-operator"))
        .args(["--log", "debug", "journal"])
        .args(files)
        .output()
        .unwrap();
    let lines = String::from_utf8(output.stdout.clone()).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output, lines)
}

/// Returns this project's name for a word of the toolkit.
fn spelled(word: &Value) -> Value {
    let word = match word.as_str().unwrap() {
        "method-activity-failed" => "activity-failed",
        "no-steady-state-hypothesis" => "no-hypothesis",
        word => word,
    };
    let capital = |part: &str| part[..1].to_uppercase() + &part[1..];
    word.split('-').map(capital).collect::<String>().into()
}

fn sorted(words: &Value, change: impl Fn(&Value) -> Value) -> Vec<String> {
    let mut words: Vec<String> =
        words.as_array().unwrap().iter().map(|word| change(word).to_string()).collect();
    words.sort();
    words
}

#[test]
fn all_runs_get_the_verdict_of_the_toolkit() {
    let directory = directory("all");
    let cases = cases(&directory);
    assert_eq!(cases.len(), 76);
    // A run without a journal cannot be judged.
    let (with, without): (Vec<Case>, Vec<Case>) = cases.into_iter().partition(|case| case.file.is_some());
    for Case { name, expected, .. } in &without {
        assert_eq!(*expected, json!({"outcome": "error"}), "{name}");
    }
    let files: Vec<PathBuf> = with.iter().filter_map(|case| case.file.clone()).collect();
    let (output, lines) = run(&files);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(lines.len(), with.len());
    for (Case { name, file, expected }, line) in with.iter().zip(lines) {
        assert_eq!(line["file"], json!(file), "{name}");
        assert_eq!(line["outcome"], spelled(&expected["outcome"]), "{name}");
        assert_eq!(sorted(&line["warnings"], Value::clone), sorted(&expected["warnings"], spelled), "{name}");
        assert_eq!(line["conclusive"], expected["conclusive"], "{name}");
        for counts in ["activities", "rollbacks"] {
            assert!(
                line[counts]["total"].is_number() && line[counts]["failed"].is_number(),
                "{name}: {line}"
            );
        }
    }
}

#[test]
fn an_unreadable_journal_gets_a_line_of_its_own() {
    let directory = directory("unread");
    let write = |name: &str, text: &str| {
        let file = directory.join(name);
        fs::write(&file, text).unwrap();
        file
    };
    let whole = r#"{"status": "interrupted", "experiment": {"method": [], "rollbacks": []}, "run": []}"#;
    let good = write("good.json", whole);
    let cut = write("cut.json", &whole[..40]);
    let log = write("log.json", "[2026-11-21 08:35:16 INFO] Validating");
    let missing = directory.join("missing.json");
    let (output, lines) = run(&[cut, good, log, missing.clone()]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(lines.len(), 4);
    assert!(lines[0]["error"].as_str().unwrap().starts_with("truncated: ends at line 1"), "{}", lines[0]);
    assert_eq!((&lines[1]["outcome"], lines[1].get("error")), (&json!("Interrupted"), None));
    assert!(lines[2]["error"].as_str().unwrap().starts_with("not JSON"), "{}", lines[2]);
    assert_eq!(lines[3]["file"], json!(missing));
    assert!(lines[3]["error"].is_string() && lines[3].get("outcome").is_none());
}

#[test]
fn without_a_file_the_command_is_a_usage_error() {
    let (output, lines) = run(&[]);
    assert_eq!((output.status.code(), lines.len()), (Some(2), 0));
}
