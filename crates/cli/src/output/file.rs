//! Files that are written as a whole or not at all.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};

/// Writes a file as a whole or not at all.
pub fn write(path: &Path, bytes: &[u8]) -> Outcome<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let written = std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, path));
    written.map_err(|error| {
        let _ = std::fs::remove_file(&part);
        Failure::of_file("write", path, error)
    })
}

/// Appends to a file, and creates it if it does not exist.
pub fn append(path: &Path, text: &str) -> Outcome<()> {
    let opened = OpenOptions::new().append(true).create(true).open(path);
    let appended = opened.and_then(|mut file| file.write_all(text.as_bytes()));
    appended.map_err(|error| Failure::of_file("append to", path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_written_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("taken");
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join("x"), "").unwrap();
        assert!(write(&path, b"{}").is_err());
        let left: Vec<_> =
            std::fs::read_dir(directory.path()).unwrap().map(|one| one.unwrap().file_name()).collect();
        assert_eq!(left, ["taken"]);
        write(&directory.path().join("new"), b"{}").unwrap();
        assert_eq!(std::fs::read(directory.path().join("new")).unwrap(), b"{}");
    }

    #[test]
    fn what_is_appended_comes_after_what_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("summary");
        append(&path, "one\n").unwrap();
        append(&path, "two\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        assert!(append(directory.path(), "three").is_err());
    }
}
