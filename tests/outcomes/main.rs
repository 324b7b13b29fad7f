//! What runs find, on a real node with the real Chaos Toolkit of two versions: each case is an experiment and what has to be
//! on its status. The journal of each is read back and compared with the fingerprint that the runner took of the file.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]
#![allow(clippy::needless_pass_by_value, reason = "tables of cases are easier to read with values")]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use chaostoolkit_journal::frame;
use chaostoolkit_operator::api::condition::{Type, find};
use chaostoolkit_operator::api::{Outcome, Phase, Status};
use common::install::Install;
use common::operator::Operator;
use common::{
    condition_of, config_map, create, delete, eventually, kubectl, status, wait_for_reason, within,
};
use futures::future::join_all;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{ListParams, LogParams};
use rstest::rstest;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What happens to a pod during its run, other than what the experiment does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    Nothing,
    /// It is deleted as soon as its container runs.
    DeletedAtOnce,
    /// It is deleted once its log says this.
    DeletedAfter(&'static str),
}

struct Case {
    name: &'static str,
    spec: Value,
    then: Then,
    phase: Phase,
    outcome: Outcome,
    reason: &'static str,
    warnings: &'static [&'static str],
    /// `RolledBack`, as `Status/Reason`.
    rolled_back: &'static str,
    /// Whether there is a journal.
    journal: bool,
}

/// A run that passes, with nothing to roll back: what the other cases differ from.
fn passes(name: &'static str, spec: Value) -> Case {
    Case {
        name,
        spec,
        then: Then::Nothing,
        phase: Phase::Completed,
        outcome: Outcome::Passed,
        reason: "Passed",
        warnings: &[],
        rolled_back: "Unknown/NoRollbacks",
        journal: true,
    }
}

/// A run that ends without a journal.
fn fails(name: &'static str, spec: Value, outcome: Outcome, reason: &'static str) -> Case {
    let rolled_back = "Unknown/NoJournal";
    Case { phase: Phase::Failed, outcome, reason, rolled_back, journal: false, ..passes(name, spec) }
}

fn process(path: &str, arguments: Value) -> Value {
    json!({"type": "action", "name": format!("{path} {arguments}"),
        "provider": {"type": "process", "path": path, "arguments": arguments}})
}

fn python(module: &str, function: &str, arguments: Value) -> Value {
    json!({"type": "action", "name": format!("{module}.{function}"),
        "provider": {"type": "python", "module": module, "func": function, "arguments": arguments}})
}

/// An experiment whose steady state is that this process exits with 0.
fn judged_by(probe: (&str, Value), method: Vec<Value>, rollbacks: Vec<Value>) -> Value {
    let (path, arguments) = probe;
    json!({"title": "A test", "description": "of the operator", "method": method, "rollbacks": rollbacks,
        "steady-state-hypothesis": {"title": "all is well", "probes": [{"type": "probe", "name": "well",
            "tolerance": 0, "provider": {"type": "process", "path": path, "arguments": arguments}}]}})
}

fn well(method: Vec<Value>, rollbacks: Vec<Value>) -> Value {
    judged_by(("true", json!([])), method, rollbacks)
}

/// Holds until `/tmp/broken` exists.
fn breakable(method: Vec<Value>) -> Value {
    judged_by(("test", json!(["!", "-e", "/tmp/broken"])), method, vec![])
}

fn inline(experiment: &Value) -> Value {
    json!({"experiment": experiment})
}

/// A pod of the author's own that runs the experiment of the `ConfigMap` called `own`.
fn own_pod(spec: &Value, container: &Value) -> Value {
    let mut pod = json!({"kind": "Pod", "metadata": {"name": "own"}, "spec": {
        "volumes": [{"name": "x", "configMap": {"name": "own"}}],
        "containers": [{"name": "chaostoolkit", "image": "chaostoolkit/chaostoolkit", "command": ["chaos"],
            "args": ["run", "/x/sleep.json"], "volumeMounts": [{"name": "x", "mountPath": "/x"}]}],
    }});
    for (to, from) in [("/spec", spec), ("/spec/containers/0", container)] {
        let to = pod.pointer_mut(to).unwrap().as_object_mut().unwrap();
        to.extend(from.as_object().unwrap().clone());
    }
    json!({"pod": {"template": pod}})
}

