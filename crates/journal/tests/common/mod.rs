//! The journals of real runs in `tests/journals`.

use std::path::Path;
use std::sync::LazyLock;

use serde_json::Value;

/// A run: its name, its journal, and the judgment of the toolkit itself.
pub struct Case {
    pub name: String,
    pub journal: Value,
    pub expected: Value,
}

/// Returns all runs that left a journal.
pub fn cases() -> &'static [Case] {
    static CASES: LazyLock<Vec<Case>> = LazyLock::new(read);
    &CASES
}

fn read() -> Vec<Case> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/journals");
    let mut cases: Vec<Case> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let mut run: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            Case { name, journal: run["journal"].take(), expected: run["expected"].take() }
        })
        .filter(|case| !case.journal.is_null())
        .collect();
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(cases.len() >= 60, "{} journals", cases.len());
    cases
}
