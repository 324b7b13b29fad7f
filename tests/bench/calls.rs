//! The calls of the operator, as the API server's audit log has them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};

use serde_json::Value;

use crate::common::variables;

/// Calls by verb and resource.
pub type Calls = BTreeMap<(String, String), usize>;

/// Counts the calls of a user from a place in the audit log on.
pub struct Counter {
    user: String,
    offset: u64,
}

fn path() -> String {
    variables::required("CLUSTER_AUDIT_LOG", "the API server's audit log")
}

impl Counter {
    /// Begins to count.
    pub fn of(user: &str) -> Self {
        Self { user: user.to_owned(), offset: std::fs::metadata(path()).unwrap().len() }
    }

    /// Counts the calls since the last time. A watch counts when it begins.
    pub fn count(&mut self) -> Calls {
        let mut file = File::open(path()).unwrap();
        file.seek(SeekFrom::Start(self.offset)).unwrap();
        let mut calls = Calls::new();
        let mut reader = BufReader::new(file);
        let mut line = String::new();
        while reader.read_line(&mut line).unwrap() > 0 && line.ends_with('\n') {
            self.offset += line.len() as u64;
            if line.contains(&self.user) {
                let entry: Value = serde_json::from_str(&line).unwrap();
                let is_counted = entry["user"]["username"] == self.user.as_str()
                    && (entry["verb"] != "watch" || entry["stage"] == "ResponseStarted");
                if is_counted {
                    *calls.entry(what(&entry)).or_default() += 1;
                }
            }
            line.clear();
        }
        calls
    }
}

fn what(entry: &Value) -> (String, String) {
    let of = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let resource = [of("/objectRef/resource"), of("/objectRef/subresource")].join("/");
    (of("/verb"), resource.trim_end_matches('/').to_owned())
}

/// How many reads, writes and events there are.
pub fn kinds(calls: &Calls) -> [usize; 3] {
    let mut kinds = [0; 3];
    for ((verb, resource), count) in calls {
        let kind = match (verb.as_str(), resource.as_str()) {
            (_, "leases") | ("create", "selfsubjectaccessreviews" | "subjectaccessreviews") => continue,
            ("get" | "list" | "watch", _) => 0,
            (_, "events") => 2,
            _ => 1,
        };
        kinds[kind] += count;
    }
    kinds
}

/// Describes calls as so many for each of these runs.
#[expect(clippy::cast_precision_loss, reason = "a few thousand at most")]
pub fn each(calls: &Calls, runs: usize) -> String {
    let line = |((verb, resource), count): (&(String, String), &usize)| {
        format!("{verb} {resource} {:.1}", *count as f64 / runs as f64)
    };
    calls.iter().filter(|(_, count)| **count * 20 >= runs).map(line).collect::<Vec<_>>().join(", ")
}
