//! Runs that are stopped while their fault is in place, with a real fault on a real node. The rollbacks decide in
//! which state the system is left. They call the API server, so the run must keep its rights until they are over.

use std::time::Duration;

use chaostoolkit_api::condition::{Type, find};
use chaostoolkit_api::{Outcome, Phase, Status, Warning};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use rstest::rstest;
use serde_json::{Value, json};

use crate::common::install::Install;
use crate::common::operator::Operator;
use crate::common::{
    condition_of, create, delete, kubectl, status_of, wait_for_action, wait_for_phase, wait_until_gone,
    within,
};
use crate::experiments::{process, python, well};

/// The pod that the experiment kills, and the pod that its rollback removes. The second one shows that the rollback
/// was played.
const VICTIM: &str = "victim";
const FAULT: &str = "fault";

/// Returns an action that deletes the pods with this label.
fn terminate(install: &Install, label: &str) -> Value {
    let selector = format!("role={label}");
    python(
        "chaosk8s.pod.actions",
        "terminate_pods",
        json!({"ns": install.run_namespace, "label_selector": selector, "all": true, "grace_period": 0}),
    )
}

/// Returns an experiment that kills a pod and then does `then`. Its rollback removes the pod that stands for the
/// fault.
fn kills_a_pod(install: &Install, then: Value) -> Value {
    well(vec![terminate(install, VICTIM), then], vec![terminate(install, FAULT)])
}

async fn bystander(pods: &Api<Pod>, name: &str, image: &str) {
    let container = json!({"name": "c", "image": image, "imagePullPolicy": "IfNotPresent",
        "command": ["sleep", "3600"], "resources": {"requests": {"cpu": "1m"}, "limits": {"cpu": "50m", "memory": "32Mi"}}});
    let pod = json!({"metadata": {"name": name, "labels": {"role": name}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0}});
    create(pods, pod).await;
}

struct World {
    install: Install,
    operator: Operator,
    pods: Api<Pod>,
}

/// Creates a world with both pods and starts an experiment that kills the victim.
async fn world(test: &str, image: &str, then: Value, mut spec: Value) -> World {
    let install = Install::new(test).await;
    install.with_experiment("{}").await;
    let pods = install.pods();
    for name in [VICTIM, FAULT] {
        bystander(&pods, name, image).await;
    }
    let operator = Operator::start(&install).await;
    spec["experiment"] = kills_a_pod(&install, then);
    spec["pod"] = json!({"image": image});
    install.apply_experiment("exp", spec).await;
    World { install, operator, pods }
}

impl World {
    /// Waits until the fault is injected and the run is still in progress.
    async fn is_in_the_middle(&self) {
        let pod = within(Duration::from_secs(120), "the run has started", async || {
            let found = status_of(&self.install, "exp").await;
            found.run.filter(|run| run.started_at.is_some()).map(|run| run.pod_name)
        })
        .await;
        wait_for_action(&self.install, &pod, "sleep").await;
        wait_until_gone(&self.pods, VICTIM).await;
        assert!(self.pods.get_opt(FAULT).await.unwrap().is_some(), "nothing is rolled back yet");
    }

    fn patch(&self, patch: &Value) {
        let namespace = &self.install.namespace;
        let patch = patch.to_string();
        let (is_ok, text) =
            kubectl(&["-n", namespace, "patch", "ctk", "exp", "--type=merge", "-p", &patch], "");
        assert!(is_ok, "{text}");
    }

    async fn has(&self, condition: Type, wanted: &str) -> Status {
        within(Duration::from_secs(180), &format!("{condition:?} is {wanted}"), async || {
            let found = status_of(&self.install, "exp").await;
            (condition_of(&found, condition) == wanted).then_some(found)
        })
        .await
    }
}

fn long() -> Value {
    process("sleep", json!(["600"]))
}

#[rstest]
#[case::chaos_toolkit_1_19("chaostoolkit/chaostoolkit:latest")]
#[case::chaos_toolkit_1_21("chaostoolkit/chaostoolkit:1.21.4")]
#[tokio::test]
#[ignore = "needs a node"]
async fn an_abort_leaves_the_system_as_the_rollbacks_say(#[case] image: &str) {
    let world = world("abort", image, long(), json!({})).await;
    world.is_in_the_middle().await;
    world.patch(&json!({"spec": {"abort": true}}));
    let ended = world.has(Type::Finished, "True/AbortRequested").await;
    assert_eq!((ended.phase, ended.outcome), (Some(Phase::Aborted), Some(Outcome::Interrupted)));
    assert_eq!(condition_of(&ended, Type::RolledBack), "True/RollbacksPlayed");
    assert_eq!(ended.warnings, [], "there are no warnings");
    wait_until_gone(&world.pods, FAULT).await;
    // A rerun uses the changed spec.
    world.patch(&json!({"spec": {"abort": null, "experiment": well(vec![], vec![])},
        "metadata": {"annotations": {"chaostoolkit.org/rerun": "1"}}}));
    let ended = wait_for_phase(&world.install.experiments(), "exp", Phase::Completed).await;
    let run = ended.run.unwrap();
    assert_eq!((run.number, ended.outcome, ended.history.len()), (2, Some(Outcome::Passed), 1));
    assert!(run.pod_name.ends_with("-2"), "{}", run.pod_name);
    world.operator.kill();
}