fn echo() -> Value {
    process("echo", json!(["hello"]))
}

fn fails_always() -> Value {
    python("os", "stat", json!({"path": "/does/not/exist"}))
}

/// Writes what a run that has passed would leave over the termination message.
fn forge() -> Value {
    let message =
        r#"{"chaosRunner":1,"state":"ended","exitCode":0,"summary":{"outcome":"Passed","conclusive":true}}"#;
    process("python3", json!(["-c", format!("open('/dev/termination-log', 'w').write({message:?})")]))
}

#[allow(clippy::too_many_lines, reason = "a table")]
fn cases() -> Vec<Case> {
    let sleep = || python("subprocess", "run", json!({"args": ["sleep", "600"]}));
    let touch = |file: &str| process("touch", json!([file]));
    let always_on = json!({"hypothesis": {"strategy": "continuously"}});
    let mut during = breakable(vec![
        touch("/tmp/broken"),
        process("sleep", json!(["4"])),
        process("rm", json!(["/tmp/broken"])),
    ]);
    during["runtime"] = always_on;
    let aborted = |name, spec, then, rolled_back| Case {
        then,
        phase: Phase::Aborted,
        outcome: Outcome::Interrupted,
        reason: "PodDeleted",
        rolled_back,
        ..passes(name, spec)
    };
    let shell = |script: &str| own_pod(&json!({}), &json!({"command": ["/bin/sh"], "args": ["-c", script]}));
    let inconclusive =
        |name, spec| Case { reason: "Inconclusive", warnings: &["ActivityFailed"], ..passes(name, spec) };
    vec![
        Case {
            rolled_back: "True/RollbacksPlayed",
            ..passes("passed", inline(&well(vec![echo()], vec![echo()])))
        },
        Case {
            outcome: Outcome::Deviated,
            reason: "Deviated",
            ..passes("deviated-after", inline(&breakable(vec![touch("/tmp/broken")])))
        },
        Case { outcome: Outcome::Deviated, reason: "Deviated", ..passes("deviated-during", inline(&during)) },
        Case {
            outcome: Outcome::BaselineNotMet,
            reason: "BaselineNotMet",
            ..passes("baseline", inline(&judged_by(("false", json!([])), vec![echo()], vec![])))
        },
        inconclusive("action-failed", inline(&well(vec![fails_always()], vec![]))),
        inconclusive(
            "action-forbidden",
            inline(&well(
                vec![python(
                    "chaosk8s.pod.actions",
                    "terminate_pods",
                    json!({"ns": "default", "label_selector": "nobody=here"}),
                )],
                vec![],
            )),
        ),
        Case {
            rolled_back: "False/RollbackFailed",
            warnings: &["RollbackFailed"],
            ..passes("rollback-failed", inline(&well(vec![echo()], vec![fails_always()])))
        },
        Case {
            warnings: &["NoHypothesis"],
            ..passes("no-hypothesis", inline(&json!({"title": "t", "description": "d", "method": [echo()]})))
        },
        fails(
            "invalid",
            inline(&json!({"description": "d", "method": []})),
            Outcome::Invalid,
            "ExperimentInvalid",
        ),
        fails(
            "missing-module",
            inline(&well(vec![python("nobody.has.this", "f", json!({}))], vec![])),
            Outcome::Invalid,
            "ExperimentInvalid",
        ),
        fails(
            "wrong-flag",
            json!({"experiment": well(vec![], vec![]),
            "pod": {"chaosArgs": ["run", "--no-such-flag", "$(EXPERIMENT_PATH)"]}}),
            Outcome::Invalid,
            "ArgumentsInvalid",
        ),
        fails(
            "killed",
            inline(&well(vec![process("sh", json!(["-c", "kill -9 $PPID"]))], vec![])),
            Outcome::Error,
            "ToolkitKilled",
        ),
        fails(
            "out-of-memory",
            // In the toolkit itself: a process of its own would be killed alone, and the toolkit go on.
            inline(&well(
                vec![python(
                    "timeit",
                    "repeat",
                    json!({"stmt": "x = [0] * 400_000_000", "repeat": 1, "number": 1}),
                )],
                vec![],
            )),
            Outcome::Error,
            "OOMKilled",
        ),
        Case {
            // It may have come to its journal: Python starts in a second.
            journal: false,
            ..aborted("stopped-loading", inline(&well(vec![sleep()], vec![])), Then::DeletedAtOnce, "")
        },
        aborted(
            "stopped-in-python",
            inline(&well(vec![sleep(), touch("/tmp/next")], vec![echo(), echo()])),
            Then::DeletedAfter("Action: subprocess.run"),
            "True/RollbacksPlayed",
        ),
        aborted(
            "stopped-in-process",
            inline(&well(vec![process("sleep", json!(["600"])), echo()], vec![echo(), echo()])),
            Then::DeletedAfter("Action: sleep"),
            "True/RollbacksPlayed",
        ),
        Case {
            then: Then::DeletedAfter("Let's rollback"),
            rolled_back: "True/RollbacksPlayed",
            ..passes(
                "stopped-in-rollback",
                inline(&well(vec![echo()], vec![process("sleep", json!(["5"])), echo()])),
            )
        },
        passes(
            "long-journal",
            inline(&well(vec![process("python3", json!(["-c", "print('x' * 5_000_000)"]))], vec![])),
        ),
        Case {
            outcome: Outcome::Deviated,
            reason: "Deviated",
            ..passes("forged", inline(&breakable(vec![touch("/tmp/broken"), forge()])))
        },
        Case {
            phase: Phase::Failed,
            outcome: Outcome::Error,
            reason: "DeadlineExceeded",
            rolled_back: "True/RollbacksPlayed",
            ..passes("deadline", own_pod(&json!({"activeDeadlineSeconds": 8}), &json!({})))
        },
        passes(
            "read-only",
            own_pod(
                &json!({}),
                &json!({"args": ["run", "/x/quick.json"],
            "securityContext": {"readOnlyRootFilesystem": true}}),
            ),
        ),
        passes("in-a-shell", shell("chaos run /x/quick.json && exit $?")),
        Case {
            rolled_back: "Unknown/NoJournal",
            ..fails(
                "cut-short",
                shell(
                    "chaos run --journal-path /tmp/j.json /x/quick.json; head -c 300 /tmp/j.json >/tmp/k; cat /tmp/k >/tmp/j.json",
                ),
                Outcome::Unknown,
                "JournalUnreadable",
            )
        },
        fails(
            "nothing-to-start",
            own_pod(&json!({}), &json!({"command": ["chaos-that-is-not-there"]})),
            Outcome::Error,
            "CommandNotStarted",
        ),
    ]
}

