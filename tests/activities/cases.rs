//! The functions with their arguments, and the rights that they need.

use std::collections::BTreeSet;
use std::fmt;

use chaostoolkit_operator::toolkit::rights::of;
use serde::Deserialize;
use serde_json::{Value, json};

/// The functions of chaosk8s, their arguments and their calls.
pub const RECORDED: &str = include_str!("../generated_roles/chaosk8s-0.39.0.jsonl");

/// A function with its arguments.
pub struct Case {
    pub function: String,
    pub arguments: Value,
    pub rights: BTreeSet<Right>,
}

/// A right: a verb on a resource, or on one object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    pub verb: String,
    pub group: String,
    pub resource: String,
    pub object: Option<String>,
    /// Whether it is needed in the whole cluster. No Role gives it then.
    pub is_cluster: bool,
}

/// Verb, group, resource, namespace and name.
type Call = (String, String, String, Option<String>, Option<String>);

#[derive(Deserialize)]
struct Recorded {
    function: String,
    arguments: Value,
    calls: Vec<Call>,
}

impl Case {
    /// The rights without one of them.
    pub fn without(&self, removed: &Right) -> BTreeSet<Right> {
        let mut rights = self.rights.clone();
        rights.remove(removed);
        rights
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.function, self.arguments)
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verb, group, resource, object, .. } = self;
        write!(f, "{verb} {resource}.{group} {}", object.as_deref().unwrap_or("*"))
    }
}

/// Returns all cases, with this namespace and this name of the objects in place of those that were recorded.
pub fn all(namespace: &str, name: &str) -> Vec<Case> {
    let recorded = RECORDED.lines().map(|line| serde_json::from_str(line).unwrap());
    recorded.map(|recorded| case(recorded, namespace, name)).collect()
}

fn case(recorded: Recorded, namespace: &str, name: &str) -> Case {
    let text = recorded.arguments.to_string();
    let text = text.replace("\"shop", &format!("\"{namespace}")).replace("app=x", &format!("app={name}"));
    let text = text.replace("\"x\"", &format!("\"{name}\"")).replace("\\\"x\\", &format!("\\\"{name}\\"));
    let mut arguments: Value = serde_json::from_str(&text).unwrap();
    let is_of_no_pod = recorded.function.contains(".read_") && arguments["name"].is_null();
    if recorded.function == "actions.kill_microservice" || is_of_no_pod {
        // By default, the first one has a variable in its selector, and the others look for a label `None`.
        arguments["label_selector"] = json!(format!("app={name}"));
    }
    let mut rights: BTreeSet<Right> = derived(&recorded.function, &arguments);
    let of_cluster = recorded.calls.iter().filter(|(_, _, _, namespace, _)| namespace.is_none());
    rights.extend(of_cluster.map(|(verb, group, resource, _, object)| Right {
        verb: verb.clone(),
        group: group.clone(),
        resource: resource.clone(),
        object: object.clone().filter(|object| object == "x").map(|_| name.to_owned()),
        is_cluster: true,
    }));
    if recorded.function == "node.actions.drain_nodes" {
        // The recording server has no pod that a drain would evict.
        rights.extend([("create", "pods/eviction"), ("get", "pods")].map(|(verb, resource)| Right {
            verb: verb.to_owned(),
            group: String::new(),
            resource: resource.to_owned(),
            object: None,
            // The requests are in the namespace of the pod, which may be any.
            is_cluster: false,
        }));
    }
    Case { function: recorded.function, arguments, rights }
}

/// The rights that the operator derives.
fn derived(function: &str, arguments: &Value) -> BTreeSet<Right> {
    let (module, func) = function.rsplit_once('.').unwrap();
    let provider = json!({"type": "python", "module": format!("chaosk8s.{module}"), "func": func,
        "arguments": arguments});
    let experiment = json!({"method": [{"type": "action", "name": "a", "provider": provider}]});
    let needs = of(&experiment, false).needs;
    let grants = needs.iter().flat_map(|need| &need.grants);
    grants
        .map(|grant| Right {
            verb: grant.verb.to_owned(),
            group: grant.group.clone(),
            resource: grant.resource.clone(),
            object: grant.object.clone(),
            is_cluster: false,
        })
        .collect()
}
