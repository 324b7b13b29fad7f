//! Objects that somebody forges to turn the operator against others: statuses, pods, messages and journals. Names of
//! foreign objects are in them wherever the operator might take them for its own.

#![allow(dead_code, reason = "each test program uses a part of this")]

use serde_json::{Value, json};

use super::chance::Chance;

/// The world that a forger knows.
#[derive(Clone, Debug)]
pub struct World {
    /// The namespace of the operator and of the experiments.
    pub operator: String,
    /// The namespace of the runs.
    pub run: String,
    /// A namespace of somebody else.
    pub other: String,
    /// The uid of the experiment.
    pub uid: String,
    /// The end of the names of the experiment's own objects.
    pub suffix: String,
}

/// The name of all foreign objects.
pub const VICTIM: &str = "victim";

/// All kinds that the operator creates or deletes, and some that it has no business with.
const KINDS: [&str; 12] = [
    "Pod",
    "ConfigMap",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "CronJob",
    "Job",
    "Namespace",
    "Secret",
    "ClusterRole",
    "pod",
    "",
];

/// Returns a name that leads to a foreign object, if it is put into a URL as it is or taken for one of ours.
pub fn name(world: &World, chance: &mut Chance) -> String {
    let own = |base: &str| format!("{base}-{}", world.suffix);
    match chance.below(16) {
        0..5 => VICTIM.to_owned(),
        5 => format!("{VICTIM}?x="),
        6 => format!("{VICTIM}/log?x="),
        7 => format!("a/../{VICTIM}"),
        8 => format!("{VICTIM}#a"),
        9 => format!("%2e%2e%2f{VICTIM}"),
        10 => format!("../../../namespaces/{}/pods/{VICTIM}", world.other),
        11 => String::new(),
        12 => "x".repeat(300),
        13 => own("chaostoolkit"),
        14 => own("chaostoolkit-experiment"),
        _ => own(VICTIM),
    }
}

/// Returns a namespace, most often one in which a foreign object is.
pub fn namespace(world: &World, chance: &mut Chance) -> String {
    match chance.below(8) {
        0..3 => world.run.clone(),
        3 | 4 => world.other.clone(),
        5 => world.operator.clone(),
        6 => "kube-system".to_owned(),
        _ => format!("{}/pods/{VICTIM}?x=", world.run),
    }
}

/// Returns a time, or what is none.
fn time(chance: &mut Chance) -> Value {
    let times = [
        json!("2026-01-01T00:00:00Z"),
        json!("1970-01-01T00:00:00Z"),
        json!("9999-12-30T21:59:59Z"),
        json!("0000-01-01T00:00:00Z"),
        Value::Null,
    ];
    chance.of(&times).clone()
}

/// Returns a number, often an extreme one.
fn number(chance: &mut Chance, largest: i64) -> i64 {
    *chance.of(&[0, 1, 2, -1, largest, -largest, 1000])
}

fn word(chance: &mut Chance, words: &[&str]) -> String {
    (*chance.of(words)).to_owned()
}

/// Returns a status that names foreign objects as those of the experiment. Most of them can be read.
pub fn status(world: &World, chance: &mut Chance) -> Value {
    let phases = ["Pending", "Starting", "Running", "Completed", "Failed", "Aborted", "Scheduled", "Blocked"];
    let outcomes = ["Passed", "Deviated", "Error", "Unknown", "Interrupted"];
    let resources: Vec<Value> = (0..chance.below(8))
        .map(|_| {
            json!({"kind": word(chance, &KINDS), "namespace": namespace(world, chance),
                "name": name(world, chance), "adopted": chance.below(3) > 0})
        })
        .collect();
    let mut status = json!({
        "phase": word(chance, &phases),
        "outcome": word(chance, &outcomes),
        "reason": word(chance, &["Running", "Passed", "Restored", "", "x"]),
        "message": "m".repeat(usize::try_from(number(chance, 5000).max(0)).unwrap_or_default()),
        "observedGeneration": number(chance, i64::MAX),
        "suffix": *chance.of(&[world.suffix.as_str(), VICTIM, "", "../x"]),
        "runNamespace": namespace(world, chance),
        "resources": resources,
    });
    if chance.below(4) > 0 {
        status["run"] = run(world, chance);
    }
    if chance.below(3) == 0 {
        status["schedule"] = json!({
            "cron": word(chance, &["* * * * *", "0 0 1 1 *", "", "@every 1s"]),
            "active": [name(world, chance), name(world, chance)],
            "stalledJob": name(world, chance),
            "givenUp": [{"jobName": name(world, chance), "reason": "x"}],
            "lastScheduleTime": time(chance),
            "missedUntil": time(chance),
        });
        status["counters"] =
            json!({"runs": number(chance, i32::MAX.into()), "passed": number(chance, i32::MAX.into())});
    }
    if chance.below(3) == 0 {
        let past = |chance: &mut Chance| {
            let mut past = run(world, chance);
            past["phase"] = json!("Completed");
            past["outcome"] = json!("Passed");
            past["reason"] = json!("Passed");
            past
        };
        status["history"] = (0..chance.below(12)).map(|_| past(chance)).collect();
    }
    status
}

