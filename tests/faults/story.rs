//! The life of an experiment.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::common::source;

/// The life of an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Story {
    /// It runs once, and is deleted after the run or during it.
    OneShot,
    /// It has a schedule. Its first run ends, and it is deleted during the second.
    Schedule,
    /// It runs once like the first, and asks whether it may: it has a gate, a mutex, a stop condition, and a namespace
    /// that is found for the run.
    Guarded,
}

/// The label of the namespace that is found for a run. Its value is that of the installation.
pub const OPTS_IN: &str = "tests.chaostoolkit.org/opts-in";

impl Story {
    pub const ALL: [Self; 3] = [Self::OneShot, Self::Schedule, Self::Guarded];

    /// Returns the prefix of the classes of its plans.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::OneShot => "",
            Self::Schedule => "schedule: ",
            Self::Guarded => "guarded: ",
        }
    }

    /// Whether it runs once, so that its deletion during the run aborts its only run.
    pub const fn is_single(self) -> bool {
        matches!(self, Self::OneShot | Self::Guarded)
    }

    /// Returns the spec of an experiment that runs in `namespace` and has its role in `bound` too.
    pub fn spec(self, namespace: &str, bound: &str) -> Value {
        let mut spec = json!({"namespace": namespace, "pod": {"experiment": {"asFile": false}}});
        match self {
            Self::OneShot => spec["role"] = json!({"binds_to_namespaces": [bound]}),
            Self::Schedule => {
                spec["role"] = json!({"binds_to_namespaces": [bound]});
                // The schedule is never due while a plan runs.
                spec["schedule"] = json!({"kind": "cronJob", "value": "0 0 1 1 *"});
            }
            Self::Guarded => {
                let signal = source::signal();
                spec["mutex"] = json!(namespace);
                spec["gates"] = json!([{"name": "slo", "prometheus": signal}]);
                spec["stopConditions"] = json!([{"name": "slo", "prometheus": signal, "intervalSeconds": 5}]);
                spec["targets"] = json!({"namespaceSelector": {"matchLabels": {OPTS_IN: bound}}});
            }
        }
        spec
    }

    /// Returns how many objects that start something are created in its life, by resource and by anybody.
    pub fn created(self) -> BTreeMap<String, usize> {
        let created: &[(&str, usize)] = match self {
            Self::OneShot | Self::Guarded => &[("pods", 1)],
            Self::Schedule => &[("cronjobs", 1), ("jobs", 2), ("pods", 2)],
        };
        created.iter().map(|(resource, count)| ((*resource).to_owned(), *count)).collect()
    }
}
