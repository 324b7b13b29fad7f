//! `cleanup` after the service account of the operator is gone, which the policies need.

use std::process::Command;

use chaostoolkit_api::Phase;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use serde_json::json;

use crate::common::operator::Operator;
use crate::common::{
    delete_and_wait, eventually, experiment, kubectl, pod_of, report_container, terminated, wait_for_phase,
};
use crate::policed::{Policed, paste};

/// Runs `cleanup` in a namespace. Returns the exit code and the text.
fn cleanup(namespace: &str) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chaostoolkit-operator"));
    let output = command.args(["cleanup", "-n", namespace, "--yes", "--timeout", "5"]).output().unwrap();
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[tokio::test]
#[ignore = "needs an API server with MutatingAdmissionPolicy"]
async fn cleanup_has_the_command_that_helps_once_the_account_of_the_operator_is_gone() {
    let policed = Policed::new("accountless").await;
    let install = &policed.install;
    let home = install.namespace.as_str();
    let operator = Operator::start_checked(install).await;
    install.apply_experiment("exp", json!({})).await;
    report_container(&install.pods(), &pod_of(install, "exp").await, terminated(0)).await;
    wait_for_phase(&install.experiments(), "exp", Phase::Completed).await;
    operator.kill();
    let accounts = Api::<ServiceAccount>::namespaced(install.client.clone(), home);
    delete_and_wait(&accounts, home).await;
    let trial = experiment("trial", json!({})).to_string();
    eventually("nobody can create experiments", async || {
        let (created, text) = kubectl(&["-n", home, "create", "--dry-run=server", "-f", "-"], &trial);
        (!created && text.contains("no params found")).then_some(())
    })
    .await;

    let (code, text) = cleanup(home);
    assert_eq!(code, Some(1), "{text}");
    let told = "the service account of the operator is gone";
    let line = text.lines().find(|line| line.starts_with(told)).unwrap_or_else(|| panic!("{text}"));
    let (_, command) = line.split_once("delete their bindings: ").unwrap();
    let (deleted, text) = paste(command);
    assert!(deleted, "{command}: {text}");
    eventually("the cleanup is complete", async || {
        let (code, text) = cleanup(home);
        (code == Some(0) && text.contains("cleaned up") || text.contains("nothing to clean up")).then_some(())
    })
    .await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}
