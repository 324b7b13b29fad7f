//! The table of the rights that chaosk8s needs, against the package itself. Needs nothing.
//!
//! `tests/generated_roles/chaosk8s-0.39.0.jsonl` has all functions of the package, their parameters, and the calls that they made to a
//! server. `hack/chaosk8s/calls.py` made it, and says how. A new version of the package gets a new file. This test then says
//! which functions are not in the table, and which ones call something else by now.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, reason = "tests fail by a panic")]

use std::collections::{BTreeMap, BTreeSet};

use chaostoolkit_operator::toolkit::rights::rule::Grant;
use chaostoolkit_operator::toolkit::rights::{Namespace, Rights, functions, of};
use serde::Deserialize;
use serde_json::{Value, json};

const SEEN: &str = include_str!("generated_roles/chaosk8s-0.39.0.jsonl");
const DOCUMENT: &str = include_str!("../docs/rights.md");

/// Verb, group, resource, namespace and name.
type Call = (String, String, String, Option<String>, Option<String>);

/// Verb, group and resource, and the name if it is for one object.
type Right = (String, String, String, Option<String>);

/// What a function did.
#[derive(Deserialize)]
struct Seen {
    function: String,
    parameters: BTreeSet<String>,
    arguments: Value,
    calls: Vec<Call>,
}