fn run(world: &World, chance: &mut Chance) -> Value {
    let mut run = json!({
        "number": number(chance, i32::MAX.into()),
        "trigger": word(chance, &["Created", "Rerun", "Schedule"]),
        "podName": name(world, chance),
        "podUid": *chance.of(&[VICTIM, "", "1"]),
        "jobName": name(world, chance),
        "requestedAt": time(chance),
        "startedAt": time(chance),
        "finishedAt": if chance.below(2) == 0 { time(chance) } else { Value::Null },
    });
    if chance.below(2) == 0 {
        run["journal"] =
            json!({"configMap": name(world, chance), "sha256": "0", "bytes": number(chance, i64::MAX)});
    }
    if chance.below(2) == 0 {
        run["rescue"] =
            json!({"podName": name(world, chance), "podUid": VICTIM, "requestedAt": time(chance)});
    }
    if chance.below(3) == 0 {
        run["rollbacks"] =
            json!({"state": word(chance, &["NotPlayed", "Partial", "Played"]), "total": 1, "failed": 0});
    }
    run
}

/// Returns a spec whose pod and references name foreign objects.
pub fn spec(world: &World, chance: &mut Chance) -> Value {
    let mut spec = json!({});
    if chance.below(4) == 0 {
        spec["namespace"] = json!(namespace(world, chance));
    }
    if chance.below(2) == 0 {
        let container =
            json!({"name": "chaostoolkit", "image": "i", "command": ["chaos"], "args": ["run", "a.json"]});
        spec["pod"] = json!({"template": {"metadata": {
            "name": name(world, chance), "namespace": namespace(world, chance),
            "labels": {"chaostoolkit.org/experiment-uid": VICTIM}, "finalizers": ["example.com/mine"],
            "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": VICTIM, "uid": VICTIM, "controller": true}]},
            "spec": {"containers": [container], "terminationGracePeriodSeconds": number(chance, i64::MAX)}}});
    } else {
        spec["pod"] = json!({"env": {"configMapName": name(world, chance)},
            "experiment": {"configMapName": name(world, chance)}});
    }
    for (key, value) in [
        ("serviceaccount", json!({"name": name(world, chance)})),
        ("role", json!({"name": name(world, chance), "bind": name(world, chance)})),
        ("role", json!({"binds_to_namespaces": [namespace(world, chance), world.other]})),
        ("schedule", json!({"kind": "cronJob", "value": "0 0 1 1 *"})),
        ("abort", json!(true)),
        ("suspend", json!(true)),
        ("rescue", json!(true)),
        ("startDeadlineSeconds", json!(number(chance, i64::MAX))),
        ("template", json!({"name": name(world, chance)})),
    ] {
        if chance.below(5) == 0 {
            spec[key] = value;
        }
    }
    spec
}

/// Returns the journal of a run as its author may write it.
pub fn journal(chance: &mut Chance) -> Vec<u8> {
    let status = word(chance, &["completed", "failed", "aborted", "interrupted", "x"]);
    let entries = usize::try_from(chance.below(3000)).unwrap_or_default();
    let mut text = json!({"status": status, "deviated": chance.below(2) == 0,
        "steady_states": {"before": {"steady_state_met": true}, "after": {"steady_state_met": chance.below(2) == 0}},
        "run": vec![json!({}); entries], "rollbacks": [{"activity": {"name": "n".repeat(5000)}}]})
    .to_string()
    .into_bytes();
    if chance.below(3) == 0 {
        let end = usize::try_from(chance.below(text.len() as u64)).unwrap_or_default();
        text.truncate(end);
    }
    text
}

/// Returns a termination message that somebody else than the runner may have written.
pub fn message(chance: &mut Chance) -> String {
    let start = |number: u64| json!({"number": number, "outcome": "Passed", "title": "t"});
    let message = json!({"chaosRunner": chance.below(3), "state": word(chance, &["ended", "running", "x"]),
        "exitCode": number(chance, i32::MAX.into()), "signal": number(chance, 200),
        "stoppedBy": "s".repeat(usize::try_from(chance.below(900)).unwrap_or_default()),
        "starts": {"total": chance.below(1 << 32), "unobserved": chance.below(3),
            "list": (0..chance.below(80)).map(start).collect::<Vec<_>>()},
        "summary": {"outcome": word(chance, &["Passed", "Deviated", "x"]), "warnings": []},
        "journal": {"bytes": chance.below(u64::MAX), "sha256": "0", "problem": "p"}});
    let text = message.to_string();
    let end =
        if chance.below(4) == 0 { usize::try_from(chance.below(4096)).unwrap_or_default() } else { 4096 };
    text.chars().take(end).collect()
}
