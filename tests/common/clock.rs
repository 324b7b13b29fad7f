//! Clocks of other programs that are wrong.

use std::env::consts::ARCH;
use std::path::Path;

/// The environment of a program whose clock is off by so much, such as `-10m`; nothing without libfaketime.
pub fn set(offset: &str) -> Option<Vec<(String, String)>> {
    let library = Path::new("/usr/lib").join(format!("{ARCH}-linux-gnu/faketime/libfaketime.so.1"));
    let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    library.exists().then(|| {
        vec![
            set("LD_PRELOAD", &library.to_string_lossy()),
            set("FAKETIME", offset),
            // How long something takes is not what this is about.
            set("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ]
    })
}
