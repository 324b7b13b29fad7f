//! Other programs with a clock that is wrong.

use std::env::consts::ARCH;
use std::path::Path;

/// Returns the environment of a program whose clock is off by the given offset, such as `-10m`. Returns `None` without
/// libfaketime.
pub fn set(offset: &str) -> Option<Vec<(String, String)>> {
    let library = Path::new("/usr/lib").join(format!("{ARCH}-linux-gnu/faketime/libfaketime.so.1"));
    let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    library.exists().then(|| {
        vec![
            set("LD_PRELOAD", &library.to_string_lossy()),
            set("FAKETIME", offset),
            // Durations stay right: only the time of day is to be wrong.
            set("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ]
    })
}
