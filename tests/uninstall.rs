//! Uninstallation: `chaostoolkit-operator cleanup` without an operator, and what can be deleted afterwards.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by a panic")]

mod common;

use std::process::{Output, Stdio};

use chaostoolkit_api::Phase;
use chaostoolkit_api::names;
use common::install::Install;
use common::operator::Operator;
use common::variables::required;
use common::{
    delete_and_wait, eventually, pod_of, remove_finalizers, report_container, runs, set_up, status_of,
    terminated, wait_for_phase, wait_until_gone, wait_until_stopping,
};
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{Api, ResourceExt};
use serde_json::json;
use tokio::process::Command;
use tokio::sync::{Mutex, MutexGuard};

/// Waits until no other of these tests runs: one of them deletes the definition and all experiments in the cluster.
async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    required("CLUSTER_AUDIT_LOG", "the audit log of a cluster of hack/cluster/up.sh, where nobody minds");
    ALONE.lock().await
}

fn command(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chaostoolkit-operator"));
    command.arg("cleanup").args(flags).stdin(Stdio::null()).kill_on_drop(true);
    command
}

async fn cleanup(flags: &[&str]) -> (Option<i32>, String) {
    told(command(flags).output().await.unwrap())
}

/// Returns the exit code and the text.
fn told(output: Output) -> (Option<i32>, String) {
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

/// Returns an installation whose operator was killed. One run is in progress, one has ended, one is blocked, and one
/// experiment has a schedule.
async fn abandoned(test: &str) -> Install {
    let (install, operator) = set_up(test).await;
    install.apply_experiment("over", json!({})).await;
    report_container(&install.pods(), &pod_of(&install, "over").await, terminated(0)).await;
    wait_for_phase(&install.experiments(), "over", Phase::Completed).await;
    runs(&install, "running", json!({})).await;
    install.apply_experiment("blocked", json!({"pod": {"experiment": {"configMapName": "none"}}})).await;
    wait_for_phase(&install.experiments(), "blocked", Phase::Blocked).await;
    install.apply_experiment("nightly", json!({"schedule": {"kind": "cronJob", "value": "0 3 * * *"}})).await;
    wait_for_phase(&install.experiments(), "nightly", Phase::Scheduled).await;
    operator.kill();
    install
}

async fn held(install: &Install) -> usize {
    let found = install.experiments().list(&kube::api::ListParams::default()).await.unwrap();
    found.items.iter().filter(|one| one.has_finalizer(names::TEARDOWN_FINALIZER)).count()
}

async fn namespace_goes(install: &Install, name: &str) {
    delete_and_wait(&Api::<Namespace>::all(install.client.clone()), name).await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn after_a_cleanup_no_finalizer_holds_anything_and_the_namespaces_go() {
    let _alone = alone().await;
    let install = abandoned("cleanup").await;
    let namespace = install.namespace.as_str();

    let (code, text) = cleanup(&["-n", namespace, "--dry-run"]).await;
    assert_eq!((code, text.lines().count()), (Some(0), 4), "{text}");
    assert!(text.contains(&format!(
        "would clean up experiment {namespace}/running, held by chaostoolkit.org/teardown"
    )));
    let (code, text) = cleanup(&["-n", namespace]).await;
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("nobody is there to ask: say --yes"), "{text}");
    assert_eq!(held(&install).await, 4, "neither command has changed anything");

    // Cleanup stops the run as the operator would, and records its end.
    let name = pod_of(&install, "running").await;
    let flags = ["-n", namespace, "--yes"];
    let play = async {
        wait_until_stopping(&install, &name).await;
        assert!(
            install.left_behind().await.iter().any(|left| left.starts_with("RoleBinding")),
            "the rollbacks need the rights"
        );
        report_container(&install.pods(), &name, terminated(0)).await;
        common::end_grace(&install, &name).await;
    };
    let ((code, text), ()) = tokio::join!(cleanup(&flags), play);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains(&format!("waiting for the runs of {namespace}/running")), "{text}");
    assert!(text.contains("everything is cleaned up\n"), "{text}");
    assert_eq!(held(&install).await, 0);
    assert_eq!(install.left_behind().await, Vec::<String>::new());
    let schedules = Api::<CronJob>::namespaced(install.client.clone(), &install.run_namespace);
    assert_eq!(schedules.list(&kube::api::ListParams::default()).await.unwrap().items.len(), 0);
    let ended = status_of(&install, "running").await;
    assert_eq!((ended.is_finished(), ended.run.unwrap().exit_code), (true, Some(0)));

    let (code, text) = cleanup(&["-n", namespace, "--yes"]).await;
    assert_eq!((code, text.as_str()), (Some(0), "there is nothing to clean up\n"));
    namespace_goes(&install, &install.run_namespace).await;
    namespace_goes(&install, namespace).await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn cleanup_names_what_does_not_end_and_force_releases_it() {
    let _alone = alone().await;
    let install = abandoned("forced").await;
    let namespace = install.namespace.as_str();
    // The namespaces are deleted first, which is the wrong order. They hang, since nobody removes the
    // finalizers.
    for name in [namespace, &install.run_namespace] {
        common::delete(&Api::<Namespace>::all(install.client.clone()), name).await;
    }
    let (code, text) = cleanup(&["-n", namespace, "--yes", "--timeout", "3"]).await;
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains(&format!("left: experiment {namespace}/running")), "{text}");
    assert_eq!(held(&install).await, 1, "{text}");

    let name = pod_of(&install, "running").await;
    let (code, text) = cleanup(&["-n", namespace, "--yes", "--force"]).await;
    assert_eq!(code, Some(0), "{text}");
    // Only the kubelet is missing, and the test plays it.
    common::end_grace(&install, &name).await;
    for name in [namespace, &install.run_namespace] {
        wait_until_gone(&Api::<Namespace>::all(install.client.clone()), name).await;
    }
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn cleanup_refuses_while_an_operator_is_at_work() {
    let _alone = alone().await;
    let install = Install::new("atwork").await;
    install.with_experiment("{}").await;
    let operator = Operator::start_with(&install, &["--leader-elect", "yes"]).await;
    install.apply_experiment("exp", json!({})).await;
    pod_of(&install, "exp").await;
    let (code, text) = cleanup(&["-n", &install.namespace, "--yes"]).await;
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("is at work in namespace"), "{text}");
    assert_eq!(held(&install).await, 1);
    // A lease that a killed operator left behind does not stop the cleanup.
    operator.kill();
    let (code, text) = cleanup(&["-n", &install.namespace, "--yes", "--delete-experiments"]).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(install.experiments().get_opt("exp").await.unwrap().is_none());
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}

