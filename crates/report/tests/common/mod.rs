//! What the tests share: the journals of real runs, and reports of them.

#![allow(dead_code, reason = "each test uses a part")]

use std::fs;
use std::path::{Path, PathBuf};

use chaostoolkit_report::{Format, Options, Report, Run, Style, render};
use serde_json::Value;

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The journals of the repository's tests: `name@version`, and the journal if the toolkit wrote one.
pub fn journals() -> Vec<(String, Value)> {
    let mut found: Vec<(String, Value)> = fs::read_dir(root().join("tests/journals"))
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let case: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), case["journal"].clone())
        })
        .filter(|(_, journal)| journal.is_object())
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

pub fn journal(name: &str) -> Value {
    journals().into_iter().find(|(found, _)| found == name).unwrap_or_else(|| panic!("{name}")).1
}

pub fn read(name: &str, journal: &Value, outputs: bool) -> Run {
    Run::from_journal(name, journal.to_string().as_bytes(), Options { outputs }).unwrap()
}

/// The reports of these runs in all formats.
pub fn reports(runs: Vec<Run>) -> Vec<(Format, String)> {
    let report = Report::new(runs);
    let write = |format: &Format| (*format, render(&report, *format, Style::default()).unwrap());
    Format::ALL.iter().map(write).collect()
}
