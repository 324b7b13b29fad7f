//! Reads the rollback strategy in an experiment and in the settings of the toolkit.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::command_line::yaml::{self, Found};

/// The value of `runtime.rollbacks.strategy` in a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Strategy {
    /// The path is not a file, or the file cannot be read.
    Unknown,
    /// The file has no such value.
    Unnamed,
    /// The file has this value.
    Named(String),
}

const PATH: [&str; 3] = ["runtime", "rollbacks", "strategy"];

/// The maximum length of a file. Longer files are not experiments, and would have to be held in memory.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Reads the strategy in an experiment. The extension of the file selects the format.
pub fn of_experiment(path: &Path) -> Strategy {
    match path.extension().and_then(OsStr::to_str) {
        Some("json") => read_text(path).map_or(Strategy::Unknown, |text| parse_json(&text)),
        Some("yaml" | "yml") => read_text(path).map_or(Strategy::Unknown, |text| parse_yaml(&text)),
        _ => Strategy::Unknown,
    }
}

/// Reads the strategy in the settings.
pub fn of_settings(path: &Path) -> Strategy {
    read_text(path).map_or(Strategy::Unknown, |text| parse_yaml(&text))
}

fn parse_json(text: &str) -> Strategy {
    let Ok(value) = serde_json::from_str::<serde_json::Value>(text) else { return Strategy::Unknown };
    let found = PATH.iter().try_fold(&value, |value, key| value.get(key));
    match found {
        None | Some(serde_json::Value::Null) => Strategy::Unnamed,
        Some(serde_json::Value::String(name)) => Strategy::Named(name.clone()),
        Some(other) => Strategy::Named(other.to_string()),
    }
}

fn parse_yaml(text: &str) -> Strategy {
    match yaml::look_up(text, &PATH) {
        None => Strategy::Unknown,
        Some(Found::Nothing) => Strategy::Unnamed,
        Some(Found::Text(name)) => Strategy::Named(name),
    }
}

fn read_text(path: &Path) -> Option<String> {
    // Reading a pipe could block forever. The toolkit would also miss the bytes that were read here.
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    let read = File::open(path).ok()?.take(MAX_BYTES + 1).read_to_string(&mut text).ok()?;
    (u64::try_from(read).ok()? <= MAX_BYTES).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("x.json", r#"{"runtime": {"rollbacks": {"strategy": "never"}}}"#, Strategy::Named("never".into()))]
    #[case("x.json", r#"{"runtime": {"rollbacks": {"strategy": 1}}}"#, Strategy::Named("1".into()))]
    #[case("x.json", r#"{"runtime": {"rollbacks": {"strategy": null}}}"#, Strategy::Unnamed)]
    #[case("x.json", r#"{"runtime": {"hypothesis": {}}}"#, Strategy::Unnamed)]
    #[case("x.json", r#"{"runtime": []}"#, Strategy::Unnamed)]
    #[case("x.json", "runtime: {rollbacks: {strategy: never}}", Strategy::Unknown)]
    #[case("x.yaml", "runtime: {rollbacks: {strategy: never}}", Strategy::Named("never".into()))]
    #[case("x.yml", "title: x", Strategy::Unnamed)]
    #[case("x.yml", "title: [", Strategy::Unknown)]
    #[case("x.txt", "runtime: {rollbacks: {strategy: never}}", Strategy::Unknown)]
    fn the_extension_selects_the_format(#[case] name: &str, #[case] text: &str, #[case] expected: Strategy) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(name), text).unwrap();
        assert_eq!(of_experiment(&dir.path().join(name)), expected);
    }

    #[test]
    fn a_path_without_a_file_is_unknown() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("x.json")).unwrap();
        for path in ["x.json", "y.json", "http://x/y.json"] {
            assert_eq!(of_experiment(&dir.path().join(path)), Strategy::Unknown);
        }
    }
}