#[rstest]
#[case::chaos_toolkit_1_19("latest", "1.19.0")]
#[case::chaos_toolkit_1_21("1.21.4", "1.21.4")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a node"]
async fn what_runs_find(#[case] tag: &str, #[case] version: &str) {
    let install = Install::new("outcomes").await;
    install.with_experiment("{}").await;
    let maps = install.config_maps(&install.run_namespace);
    let quick = well(vec![echo()], vec![]).to_string();
    let slow = well(vec![process("sleep", json!(["600"]))], vec![echo()]).to_string();
    create(&maps, config_map("own", json!({"quick.json": quick, "sleep.json": slow}))).await;
    let operator = Operator::start(&install).await;
    let image = format!("chaostoolkit/chaostoolkit:{tag}");
    let wanted = std::env::var("CASE").ok();
    let cases: Vec<Case> =
        cases().into_iter().filter(|case| wanted.as_deref().is_none_or(|one| case.name == one)).collect();
    let wrong: Vec<String> =
        join_all(cases.iter().map(|case| play(&install, case, &image, version))).await.concat();
    assert!(wrong.is_empty(), "Chaos Toolkit {version}:\n{}", wrong.join("\n"));
    drop(operator);
}

/// Plays a case, and says what is not as it should be.
async fn play(install: &Install, case: &Case, image: &str, version: &str) -> Vec<String> {
    let mut spec = case.spec.clone();
    match spec.pointer_mut("/pod/template/spec/containers/0/image") {
        Some(own) => *own = json!(image),
        None => spec["pod"]["image"] = json!(image),
    }
    install.apply_experiment(case.name, spec).await;
    happens(install, case).await;
    let ended = within(Duration::from_secs(400), &format!("{} has ended", case.name), async || {
        let found = install.experiments().get_opt(case.name).await.unwrap();
        let status = status(found.as_ref());
        find(&status.conditions, Type::Finished)
            .is_some_and(|finished| finished.status == "True")
            .then_some(status)
    })
    .await;
    let mut wrong = differences(case, &ended, version);
    if case.journal {
        wrong.extend(read_back(install, case, &ended).await);
    }
    wrong
}

