//! docs/examples has one report of four runs in each format. This makes them again and compares.
//! `UPDATE_EXAMPLES=1` writes them instead.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]

mod common;

use std::fs;

use chaostoolkit_report::{Format, Options, Report, Run, Style, render};
use common::root;

/// The files, and whether they have outputs. docs/reports.md has the commands.
const FILES: [(&str, Format, bool); 7] = [
    ("report.txt", Format::Terminal, false),
    ("report.md", Format::Markdown, false),
    ("report.html", Format::Html, false),
    ("report-outputs.html", Format::Html, true),
    ("report.xml", Format::Junit, false),
    ("report.ctrf.json", Format::Ctrf, false),
    ("report.json", Format::Json, false),
];

fn runs(outputs: bool) -> Vec<Run> {
    let folder = root().join("docs/examples/journals");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let read = |name: &String| {
        let bytes = fs::read(folder.join(name)).unwrap();
        Run::from_journal(&format!("docs/examples/journals/{name}"), &bytes, Options { outputs }).unwrap()
    };
    names.iter().map(read).collect()
}

#[test]
fn the_examples_are_what_the_crate_writes() {
    let mut outdated = Vec::new();
    for (name, format, outputs) in FILES {
        let runs = runs(outputs);
        assert_eq!(runs.len(), 4);
        let text = render(&Report::new(runs), format, Style { width: 100, color: false }).unwrap();
        let path = root().join("docs/examples").join(name);
        if std::env::var_os("UPDATE_EXAMPLES").is_some() {
            fs::write(&path, &text).unwrap();
        }
        if fs::read_to_string(&path).unwrap_or_default() != text {
            outdated.push(name);
        }
    }
    assert!(outdated.is_empty(), "UPDATE_EXAMPLES=1 writes these again: {outdated:?}");
}

#[test]
fn the_document_has_the_command_for_each_example() {
    let document = fs::read_to_string(root().join("docs/reports.md")).unwrap();
    for (name, format, outputs) in FILES {
        let outputs = if outputs { " --outputs" } else { "" };
        let command = format!(
            "kubectl chaostoolkit report docs/examples/journals -o {format}{outputs} --output-file docs/examples/{name}"
        );
        assert!(document.contains(&command), "{command}");
    }
}

#[test]
fn the_token_of_the_examples_is_only_in_their_journals() {
    for (name, ..) in FILES {
        let text = fs::read_to_string(root().join("docs/examples").join(name)).unwrap();
        assert!(!text.contains("pay-4f1d-77c2"), "{name}");
    }
}