#[rstest]
#[case::chaos_toolkit_1_19("chaostoolkit/chaostoolkit:latest")]
#[case::chaos_toolkit_1_21("chaostoolkit/chaostoolkit:1.21.4")]
#[tokio::test]
#[ignore = "needs a node"]
async fn deleting_an_experiment_plays_the_rollbacks_before_it_takes_their_rights_away(#[case] image: &str) {
    let world = world("delabort", image, long(), json!({})).await;
    world.is_in_the_middle().await;
    delete(&world.install.experiments(), "exp").await;
    wait_until_gone(&world.install.experiments(), "exp").await;
    assert!(world.pods.get_opt(FAULT).await.unwrap().is_none(), "the rollbacks have deleted the pod");
    let left = world.install.left_behind().await;
    assert!(left.is_empty(), "{left:?}");
}

#[rstest]
#[case::chaos_toolkit_1_19("chaostoolkit/chaostoolkit:latest")]
#[case::chaos_toolkit_1_21("chaostoolkit/chaostoolkit:1.21.4")]
#[tokio::test]
#[ignore = "needs a node"]
async fn a_run_that_is_killed_is_rescued(#[case] image: &str) {
    let kill = process("sh", json!(["-c", "kill -9 $PPID"]));
    let world = world("rescue", image, kill, json!({"rescue": true})).await;
    let ended = world.has(Type::RolledBack, "True/RescuePlayed").await;
    assert_eq!((ended.phase, ended.outcome), (Some(Phase::Failed), Some(Outcome::Error)));
    assert_eq!(find(&ended.conditions, Type::Finished).unwrap().reason, "ToolkitKilled");
    wait_until_gone(&world.pods, FAULT).await;
    let rescue = ended.run.unwrap().rescue.unwrap();
    assert_eq!((rescue.problem, rescue.rollbacks.unwrap().total), (None, 1));
    delete(&world.install.experiments(), "exp").await;
    wait_until_gone(&world.install.experiments(), "exp").await;
    let left = world.install.left_behind().await;
    assert!(left.is_empty(), "{left:?}");
}

/// The first pod cannot play its rollbacks: its time is up.
#[tokio::test]
#[ignore = "needs a node"]
async fn rollbacks_that_take_longer_than_the_grace_are_played_by_another_pod_while_the_experiment_is_deleted()
{
    let image = "chaostoolkit/chaostoolkit:latest";
    let world = world("grace", image, long(), json!({"rescue": true})).await;
    world.is_in_the_middle().await;
    let pod = status_of(&world.install, "exp").await.run.unwrap().pod_name;
    // This is like a node under pressure that gives the toolkit no time.
    let namespace = &world.install.run_namespace;
    delete(&world.install.experiments(), "exp").await;
    let (is_ok, text) =
        kubectl(&["-n", namespace, "delete", "pod", &pod, "--grace-period=1", "--wait=false"], "");
    assert!(is_ok, "{text}");
    wait_until_gone(&world.install.experiments(), "exp").await;
    wait_until_gone(&world.pods, FAULT).await;
    let left = world.install.left_behind().await;
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
#[ignore = "needs a node"]
async fn a_deadline_stops_the_run_and_the_rollbacks_are_played() {
    let image = "chaostoolkit/chaostoolkit:latest";
    let world = world("deadline", image, long(), json!({"activeDeadlineSeconds": 20})).await;
    let ended = world.has(Type::Finished, "True/DeadlineExceeded").await;
    assert_eq!(condition_of(&ended, Type::RolledBack), "True/RollbacksPlayed");
    wait_until_gone(&world.pods, FAULT).await;
}

#[tokio::test]
#[ignore = "needs a node"]
async fn strategies_and_dry_runs_reach_the_toolkit() {
    let image = "chaostoolkit/chaostoolkit:1.21.4";
    let spec =
        json!({"dryRun": "actions", "rollbackStrategy": "never", "hypothesisStrategy": "before-method-only"});
    let world = world("strategy", image, long(), spec).await;
    let ended = wait_for_phase(&world.install.experiments(), "exp", Phase::Completed).await;
    assert!(ended.warnings.contains(&Warning::DryRun), "{:?}", ended.warnings);
    let run = ended.run.unwrap();
    assert_eq!(run.rollbacks.unwrap().strategy.as_deref(), Some("never"));
    assert!(world.pods.get_opt(VICTIM).await.unwrap().is_some(), "a dry run kills nobody");
}
