//! The policies that know and judge authors, on a real API server: a table of requests by three users and the operator, with
//! the answers under both kinds of policies, under those that judge alone, and under none.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests panic to fail")]
#![allow(clippy::needless_pass_by_value, reason = "tables of cases are easier to read with values")]

mod cast;
#[path = "../common/mod.rs"]
mod common;
mod fields;
mod pods;
mod request;
mod rights;
mod stamps;
mod table;
mod told;

use cast::{Cast, Who};
use common::eventually;
use common::install::{documents, kustomize};
use request::{Answer, Ask, central};
use serde_json::{Value, json};
use table::{Row, rows};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The policies that judge, as the overlays have them.
fn judging() -> Vec<Value> {
    let all = documents(&kustomize(&format!("{ROOT}/manifests/overlays/generic-rbac")));
    let policies: Vec<Value> = all
        .into_iter()
        .filter(|object| {
            object["metadata"]["name"]
                .as_str()
                .is_some_and(|name| name.starts_with("chaostoolkit-crd-authors"))
        })
        .collect();
    assert_eq!(policies.len(), 4, "two policies and their bindings");
    policies
}

/// The policy that stamps.
fn stamping() -> Vec<Value> {
    documents(&std::fs::read_to_string(format!("{ROOT}/kustomize/components/stamping/policy.yaml")).unwrap())
}

/// Installs policies under names of their own and for the namespaces of this test, so that tests can run side by side.
fn install(cast: &Cast, policies: Vec<Value>) -> Vec<Value> {
    let policies: Vec<Value> = policies
        .into_iter()
        .map(|mut policy| {
            if policy["kind"].as_str().unwrap().ends_with("Binding") {
                let labels = json!({"matchLabels": {"tests": cast.places("@home")}});
                policy["spec"]["matchResources"] = json!({"namespaceSelector": labels});
            }
            renamed(cast, &policy)
        })
        .collect();
    cast.apply(&policies);
    policies
}

/// A policy or a binding with the names of this test.
fn renamed(cast: &Cast, policy: &Value) -> Value {
    let renamed = policy.to_string().replace("chaostoolkit-crd", "@home").replace("chaostoolkit-run", "@run");
    serde_json::from_str(&cast.places(&renamed)).unwrap()
}

async fn answers(cast: &Cast, who: Who, ask: &Ask, expected: Answer) {
    let user = cast.user(who);
    eventually(&format!("{who:?} is answered {expected:?} to {ask:?}"), async || {
        ask.send(&cast.install.client, cast, &user).await.is(expected, cast).then_some(())
    })
    .await;
}

async fn wait_until_judged(cast: &Cast) {
    let nine = json!({"role": {"binds_to_namespaces": [1, 2, 3, 4, 5, 6, 7, 8, 9]}});
    answers(cast, Who::Dev, &central(json!({"namespace": "@other"})), Answer::Refused("create pods")).await;
    answers(cast, Who::Boss, &central(nine), Answer::Refused("at most 8 further")).await;
}

async fn wait_until_stamped(cast: &Cast) {
    answers(cast, Who::Boss, &central(json!({})), Answer::Stamped).await;
}

/// Asks each row, and compares the answers with this column.
async fn compare(cast: &Cast, column: impl Fn(&Row) -> Answer) {
    let rows = rows();
    assert!(rows.len() >= 60);
    let mut wrong = Vec::new();
    for row in &rows {
        let answered = row.ask.send(&cast.install.client, cast, &cast.user(row.who)).await;
        let expected = column(row);
        if !answered.is(expected, cast) {
            wrong.push(format!("{:?} {}: expected {expected:?}, but {answered:?}", row.who, row.what));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn each_request_is_answered_with_both_policies() {
    let cast = Cast::new("authors").await;
    let policies = install(&cast, [judging(), stamping()].concat());
    wait_until_judged(&cast).await;
    wait_until_stamped(&cast).await;
    cast.create_experiments();
    compare(&cast, |row| row.both).await;
    cast.remove(&policies);
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn each_request_is_answered_with_the_judging_policies_alone() {
    let cast = Cast::new("authors").await;
    let policies = install(&cast, judging());
    wait_until_judged(&cast).await;
    cast.create_experiments();
    compare(&cast, |row| row.judged).await;
    cast.remove(&policies);
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn each_request_is_answered_with_no_policy() {
    let cast = Cast::new("authors").await;
    cast.create_experiments();
    compare(&cast, |row| row.none).await;
    cast.remove(&[]);
}

/// Each of these is written more than once, since a policy can use nothing of another one.
#[test]
fn the_policies_have_the_same_expressions() {
    let read = |path: &str| {
        documents(&std::fs::read_to_string(format!("{ROOT}/kustomize/{path}")).unwrap())[0].clone()
    };
    let [authors, bound] = ["authors", "authors-bound"].map(|name| read(&format!("base/policy-{name}.yaml")));
    let stamp = read("components/stamping/policy.yaml");
    let variable = |policy: &Value, name: &str| {
        let found =
            policy["spec"]["variables"].as_array().unwrap().iter().find(|variable| variable["name"] == name);
        found.unwrap_or_else(|| panic!("no variable {name}"))["expression"].clone()
    };
    for name in ["groups", "keys", "sortedKeys", "extra"] {
        assert_eq!(variable(&authors, name), variable(&stamp, name), "{name}");
    }
    for name in [
        "stamp",
        "isStamped",
        "isAsked",
        "spec",
        "role",
        "roleName",
        "hasRules",
        "clusterRole",
        "isClusterWide",
        "needsEscalate",
        "runNamespace",
        "templates",
        "hasDefaultRole",
    ] {
        assert_eq!(variable(&authors, name), variable(&bound, name), "{name}");
    }
    let condition =
        |policy: &Value| policy["spec"]["matchConditions"][0]["expression"].as_str().unwrap().to_owned();
    assert_eq!(condition(&authors), condition(&bound));
    // The policy that stamps comes before the API server has counted the generation.
    let counted = "|| object.metadata.?generation != oldObject.metadata.?generation ";
    assert!(condition(&authors).contains(counted));
    assert_eq!(condition(&authors).replace(counted, ""), condition(&stamp));
    for policy in [&bound, &stamp] {
        assert_eq!(policy["spec"]["matchConstraints"], authors["spec"]["matchConstraints"]);
        assert_eq!(policy["spec"]["failurePolicy"], "Fail");
    }
}
