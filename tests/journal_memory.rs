//! What a run wrote costs little memory to read, whatever it is.
//!
//! A test of its own, since it measures the memory of the whole process.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by a panic")]

use std::fs;
use std::path::Path;

use chaostoolkit_operator::commands::journal::line;
use serde_json::{Value, json};

/// How long the journals are, in bytes. The operator unpacks no longer ones.
const LENGTH: usize = 8 << 20;

/// What the process may take in all, in KiB: a quarter of the memory of the operator.
const LIMIT: usize = 32 << 10;

/// Returns the most memory that this process has taken so far, in KiB.
fn peak() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Writes a text in which a part is repeated until it is long, and judges it.
fn judge(file: &Path, before: &str, repeated: &dyn Fn(usize) -> String, after: &str) -> Value {
    use std::io::Write;
    let mut out = std::io::BufWriter::new(fs::File::create(file).unwrap());
    let mut length = before.len() + after.len();
    out.write_all(before.as_bytes()).unwrap();
    for at in 0.. {
        let part = repeated(at);
        length += part.len();
        if length > LENGTH {
            break;
        }
        out.write_all(part.as_bytes()).unwrap();
    }
    out.write_all(after.as_bytes()).unwrap();
    out.into_inner().unwrap().sync_all().unwrap();
    line(file).0
}

/// A journal: its name, how it begins, the part that is repeated, and how it ends.
type Bomb<'a> = (&'a str, &'a str, &'a dyn Fn(usize) -> String, &'a str);

#[test]
fn whatever_a_run_wrote_is_read_in_little_memory() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("journal-memory");
    fs::create_dir_all(&directory).unwrap();
    let same = |part: &'static str| move |_: usize| part.to_owned();
    let key = |at: usize| format!("\"key{at}\":0,");
    let named = |at: usize| format!("{{\"activity\":{{\"name\":\"{at}\"}},\"status\":\"failed\"}},");
    let states = |at: usize| format!("{{\"probes\":[{}0]}},", "0,".repeat(at % 1000));
    let journals: [Bomb; 16] = [
        ("entries", r#"{"status":"completed","run":["#, &same("{},"), "{}]}"),
        ("numbers", r#"{"status":"completed","run":["#, &same("0,"), "0]}"),
        ("named", r#"{"status":"completed","run":["#, &named, "{}]}"),
        ("rollbacks", r#"{"status":"completed","rollbacks":["#, &same("{},"), "{}],\"experiment\":{}}"),
        ("probes", r#"{"status":"completed","steady_states":{"before":{"probes":["#, &same("{},"), "{}]}}}"),
        ("evaluations", r#"{"status":"completed","steady_states":{"during":["#, &same("{},"), "{}]}}"),
        ("varied", r#"{"status":"completed","steady_states":{"during":["#, &states, "{}]}}"),
        ("declared", r#"{"status":"completed","experiment":{"method":["#, &same("{},"), "{}]}}"),
        ("keys", r#"{"status":"completed","#, &key, "\"run\":[]}"),
        ("output", r#"{"status":"completed","deviated":true,"run":[{"output":{"#, &key, "\"a\":0}}]}"),
        ("text", r#"{"status":"completed","run":[],"experiment":{"title":""#, &same("x"), "\"}}"),
        ("escapes", r#"{"status":"completed","run":[],"experiment":{"title":""#, &same("\\u0041"), "\"}}"),
        ("surrogates", r#"{"status":"completed","run":[],"experiment":{"title":""#, &same("\\ud800"), "\"}}"),
        ("digits", r#"{"status":"completed","run":[],"duration":"#, &same("9"), "}"),
        ("nested", r#"{"status":"completed","run":["#, &same("["), ""),
        ("nan", r#"{"status":"completed","run":["#, &same("NaN,"), "{}]}"),
    ];
    for (name, before, repeated, after) in journals {
        let judged = judge(&directory.join(name), before, repeated, after);
        assert_ne!(judged["outcome"], json!("Passed"), "{name}: {judged}");
        assert!(peak() < LIMIT, "{name}: {} KiB", peak());
    }
}
