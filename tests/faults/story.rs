//! What an experiment lives through.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What an experiment lives through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Story {
    /// It runs once, and is deleted after that, or while it runs.
    OneShot,
    /// It has a schedule. Its first run comes to its end; it is deleted while the second goes on.
    Schedule,
}

impl Story {
    pub const ALL: [Self; 2] = [Self::OneShot, Self::Schedule];

    /// What the classes of its plans begin with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::OneShot => "",
            Self::Schedule => "schedule: ",
        }
    }

    pub fn spec(self, namespace: &str, bound: &str) -> Value {
        let mut spec = json!({"namespace": namespace, "pod": {"experiment": {"asFile": false}},
            "role": {"binds_to_namespaces": [bound]}});
        if self == Self::Schedule {
            // Never due by itself while a plan runs.
            spec["schedule"] = json!({"kind": "cronJob", "value": "0 0 1 1 *"});
        }
        spec
    }

    /// What is created in its life that starts something, by whomever, and how often.
    pub fn created(self) -> BTreeMap<String, usize> {
        let created: &[(&str, usize)] = match self {
            Self::OneShot => &[("pods", 1)],
            Self::Schedule => &[("cronjobs", 1), ("jobs", 2), ("pods", 2)],
        };
        created.iter().map(|(resource, count)| ((*resource).to_owned(), *count)).collect()
    }
}