/// Somebody removed the finalizers by hand, or deleted the definition. The pods that are left are held, and no
/// experiment knows them.
#[tokio::test]
#[ignore = "needs an API server"]
async fn pods_and_schedules_whose_experiment_is_gone_are_swept_and_what_was_kept_stays() {
    let _alone = alone().await;
    let install = abandoned("orphans").await;
    let name = pod_of(&install, "running").await;
    let kept = pod_of(&install, "over").await;
    for experiment in ["over", "running", "blocked", "nightly"] {
        remove_finalizers(&install.experiments(), experiment).await;
        delete_and_wait(&install.experiments(), experiment).await;
    }
    let rights = rights_left(&install).await;
    assert!(rights.iter().any(|right| right.starts_with("RoleBinding")), "{rights:?}");
    let (code, text) = cleanup(&["-n", &install.namespace, "--yes"]).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains(&format!("done: pod {}/{name}, whose experiment is gone", install.run_namespace)),
        "{text}"
    );
    assert!(text.contains("done: CronJob"), "{text}");
    let pod = install.pods().get(&name).await.unwrap();
    assert!(
        pod.metadata.deletion_timestamp.is_some() && pod.finalizers().is_empty(),
        "the pod is stopping and not held"
    );
    assert!(install.pods().get(&kept).await.unwrap().metadata.deletion_timestamp.is_none());

    // The rights may have been kept on purpose. So they are named, and go only if the user says so.
    for right in &rights {
        assert!(text.contains(&format!("left as it is: {right}, whose experiment is gone; ")), "{text}");
    }
    assert_eq!(rights_left(&install).await, rights);
    let (code, text) = cleanup(&["-n", &install.namespace, "--yes", "--delete-rights"]).await;
    assert_eq!(code, Some(0), "{text}");
    for right in &rights {
        assert!(text.contains(&format!("done: {right}, whose experiment is gone")), "{text}");
    }
    assert_eq!(rights_left(&install).await, Vec::<String>::new());
    assert!(install.pods().get(&kept).await.is_ok(), "nothing else goes");
}

/// The bindings and Roles in the namespace of the runs of an installation, as `cleanup` names them.
async fn rights_left(install: &Install) -> Vec<String> {
    let rights = ["ClusterRoleBinding", "RoleBinding", "Role"];
    let mut left: Vec<String> = Vec::new();
    for (kind, object) in install.labeled(names::UID_LABEL).await {
        if rights.contains(&kind) && object.namespace().as_ref() == Some(&install.run_namespace) {
            left.push(format!("{kind} {}/{}", install.run_namespace, object.name_any()));
        }
    }
    left.sort();
    left
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn after_a_cleanup_of_all_namespaces_the_definition_can_be_deleted() {
    let _alone = alone().await;
    let installs = [abandoned("everywhere").await, abandoned("elsewhere").await];
    let (code, text) = cleanup(&["-A", "--yes", "--force"]).await;
    assert_eq!(code, Some(0), "{text}");
    for install in &installs {
        assert_eq!(held(install).await, 0, "{text}");
    }
    let api = Api::<CustomResourceDefinition>::all(installs[0].client.clone());
    delete_and_wait(&api, "chaosexperiments.chaostoolkit.org").await;
    // Without a definition there are no experiments. That is no error.
    let (code, text) = cleanup(&["-A", "--yes"]).await;
    // Other tests have kept rights on purpose. They are named, and stay.
    let done: Vec<&str> = text.lines().filter(|line| !line.starts_with("left as it is: ")).collect();
    assert_eq!((code, done), (Some(0), vec!["there is nothing to clean up"]));
    // The tests after this one need the definition.
    Install::new("anew").await;
    eventually("the definition is there", async || installs[0].experiments().get_opt("x").await.ok()).await;
}