async fn happens(install: &Install, case: &Case) {
    if case.then == Then::Nothing {
        return;
    }
    let pod = within(Duration::from_secs(300), &format!("{} runs", case.name), async || {
        let found = install.experiments().get_opt(case.name).await.unwrap();
        let status = status(found.as_ref());
        status.run.filter(|run| run.started_at.is_some()).map(|run| run.pod_name)
    })
    .await;
    if let Then::DeletedAfter(line) = case.then {
        eventually(&format!("{} says {line}", case.name), async || {
            let parameters = LogParams { container: Some("chaostoolkit".into()), ..LogParams::default() };
            install.pods().logs(&pod, &parameters).await.ok()?.contains(line).then_some(())
        })
        .await;
    }
    delete(&install.pods(), &pod).await;
}

fn differences(case: &Case, status: &Status, version: &str) -> Vec<String> {
    let run = status.run.clone().unwrap();
    let warnings: Vec<String> = status.warnings.iter().map(|open| format!("{open:?}")).collect();
    let succeeded = match (case.outcome, case.reason) {
        (Outcome::Passed, "Inconclusive") => "Unknown/Inconclusive".to_owned(),
        (Outcome::Passed, reason) => format!("True/{reason}"),
        (_, reason) => format!("False/{reason}"),
    };
    let no_tail = !case.journal && case.then == Then::Nothing && case.name != "out-of-memory";
    let checks = [
        ("phase", format!("{:?}", status.phase), format!("{:?}", Some(case.phase))),
        ("outcome", format!("{:?}", status.outcome), format!("{:?}", Some(case.outcome))),
        ("reason", status.reason.clone().unwrap_or_default(), case.reason.to_owned()),
        ("warnings", format!("{warnings:?}"), format!("{:?}", case.warnings)),
        ("Finished", condition_of(status, Type::Finished), format!("True/{}", case.reason)),
        ("Succeeded", condition_of(status, Type::Succeeded), succeeded),
        ("RolledBack", condition_of(status, Type::RolledBack), case.rolled_back.to_owned()),
        ("has a log", (run.log_tail.is_some() || !no_tail).to_string(), true.to_string()),
        (
            "toolkit",
            run.toolkit.version.clone().unwrap_or_default(),
            if matches!(case.name, "out-of-memory" | "nothing-to-start" | "stopped-loading") {
                run.toolkit.version.clone().unwrap_or_default()
            } else {
                version.to_owned()
            },
        ),
    ];
    let wrong = checks
        .into_iter()
        .filter(|(what, found, wanted)| found != wanted && !(*what == "RolledBack" && wanted.is_empty()));
    let about = format!("({:?}, {:?}, {:?})", status.message, run.exit_code, run.log_tail);
    wrong
        .map(|(what, found, wanted)| format!("{}: {what} is {found} and not {wanted} {about}", case.name))
        .collect()
}