fn seen() -> Vec<Seen> {
    SEEN.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Derives the rights of an activity.
fn derived(function: &str, arguments: &Value) -> Rights {
    let (module, function) = function.rsplit_once('.').unwrap();
    let provider = json!({"type": "python", "module": format!("chaosk8s.{module}"), "func": function,
        "arguments": arguments});
    of(&json!({"method": [{"type": "action", "name": "a", "provider": provider}]}), false)
}

#[test]
fn the_table_has_the_functions_of_the_package_and_no_others() {
    let known: BTreeSet<String> = functions().map(str::to_owned).collect();
    let of_the_package: BTreeSet<String> = seen().into_iter().map(|seen| seen.function).collect();
    assert_eq!(known, of_the_package);
    assert_eq!(functions().count(), known.len(), "none is there twice");
}

#[test]
fn a_function_gets_the_rights_for_the_calls_that_it_makes_and_no_others() {
    for Seen { function, arguments, calls, .. } in seen() {
        let Rights { needs, problems } = derived(&function, &arguments);
        if calls.iter().any(|(_, _, _, namespace, _)| namespace.is_none()) {
            assert!(
                needs.is_empty() && problems[0].contains("in the whole cluster"),
                "{function}: {problems:?}"
            );
            continue;
        }
        let mut expected: BTreeSet<Right> = calls
            .into_iter()
            // The function has taken this one from a list, so it may be any other.
            .map(|(verb, group, resource, _, name)| {
                (verb, group, resource, name.filter(|name| name != "x-listed"))
            })
            .collect();
        match function.as_str() {
            // From Kubernetes 1.35 on, a WebSocket needs `create` too.
            "pod.actions.exec_in_pods" => {
                expected.insert(("create".to_owned(), String::new(), "pods/exec".to_owned(), None));
            }
            // 0.39.0 gives its client an argument that the client refuses, so there is no call yet.
            "crd.actions.replace_custom_object" => {
                let kind = ("example.com".to_owned(), "widgets".to_owned());
                expected.insert(("update".to_owned(), kind.0, kind.1, Some("x".to_owned())));
            }
            "crd.actions.replace_cluster_custom_object" => {
                assert!(problems[0].contains("in the whole cluster"), "{problems:?}");
                continue;
            }
            _ => {}
        }
        let found: BTreeSet<Right> = needs
            .iter()
            .flat_map(|need| &need.grants)
            .map(|Grant { group, resource, verb, object }| {
                ((*verb).to_owned(), group.clone(), resource.clone(), object.clone())
            })
            .collect();
        assert_eq!(found, expected, "{function} with {arguments}: {problems:?}");
        assert!(needs.iter().all(|need| need.namespace == Namespace::Known("shop".to_owned())), "{function}");
        let is_refused =
            function == "deployment.actions.rollout_deployment" && arguments.get("name").is_none();
        assert_eq!(problems.is_empty(), !is_refused, "{function}: {problems:?}");
    }
}

#[test]
fn a_function_with_rights_in_a_namespace_takes_the_namespace_from_ns_or_from_the_object() {
    for Seen { function, parameters, mut arguments, .. } in seen() {
        let needs = derived(&function, &arguments).needs;
        if needs.is_empty() || function.starts_with("crd.actions.apply_from_") {
            continue;
        }
        assert!(parameters.contains("ns"), "{function}");
        arguments.as_object_mut().unwrap().remove("ns");
        let needs = derived(&function, &arguments).needs;
        assert!(
            needs.iter().all(|need| need.namespace == Namespace::Known("default".to_owned())),
            "{function}"
        );
    }
}

/// Rights in the whole cluster for calls that the recording server does not see. `tests/activities` sees most of them.
fn beyond_the_calls(function: &str) -> Vec<Call> {
    let call = |verb: &str, group: &str, resource: &str, name: Option<&str>| {
        (verb.to_owned(), group.to_owned(), resource.to_owned(), None, name.map(str::to_owned))
    };
    match function {
        // The server has no pod that a drain evicts.
        "node.actions.drain_nodes" => {
            vec![call("get", "", "pods", None), call("create", "", "pods/eviction", None)]
        }
        // 0.39.0 gives its client an argument that the client refuses, so there is no call yet.
        "crd.actions.replace_cluster_custom_object" => {
            vec![call("update", "example.com", "widgets", Some("x"))]
        }
        _ => Vec::new(),
    }
}

#[test]
fn the_document_names_each_function_with_its_rights() {
    let mut rows: BTreeMap<&str, &str> = BTreeMap::new();
    for line in DOCUMENT.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        rows.insert(cells[1].trim_matches('`'), cells[2]);
    }
    let mut written: BTreeMap<String, String> = BTreeMap::new();
    for Seen { function, arguments, calls, .. } in seen() {
        let Rights { needs, problems } = derived(&function, &arguments);
        let mut rights: BTreeMap<(&str, &str, bool), BTreeSet<&str>> = BTreeMap::new();
        for Grant { group, resource, verb, object } in needs.iter().flat_map(|need| &need.grants) {
            rights.entry((group, resource, object.is_some())).or_default().insert(verb);
        }
        let of_cluster = calls.iter().filter(|(_, _, _, namespace, _)| namespace.is_none());
        let beyond = beyond_the_calls(&function);
        for (verb, group, resource, _, name) in of_cluster.chain(&beyond) {
            let is_named = name.as_ref().is_some_and(|name| name != "x-listed");
            rights.entry((group, resource, is_named)).or_default().insert(verb);
        }
        let rights = rights.into_iter().map(|((group, resource, is_named), verbs)| {
            let verbs = verbs.into_iter().collect::<Vec<_>>().join(", ");
            let place = if group.is_empty() { resource.to_owned() } else { format!("{group}/{resource}") };
            let place = place.replace("example.com/widgets", "GROUP/PLURAL");
            format!("{place}: {verbs}{}", if is_named { " (one object)" } else { "" })
        });
        let rights = rights.collect::<Vec<_>>().join("; ");
        let is_cluster = problems.iter().any(|problem| problem.contains("in the whole cluster"));
        let rights = match rights.as_str() {
            rights if is_cluster => format!("in the whole cluster: {rights}"),
            "" => "none".to_owned(),
            rights => rights.to_owned(),
        };
        // With its name comes first.
        written.entry(function).or_insert(rights);
    }
    let written: BTreeMap<&str, &str> =
        written.iter().map(|(function, rights)| (function.as_str(), rights.as_str())).collect();
    let all: Vec<String> =
        written.iter().map(|(function, rights)| format!("| `{function}` | {rights} |")).collect();
    assert_eq!(rows, written, "the table in docs/rights.md should be\n{}", all.join("\n"));
}
