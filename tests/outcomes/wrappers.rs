//! The toolkit as people start it: by path, from scripts, several times, beside helpers.

use std::time::Duration;

use chaostoolkit_api::condition::Type;
use chaostoolkit_api::{Outcome, Phase};
use futures::future::join_all;
use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use rstest::rstest;
use serde_json::{Value, json};

use crate::cases::{Case, Then, fails, passes};
use crate::common::install::Install;
use crate::common::operator::Operator;
use crate::common::variables::text;
use crate::common::{condition_of, config_map, create, set_up, status_of, wait, within};
use crate::experiments::{breakable, echo, fails_always, process, well};
use crate::play;

/// A program whose name only begins like that of the toolkit. It starts the toolkit.
const SIMILAR: &str = "#!/opt/chaos/bin/python3
import click, subprocess, sys
@click.group()
def cli(): pass
@cli.command('run')
@click.option('-c', required=True)
def run(c): sys.exit(subprocess.run(['chaos', 'run', c]).returncode)
cli()
";

fn files() -> Value {
    let touch = || process("touch", json!(["/tmp/broken"]));
    let mut failing = breakable(vec![touch()]);
    failing["rollbacks"] = json!([fails_always()]);
    json!({
        "1-deviates.json": failing.to_string(),
        "2-passes.json": well(vec![], vec![echo()]).to_string(),
        "bad.json": json!({"title": "no method", "description": "d"}).to_string(),
        "slow.json": well(vec![echo()], vec![process("sleep", json!(["8"])), echo()]).to_string(),
        "background.json": background().to_string(),
        "began.json": began().to_string(),
        "chaosctl": SIMILAR,
    })
}

/// An experiment with an activity in the background that takes longer than the test.
fn background() -> Value {
    let mut load = process("sleep", json!(["600"]));
    load["background"] = json!(true);
    well(vec![load, process("sleep", json!(["599"]))], vec![echo(), echo()])
}

/// A journal as library 1.13 leaves it: the baseline was not met, and an activity of the method had begun all the same.
fn began() -> Value {
    let probe = json!({"activity": {"type": "probe", "name": "well"}, "output": 1, "status": "succeeded", "tolerance_met": false});
    json!({"chaoslib-version": "1.13.0", "platform": "Linux", "node": "n", "experiment": breakable(vec![echo(), echo()]),
        "start": "2020-09-01T00:00:00", "status": "failed", "deviated": false,
        "steady_states": {"before": {"steady_state_met": false, "probes": [probe]}, "after": null, "during": []},
        "run": [{"activity": {"type": "action", "name": "load", "background": true}, "output": null, "status": "succeeded"}],
        "rollbacks": [], "end": "2020-09-01T00:00:05", "duration": 5.0})
}

/// Returns a spec with a pod that runs this command with these arguments.
fn pod(command: &[&str], args: &[&str]) -> Value {
    json!({"pod": {"template": {"kind": "Pod", "metadata": {"name": "own"}, "spec": {
        "volumes": [{"name": "x", "configMap": {"name": "own", "defaultMode": 0o555}}],
        "containers": [{"name": "chaostoolkit", "image": "chaostoolkit/chaostoolkit", "command": command, "args": args,
            "volumeMounts": [{"name": "x", "mountPath": "/x"}]}]}}}})
}

fn bash(script: &str) -> Value {
    pod(&["bash", "-c"], &[script])
}

