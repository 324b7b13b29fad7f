//! The examples of docs/cli.md. They run on a node that has the operator, as `hack/test.sh docs` starts it.
//!
//! Numbers, times and names with numbers differ from run to run, and so does the space between columns. Everything else has to be
//! as in the document. A line `…` stands for any lines. `CLI_DOCS=write` writes what the commands print into the document.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// A command of the document, and what it prints.
#[derive(Debug, Clone, PartialEq)]
struct Example {
    command: String,
    lines: Vec<String>,
}

/// A part of the document.
#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    Examples(Vec<Example>),
}

const FENCE: &str = "```console";

fn parts(document: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        parts.push(Part::Text(line.to_owned()));
        if line != FENCE {
            continue;
        }
        let mut examples: Vec<Example> = Vec::new();
        for line in lines.by_ref().take_while(|line| *line != "```") {
            match (line.strip_prefix("$ "), examples.last_mut()) {
                (Some(command), _) => {
                    examples.push(Example { command: command.to_owned(), lines: Vec::new() });
                }
                (None, Some(example)) => example.lines.push(line.to_owned()),
                (None, None) => panic!("a block begins with no command: {line}"),
            }
        }
        parts.push(Part::Examples(examples));
        parts.push(Part::Text("```".to_owned()));
    }
    parts
}

fn written(parts: &[Part]) -> String {
    let mut all: Vec<String> = Vec::new();
    for part in parts {
        match part {
            Part::Text(line) => all.push(line.clone()),
            Part::Examples(examples) => {
                for Example { command, lines } in examples {
                    all.push(format!("$ {command}"));
                    all.extend(lines.iter().cloned());
                }
            }
        }
    }
    all.join("\n") + "\n"
}

/// A line without what differs from run to run. Exit codes stay.
fn normal(line: &str) -> String {
    let is_code = line.starts_with("exit code ") || line.bytes().all(|digit| digit.is_ascii_digit());
    if is_code {
        return line.to_owned();
    }
    // The days and the summer time of a schedule.
    let is_of_a_calendar =
        |word: &str| ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "CET", "CEST"].contains(&word);
    let part = |word: &str| {
        if is_of_a_calendar(word) {
            return "#".to_owned();
        }
        let pieces = word.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric());
        let shown = pieces.map(|piece| {
            let (name, end) =
                piece.split_at(piece.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric()).len());
            let has_digit = name.bytes().any(|letter| letter.is_ascii_digit());
            if has_digit { format!("#{end}") } else { piece.to_owned() }
        });
        shown.collect::<String>()
    };
    line.split_whitespace().map(part).collect::<Vec<_>>().join(" ")
}

/// Whether what a command prints is as in the document.
fn is_as_told(told: &[String], found: &[String]) -> bool {
    let (told, found): (Vec<String>, Vec<String>) =
        (told.iter().map(|line| normal(line)).collect(), found.iter().map(|line| normal(line)).collect());
    fits(&told, &found)
}

fn fits(told: &[String], found: &[String]) -> bool {
    match told.split_first() {
        None => found.is_empty(),
        Some((line, rest)) if line == "…" => (0..=found.len()).any(|skipped| fits(rest, &found[skipped..])),
        Some((line, rest)) => found.first() == Some(line) && fits(rest, &found[1..]),
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn document() -> PathBuf {
    root().join("docs/cli.md")
}

/// Runs a command in a directory, with both streams as on a terminal. Returns the lines and the exit code.
fn run(directory: &Path, command: &str, last: i32) -> (Vec<String>, i32) {
    let program = Path::new(env!("CARGO_BIN_EXE_kubectl-chaostoolkit")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let script = format!("exec 2>&1\n(exit {last})\n{command}");
    let output =
        Command::new("bash").args(["-c", &script]).current_dir(directory).env("PATH", path).output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    (lines, output.status.code().unwrap_or(-1))
}

#[test]
fn the_document_is_read_as_it_was_written() {
    let text = std::fs::read_to_string(document()).unwrap();
    let parts = parts(&text);
    assert_eq!(written(&parts), text);
    let examples = parts.iter().filter(|part| matches!(part, Part::Examples(_))).count();
    assert!(examples > 10, "{examples}");
}

#[test]
fn every_command_has_an_example() {
    let text = std::fs::read_to_string(document()).unwrap();
    let help = Command::new(env!("CARGO_BIN_EXE_kubectl-chaostoolkit")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    // Each command stands at the beginning of its line.
    let commands = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: Vec<&str> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() > 15, "{names:?}");
    for name in names.iter().filter(|name| **name != "help") {
        let is_shown =
            text.lines().any(|line| line.starts_with("$ ") && line.contains(&format!("chaostoolkit {name}")));
        assert!(is_shown, "{name}");
    }
}

#[test]
fn numbers_differ_and_words_do_not() {
    let line = |text: &str| text.to_owned();
    let told = [
        line("NAME   AGE"),
        line("…"),
        line("pod chaostoolkit-fd9aa687be on node, 3m10s ago"),
        line("exit code 10"),
    ];
    let found = |code: &str| {
        [line("NAME    AGE"), line("x"), line("pod chaostoolkit-0123456789 on node, 9s ago"), line(code)]
    };
    assert!(is_as_told(&told, &found("exit code 10")));
    assert!(!is_as_told(&told, &found("exit code 11")));
    assert!(!is_as_told(&[line("a")], &[line("a"), line("b")]));
    assert!(!is_as_told(&[line("Passed 1s")], &[line("Failed 1s")]));
    assert_eq!(normal("at 2026-11-26 01:43:22 UTC (@3)"), "at #-#-# #:#:# UTC (@#)");
}

#[test]
#[ignore = "needs a node with the operator"]
fn the_examples_print_what_the_document_says() {
    let mut parts = parts(&std::fs::read_to_string(document()).unwrap());
    let directory = tempfile::tempdir().unwrap();
    for part in ["examples", "docs"] {
        std::os::unix::fs::symlink(root().join(part), directory.path().join(part)).unwrap();
    }
    let clean = "kubectl -n chaostoolkit-crd delete ctk greeting nightly deviates slow --ignore-not-found --timeout=120s";
    assert_eq!(run(directory.path(), clean, 0).1, 0);
    let (mut last, mut wrong) = (0, Vec::new());
    for part in &mut parts {
        let Part::Examples(examples) = part else { continue };
        for example in examples {
            let (found, code) = run(directory.path(), &example.command, last);
            last = code;
            if !is_as_told(&example.lines, &found) {
                wrong.push(format!("$ {}\n{}", example.command, found.join("\n")));
            }
            example.lines = found;
        }
    }
    assert_eq!(run(directory.path(), clean, 0).1, 0);
    if std::env::var("CLI_DOCS").is_ok_and(|mode| mode == "write") {
        std::fs::write(document(), written(&parts)).unwrap();
        return;
    }
    assert!(wrong.is_empty(), "these print something else:\n{}", wrong.join("\n\n"));
}
