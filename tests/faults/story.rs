//! The life of an experiment.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The life of an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Story {
    /// It runs once, and is deleted after the run or during it.
    OneShot,
    /// It has a schedule. Its first run ends, and it is deleted during the second.
    Schedule,
}

impl Story {
    pub const ALL: [Self; 2] = [Self::OneShot, Self::Schedule];

    /// Returns the prefix of the classes of its plans.
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
            // The schedule is never due while a plan runs.
            spec["schedule"] = json!({"kind": "cronJob", "value": "0 0 1 1 *"});
        }
        spec
    }

    /// Returns how many objects that start something are created in its life, by resource and by anybody.
    pub fn created(self) -> BTreeMap<String, usize> {
        let created: &[(&str, usize)] = match self {
            Self::OneShot => &[("pods", 1)],
            Self::Schedule => &[("cronjobs", 1), ("jobs", 2), ("pods", 2)],
        };
        created.iter().map(|(resource, count)| ((*resource).to_owned(), *count)).collect()
    }
}