#[allow(clippy::too_many_lines, reason = "a table")]
fn cases() -> Vec<Case> {
    let deviates = |name, spec| Case {
        outcome: Outcome::Deviated,
        reason: "Deviated",
        warnings: &["RollbackFailed"],
        rolled_back: "False/RollbackFailed",
        ..passes(name, spec)
    };
    let passes = |name, spec| Case { rolled_back: "True/RollbacksPlayed", ..passes(name, spec) };
    let path = "/opt/chaos/bin/chaos run /x/1-deviates.json";
    let validates = |name, line: &str, phase, outcome, reason| Case {
        phase,
        toolkit: false,
        ..fails(name, bash(line), outcome, reason)
    };
    vec![
        deviates("by-path", pod(&["/bin/sh", "-c"], &[&format!("{path} && exit $?")])),
        passes(
            "by-path-passes",
            pod(&["/bin/sh", "-c"], &["/opt/chaos/bin/chaos run /x/2-passes.json && exit $?"]),
        ),
        Case {
            shows: &[("/message", "method")],
            ..fails(
                "by-path-is-invalid",
                pod(&["/bin/sh", "-c"], &["/opt/chaos/bin/chaos run /x/bad.json && exit $?"]),
                Outcome::Invalid,
                "ExperimentInvalid",
            )
        },
        deviates("in-a-venv", bash(". /opt/chaos/bin/activate; chaos run /x/1-deviates.json")),
        deviates("path-of-its-own", bash("export PATH=/opt/chaos/bin:$PATH; chaos run /x/1-deviates.json")),
        deviates("login-shell", pod(&["bash", "-lc"], &[&format!("chaos run /x/1-deviates.json || {path}")])),
        deviates("as-a-module", bash("/opt/chaos/bin/python3 -m chaostoolkit run /x/1-deviates.json")),
        passes("named-like-chaos", pod(&["/x/chaosctl", "run", "-c"], &["/x/2-passes.json"])),
        passes("journal-read-after", bash("set -e; cd /tmp; chaos run /x/2-passes.json; wc -c journal.json")),
        Case {
            shows: &[("/message", "the command exited with code 3")],
            ..passes(
                "script-fails-after",
                bash("cd /tmp; chaos run /x/2-passes.json; test -s journal.json && exit 3"),
            )
        },
        Case {
            shows: &[
                ("/run/runs/0/outcome", "Deviated"),
                ("/run/runs/1/outcome", "Passed"),
                ("/run/runs/1/rollbacks", "Played"),
            ],
            ..deviates("two-runs", bash("for f in /x/[12]-*.json; do chaos run $f; done"))
        },
        Case {
            shows: &[("/run/runs/1/title", "A test")],
            ..deviates(
                "side-by-side",
                bash("chaos run /x/2-passes.json & /opt/chaos/bin/chaos run /x/1-deviates.json & wait"),
            )
        },
        Case {
            shows: &[("/run/runs/1/title", "A test")],
            ..deviates(
                "forks-and-leaves",
                bash("(setsid chaos run /x/1-deviates.json &); chaos run /x/2-passes.json"),
            )
        },
        Case {
            shows: &[("/message", "chaos validate")],
            ..validates(
                "validate-in-bash",
                "chaos validate /x/2-passes.json",
                Phase::Completed,
                Outcome::Unknown,
                "SubcommandCompleted",
            )
        },
        Case {
            shows: &[("/message", "chaos info")],
            ..validates(
                "info-in-bash",
                "chaos info core",
                Phase::Completed,
                Outcome::Unknown,
                "SubcommandCompleted",
            )
        },
        Case {
            shows: &[("/message", "chaos --help")],
            ..validates(
                "help-in-bash",
                "chaos --help",
                Phase::Completed,
                Outcome::Unknown,
                "SubcommandCompleted",
            )
        },
        Case {
            outcome: Outcome::BaselineNotMet,
            reason: "BaselineNotMet",
            rolled_back: "Unknown/NoRollbacks",
            toolkit: false,
            shows: &[("/message", "1 of 2 activities of it were started anyway")],
            ..passes(
                "method-began-all-the-same",
                bash(
                    "chaos run --journal-path /tmp/j.json /x/2-passes.json; cat /x/began.json >/tmp/j.json; exit 1",
                ),
            )
        },
        Case {
            then: Then::DeletedAfter("Let's rollback"),
            ..passes("rollbacks-in-a-pipe", bash("chaos run /x/slow.json 2>&1 | tee /tmp/log"))
        },
        Case {
            then: Then::DeletedAfter("Action: sleep [\"599\"]"),
            phase: Phase::Aborted,
            outcome: Outcome::Interrupted,
            reason: "PodDeleted",
            ..passes("background", pod(&["chaos"], &["run", "/x/background.json"]))
        },
    ]
}

