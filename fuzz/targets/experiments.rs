#![no_main]

#[path = "../../tests/bad_input/properties/mod.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|data: &[u8]| properties::experiments::hold(data));
