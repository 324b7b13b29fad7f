//! Whole passes over experiments whose status and spec somebody forged: nothing of others changes, and the passes end.

use std::collections::BTreeMap;

use chaostoolkit_api::names;
use serde_json::{Value, json};

use super::*;
use crate::common::chance::Chance;
use crate::common::forge::{self, VICTIM, World};
use crate::variables::number;

/// How many experiments are tried, unless `BAD_INPUT` is set.
const CASES: u64 = 100;

/// An experiment whose status claims a pod that somebody else holds.
const HELD: u64 = 147;

/// The most calls that an experiment may cost from its creation to its end, with some passes that wait in between.
const MOST_CALLS: usize = 400;

const NAMESPACES: [&str; 4] = ["chaostoolkit-run", "shop", "chaostoolkit-crd", "kube-system"];

fn world() -> World {
    World {
        operator: "chaostoolkit-crd".to_owned(),
        run: "chaostoolkit-run".to_owned(),
        other: "shop".to_owned(),
        uid: UID.to_owned(),
        suffix: names::suffix(UID),
    }
}

/// Creates objects of somebody else under tempting names, and returns the paths of those that nobody may take for the
/// experiment's own. An object that has the experiment's suffix is its own if the status or 0.14.0 says so.
fn put_victims(fake: &FakeApi, is_claimed: bool) -> Vec<String> {
    let rbac = "rbac.authorization.k8s.io/v1";
    let kinds = [
        ("v1", "Pod"),
        ("v1", "ConfigMap"),
        ("v1", "ServiceAccount"),
        (rbac, "Role"),
        (rbac, "RoleBinding"),
        ("batch/v1", "CronJob"),
        ("batch/v1", "Job"),
    ];
    let own = format!("{VICTIM}-{}", world().suffix);
    let mut paths = Vec::new();
    for namespace in NAMESPACES {
        for (version, kind) in kinds {
            for name in [VICTIM, own.as_str()] {
                let path = fake.put(json!({"apiVersion": version, "kind": kind,
                    "metadata": {"name": name, "namespace": namespace, "finalizers": ["example.com/theirs"],
                        "labels": {"app": "shop"}},
                    "spec": {"containers": [{"name": "c", "image": "i"}]},
                    "status": {"phase": "Succeeded"}}));
                if name == VICTIM || !is_claimed {
                    paths.push(path);
                }
            }
        }
    }
    paths
}

fn forged(chance: &mut Chance) -> Value {
    let mut object = experiment(&forge::spec(&world(), chance));
    if chance.below(4) > 0 {
        object["status"] = forge::status(&world(), chance);
    }
    if chance.below(2) == 0 {
        object["metadata"]["finalizers"] = json!([names::TEARDOWN_FINALIZER]);
    }
    if chance.below(4) == 0 {
        object["metadata"]["annotations"] = json!({names::KOPF_ANNOTATION: "{}"});
    }
    if chance.below(4) == 0 {
        object["metadata"]["annotations"] = json!({names::RERUN_ANNOTATION: forge::name(&world(), chance)});
    }
    object
}

/// Takes the finalizer of somebody else off the deleted objects that the status claims for the experiment. A teardown waits for
/// such an object until its own limit. Returns whether there was one.
fn let_go(fake: &FakeApi, victims: &[String]) -> bool {
    let is_held = |object: &Value| {
        object["metadata"]["deletionTimestamp"].is_string()
            && object["metadata"]["finalizers"] == json!(["example.com/theirs"])
    };
    let held: Vec<String> = fake
        .objects()
        .into_iter()
        .filter(|(path, object)| is_held(object) && !victims.contains(path))
        .map(|(path, _)| path)
        .collect();
    for path in &held {
        fake.vanish(path);
    }
    !held.is_empty()
}

/// Whether a name in a path has only characters that leave the path as it is.
fn is_plain(path: &str) -> bool {
    path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._:".contains(&byte)) && !path.contains("..")
}

/// Lets an operator handle a forged experiment to its end, and returns what went wrong.
async fn one(seed: u64) -> Vec<(&'static str, String)> {
    let mut chance = Chance::new(seed);
    let fake = small_cluster();
    for name in NAMESPACES {
        fake.put(namespace(name));
    }
    fake.put(config_map("chaostoolkit-run"));
    let object = forged(&mut chance);
    let is_claimed =
        !object["status"].is_null() || !object["metadata"]["annotations"][names::KOPF_ANNOTATION].is_null();
    let paths = put_victims(&fake, is_claimed);
    let victims = || paths.iter().map(|path| (path.clone(), fake.get(path))).collect::<BTreeMap<_, _>>();
    let before = victims();
    fake.put(object);
    let mut operator = Operator::with(&fake, Hangs::Crash, true);
    settle(&fake, &mut operator, Some(0)).await;
    if fake.get(EXPERIMENT).is_some() {
        fake.delete(EXPERIMENT);
    }
    settle(&fake, &mut operator, Some(0)).await;
    if is_claimed && let_go(&fake, &paths) {
        settle(&fake, &mut operator, Some(0)).await;
    }

    let after = victims().into_iter().filter(|(path, object)| *object != before[path]);
    let mut wrong: Vec<_> = after.map(|(path, _)| ("changed", path)).collect();
    let calls = fake.calls();
    let tricked = calls.iter().filter(|call| !is_plain(&call.path));
    wrong.extend(tricked.map(|call| ("tricked", format!("{} {}", call.method, call.path))));
    if calls.len() > MOST_CALLS {
        wrong.push(("busy", format!("{} calls", calls.len())));
    }
    if let Some(left) = fake.get(EXPERIMENT) {
        wrong.push(("stuck", left["status"]["message"].to_string()));
    }
    wrong
}

#[tokio::test]
async fn whatever_a_status_and_a_spec_say_nothing_of_others_changes_and_the_passes_end() {
    let mut all: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for seed in (1..=number("BAD_INPUT", CASES)).chain([HELD]) {
        let wrong =
            tokio::spawn(one(seed)).await.unwrap_or_else(|panic| vec![("panicked", panic.to_string())]);
        for (what, words) in wrong {
            all.entry(what).or_default().push(format!("seed {seed} {what}: {words}"));
        }
    }
    let counts: Vec<String> = all.iter().map(|(what, found)| format!("{what}: {}", found.len())).collect();
    let some: Vec<&str> = all.values().flat_map(|found| found.iter().take(20)).map(String::as_str).collect();
    assert!(all.is_empty(), "{counts:?}\n{}", some.join("\n"));
}