/// The toolkit is found however a container starts it, in several versions.
#[rstest]
#[case::chaos_toolkit_1_9("1.9.4", "1.9.4")]
#[case::chaos_toolkit_1_19("latest", "1.19.0")]
#[case::chaos_toolkit_1_21("1.21.4", "1.21.4")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a node"]
async fn however_the_toolkit_is_started_its_verdict_counts(#[case] tag: &str, #[case] version: &str) {
    let install = Install::new("wrappers").await;
    install.with_experiment("{}").await;
    create(&install.config_maps(&install.run_namespace), config_map("own", files())).await;
    let _operator = Operator::start(&install).await;
    let image = format!("chaostoolkit/chaostoolkit:{tag}");
    let wanted = text("CASE");
    let cases: Vec<Case> =
        cases().into_iter().filter(|case| wanted.as_deref().is_none_or(|one| case.name == one)).collect();
    let wrong: Vec<String> =
        join_all(cases.iter().map(|case| play(&install, case, &image, version))).await.concat();
    assert!(wrong.is_empty(), "Chaos Toolkit {version}:\n{}", wrong.join("\n"));
}

/// A helper goes on after the toolkit has ended. The run ends, the pod is ended after the grace, and its logs stay.
#[rstest]
#[case::chaos_toolkit_1_9("1.9.4")]
#[case::chaos_toolkit_1_19("latest")]
#[case::chaos_toolkit_1_21("1.21.4")]
#[tokio::test]
#[ignore = "needs a node"]
async fn a_helper_that_never_ends_does_not_keep_a_run(#[case] tag: &str) {
    let (install, _operator) = set_up("helper").await;
    create(&install.config_maps(&install.run_namespace), config_map("own", files())).await;
    let mut spec = pod(&["chaos"], &["run", "/x/2-passes.json"]);
    spec["pod"]["template"]["spec"]["containers"][0]["image"] =
        json!(format!("chaostoolkit/chaostoolkit:{tag}"));
    let script =
        "echo helper is up; trap 'echo helper was asked to stop; exit 0' TERM; while :; do sleep 1; done";
    let helper = json!({"name": "helper", "image": "chaostoolkit/chaostoolkit", "imagePullPolicy": "IfNotPresent",
        "command": ["bash", "-c", script]});
    spec["pod"]["template"]["spec"]["containers"].as_array_mut().unwrap().push(helper);
    spec["report"] = json!({"helperGraceSeconds": 5});
    install.apply_experiment("exp", spec).await;
    let ended = within(Duration::from_secs(180), "the run has ended", async || {
        let status = status_of(&install, "exp").await;
        condition_of(&status, Type::Finished).starts_with("True/").then_some(status)
    })
    .await;
    assert_eq!(ended.outcome, Some(Outcome::Passed), "{ended:#?}");
    let run = ended.run.unwrap();
    wait(&install.pods(), &run.pod_name, "ended", |pod: Option<&Pod>| {
        let phase = pod.and_then(|pod| pod.status.as_ref()?.phase.clone());
        phase.is_some_and(|phase| phase == "Failed" || phase == "Succeeded")
    })
    .await;
    let parameters = LogParams { container: Some("helper".into()), ..LogParams::default() };
    let log = install.pods().logs(&run.pod_name, &parameters).await.unwrap();
    assert!(log.contains("helper was asked to stop"), "{log}");
    let after = status_of(&install, "exp").await;
    assert_eq!((after.phase, after.outcome), (Some(Phase::Completed), Some(Outcome::Passed)));
}
