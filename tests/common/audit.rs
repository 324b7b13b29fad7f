//! The audit log of the API server. It shows which requests were really made, and by whom.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use serde_json::Value;

use super::variables;

/// How the log writes the verbs of requests that change nothing.
const READS: [&str; 3] = [r#""verb":"get""#, r#""verb":"list""#, r#""verb":"watch""#];

/// A request that asked for a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub verb: String,
    pub resource: String,
    pub namespace: String,
    pub name: String,
    pub code: i64,
}

impl Entry {
    /// Verb and resource, such as `create pods` or `patch chaosexperiments/status`.
    pub fn what(&self) -> String {
        format!("{} {}", self.verb, self.resource)
    }
}

/// Returns all writes of a user. Events, the lease and the list of runs are left out: events tell of changes, the lease is
/// renewed all the time, and the list is made at the start of the operator.
pub fn writes_of(user: &str) -> Vec<Entry> {
    Tail::default().lines_with(user).iter().filter(|line| is_write_of(line, user)).map(entry).collect()
}

/// Returns all writes of a user once the log has caught up. The API server logs a request after it has answered it.
pub async fn settled_writes_of(user: &str) -> Vec<Entry> {
    let mut before = writes_of(user);
    loop {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let now = writes_of(user);
        if now == before {
            return now;
        }
        before = now;
    }
}

/// Counts the pods that anybody ever created in a namespace.
pub fn pods_created_in(namespace: &str) -> usize {
    created_in("pods", namespace).len()
}

/// Returns the names of all objects of a kind, such as `jobs`, that anybody ever created in a namespace.
pub fn created_in(kind: &str, namespace: &str) -> Vec<String> {
    let what = format!("create {kind}");
    let is_one = |found: &Entry| {
        found.what() == what && found.namespace == namespace && (200..300).contains(&found.code)
    };
    let lines = Tail::default().lines_with(&format!("\"namespace\":\"{namespace}\""));
    lines.iter().map(entry).filter(is_one).map(|entry| entry.name).collect()
}

/// Counts the objects that anybody created in a namespace since the tail began, by resource. Reads only the new part
/// of a long log.
pub fn created_since(tail: &mut Tail, namespace: &str) -> BTreeMap<String, usize> {
    let mut created = BTreeMap::new();
    for found in tail.lines_with(&format!("\"namespace\":\"{namespace}\"")).iter().map(entry) {
        if found.verb == "create" && found.namespace == namespace && (200..300).contains(&found.code) {
            *created.entry(found.resource).or_default() += 1;
        }
    }
    created
}

/// Reads the log from where the last reading ended.
#[derive(Default)]
pub struct Tail {
    offset: u64,
}

impl Tail {
    /// Returns the writes of a user since the last reading.
    pub fn writes_of(&mut self, user: &str) -> Vec<Entry> {
        self.lines_with(user).iter().filter(|line| is_write_of(line, user)).map(entry).collect()
    }

    /// Begins at the present end of the log.
    pub fn from_now() -> Self {
        Self { offset: std::fs::metadata(path()).unwrap().len() }
    }

    /// Returns the complete lines since the last reading that contain this text.
    fn lines_with(&mut self, part: &str) -> Vec<Value> {
        let path = path();
        let mut file = File::open(&path).unwrap_or_else(|error| panic!("cannot open {path}: {error}"));
        file.seek(SeekFrom::Start(self.offset)).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        let complete = text.rfind('\n').map_or("", |end| &text[..=end]);
        self.offset += complete.len() as u64;
        // A read changes nothing, nor does a dry run.
        let changes =
            |line: &str| !READS.iter().any(|read| line.contains(read)) && !line.contains("dryRun=All");
        let wanted = complete.lines().filter(|line| line.contains(part) && changes(line));
        wanted.map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn path() -> String {
    variables::required("CLUSTER_AUDIT_LOG", "the API server's audit log")
}

fn is_write_of(line: &Value, user: &str) -> bool {
    let resource = line["objectRef"]["resource"].as_str();
    line["user"]["username"] == user && !matches!(resource, Some("events" | "leases" | "chaosruns"))
}

fn entry(line: &Value) -> Entry {
    let of = |pointer: &str| line.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let resource = [of("/objectRef/resource"), of("/objectRef/subresource")].join("/");
    Entry {
        verb: of("/verb"),
        resource: resource.trim_end_matches('/').to_owned(),
        namespace: of("/objectRef/namespace"),
        name: of("/objectRef/name"),
        code: line.pointer("/responseStatus/code").and_then(Value::as_i64).unwrap_or_default(),
    }
}
