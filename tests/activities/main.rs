//! The functions of chaosk8s, with an account that has exactly the rights of the table, on a real API server: no request is
//! refused. With one right less, the API server refuses the request that needs it, and the exception names that right.
//!
//! `CHAOSK8S_PYTHON` names a Python with chaosk8s 0.39.0; `hack/chaosk8s/python.sh` makes one. No kubelet is needed: a
//! request is authorized before the API server looks for a node.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests panic to fail")]

mod accounts;
mod cases;
#[path = "../common/mod.rs"]
mod common;
mod objects;
mod worker;

use std::process::Command;

use accounts::Accounts;
use cases::{Case, Right};
use chaostoolkit_journal::{Forbidden, Scope};
use common::variables;
use objects::Objects;
use worker::Worker;

/// What the API server refuses without a word on the right: it has authorized the request, and asks for one more right.
const UNNAMED: (&str, &str) = ("create", "pods/exec");

/// What the API server refuses, and the function keeps to itself or never asks for.
const NOT_SEEN: [(&str, &str, &str, &str); 2] = [
    // It takes each error for a pod that is still there.
    ("node.actions.drain_nodes", "get", "pods", "it waits on whatever the answer is"),
    // 0.39.0 gives its client an argument that the client refuses, so there is no request.
    ("crd.actions.replace_custom_object", "update", "widgets", "it sends no request"),
];

/// How often a call is made again whose answer did not come in time.
const MOST_TRIES: usize = 20;

fn python() -> String {
    variables::required("CHAOSK8S_PYTHON", "a Python with chaosk8s; hack/chaosk8s/python.sh makes one")
}

#[test]
#[ignore = "needs Python and chaosk8s"]
fn the_recorded_calls_are_those_of_the_package() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/hack/chaosk8s/calls.py");
    let output = Command::new(python()).arg(script).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    for (now, recorded) in printed.lines().zip(cases::RECORDED.lines()) {
        assert_eq!(now, recorded);
    }
    assert_eq!(printed.lines().count(), cases::RECORDED.lines().count());
}

#[tokio::test]
#[ignore = "needs an API server, Python and chaosk8s"]
async fn each_function_needs_the_rights_of_the_table_and_each_of_them() {
    let client = common::client().await;
    let objects = Objects::new(client.clone()).await;
    let cases: Vec<Case> = cases::all(&objects.namespace, &objects.name);
    assert!(cases.len() >= 130, "{}", cases.len());
    let accounts = Accounts::new(&client, &objects, &cases).await;
    let mut worker = Worker::start(&python(), accounts.server());
    let (mut problems, mut calls, mut refusals) = (Vec::new(), 0, 0);
    for case in &cases {
        for removed in &case.rights {
            let reason = NOT_SEEN.iter().find(|(function, verb, resource, _)| {
                (*function, *verb, *resource) == (&case.function, &removed.verb, &removed.resource)
            });
            if let Some((function, verb, resource, why)) = reason {
                eprintln!("not refused: {function}, {verb} {resource}: {why}");
                continue;
            }
            let rights = case.without(removed);
            let account = accounts.of(&rights);
            let mut error = worker.call(case, &account.token).unwrap_or_default();
            for _ in 0..MOST_TRIES {
                // On a busy machine, the answer may take longer than the second that a watch waits.
                if error.contains("Read timed out") {
                    error = worker.call(case, &account.token).unwrap_or_default();
                }
            }
            calls += 1;
            objects.restore(&rights).await;
            if (removed.verb.as_str(), removed.resource.as_str()) == UNNAMED {
                assert!(
                    error.contains("403 Forbidden") && error.contains("is forbidden: \""),
                    "{case}: {error}"
                );
                continue;
            }
            let expected = expected(removed, &account.name, &objects.namespace);
            let found = Forbidden::find(&error);
            if found.iter().map(|found| Forbidden { name: None, ..found.clone() }).eq([expected]) {
                refusals += 1;
            } else {
                problems.push(format!("{case} without {removed}: {found:?} in {error}"));
            }
        }
        let account = accounts.of(&case.rights);
        let error = worker.call(case, &account.token).unwrap_or_default();
        calls += 1;
        objects.restore(&case.rights).await;
        if error.contains("forbidden") || error.contains("Forbidden") || error.contains("403") {
            problems.push(format!("{case} with {:?}: {error}", case.rights));
        }
    }
    eprintln!("{} functions, {calls} calls, {refusals} refusals", cases.len());
    objects.delete(&accounts).await;
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n---\n"));
}

/// What the API server says of a request that lacks this right.
fn expected(right: &Right, account: &str, namespace: &str) -> Forbidden {
    Forbidden {
        user: account.to_owned(),
        verb: right.verb.clone(),
        group: right.group.clone(),
        resource: right.resource.clone(),
        name: None,
        place: match &right.object {
            // A request for a namespace is one in this namespace.
            Some(object) if right.resource == "namespaces" => Scope::Namespace(object.clone()),
            _ if right.is_cluster => Scope::Cluster,
            _ => Scope::Namespace(namespace.to_owned()),
        },
    }
}