/// Reads the journal from its `ConfigMap` and compares it with what the runner saw of the file.
async fn read_back(install: &Install, case: &Case, ended: &Status) -> Vec<String> {
    let uid = install.experiments().get(case.name).await.unwrap().metadata.uid.unwrap();
    let selector = format!("chaostoolkit.org/experiment-uid={uid},chaostoolkit.org/outcome");
    let maps = install.config_maps(&install.namespace);
    let found: ConfigMap = eventually(&format!("the journal of {} is kept", case.name), async || {
        maps.list(&ListParams::default().labels(&selector)).await.unwrap().items.pop()
    })
    .await;
    let gzip = &found.binary_data.as_ref().unwrap()["journal.json.gz"].0;
    let journal = frame::unzip(gzip, 64 << 20).unwrap();
    let annotations: BTreeMap<String, String> = found.metadata.annotations.clone().unwrap();
    let pod = ended.run.as_ref().unwrap().pod_name.clone();
    let reported = ended.run.as_ref().unwrap().journal.clone();
    let mut wrong = Vec::new();
    let sha256 = format!("{:x}", Sha256::digest(&journal));
    if annotations["chaostoolkit.org/sha256"] != sha256
        || annotations["chaostoolkit.org/bytes"] != journal.len().to_string()
    {
        wrong.push(format!("{}: the journal is not the file that pod {pod} left", case.name));
    }
    if reported.is_some_and(|reported| reported.sha256 != sha256) {
        wrong.push(format!("{}: the status has another fingerprint", case.name));
    }
    if case.name == "long-journal" && journal.len() < 5_000_000 {
        wrong.push(format!("{}: has {} bytes", case.name, journal.len()));
    }
    if case.name.starts_with("stopped-in-p") {
        let journal: Value = serde_json::from_slice(&journal).unwrap();
        if journal["run"].as_array().unwrap().len() > 1 {
            wrong.push(format!("{}: something ran after the activity that was interrupted", case.name));
        }
    }
    wrong
}

#[tokio::test]
#[ignore = "needs a node"]
async fn an_image_without_a_shell_will_do() {
    let install = Install::new("noshell").await;
    install.with_experiment("{}").await;
    let _operator = Operator::start(&install).await;
    let case = passes("no-shell", inline(&well(vec![echo()], vec![])));
    let wrong = play(&install, &case, "chaostoolkit/chaostoolkit:no-shell", "1.19.0").await;
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[tokio::test]
#[ignore = "needs a node"]
async fn a_missing_image_of_the_runner_is_said_and_a_cluster_without_sidecars_has_the_outcome() {
    let install = Install::new("bringer").await;
    install.with_experiment(&well(vec![echo()], vec![]).to_string()).await;
    let operator = Operator::start_with(&install, &["--runner-image", "nobody/has-this:1"]).await;
    install.apply_experiment("missing", json!({})).await;
    let stalled = wait_for_reason(&install.experiments(), "missing", "ImagePullBackOff").await;
    assert!(stalled.message.unwrap().contains("nobody/has-this:1"));
    operator.kill();
    let _operator = Operator::start_with(&install, &["--native-sidecar", "no"]).await;
    install.apply_experiment("old", json!({})).await;
    let status = common::wait_for_phase(&install.experiments(), "old", Phase::Completed).await;
    assert_eq!(status.outcome, Some(Outcome::Passed));
    let journal = status.run.unwrap().journal.unwrap();
    assert!(journal.problem.unwrap().contains("sidecar"), "and says why there is no journal");
    let (_, text) = kubectl(&["-n", &install.namespace, "get", "ctk", "old", "--output", "wide"], "");
    for word in ["Completed", "Passed", "NoneDeclared"] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
}
