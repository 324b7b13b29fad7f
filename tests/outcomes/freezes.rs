//! Freezes on a real node, with the controllers of Kubernetes and the real toolkit.

use std::time::Duration;

use chaostoolkit_api::condition::Type;
use chaostoolkit_api::{Freeze, Outcome, Phase};
use chaostoolkit_journal::RollbackState;
use k8s_openapi::api::batch::v1::Job;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};

use crate::common::install::Install;
use crate::common::operator::{Operator, quiet};
use crate::common::{
    condition_of, create, delete, delete_and_wait, pod_of, set_up, status_of, wait_for_action,
    wait_for_phase, within,
};
use crate::experiments::{echo, inline, process, well};
use crate::schedules::{recorded, schedule};

fn freezes(install: &Install) -> Api<Freeze> {
    Api::namespaced(install.client.clone(), &install.namespace)
}

async fn freeze(install: &Install, spec: Value) {
    create(&freezes(install), json!({"metadata": {"name": "brake"}, "spec": spec})).await;
}

/// Nobody can have known of the freeze when the first Job was made.
#[tokio::test]
#[ignore = "needs a node, and six minutes"]
async fn a_freeze_keeps_a_schedule_from_starting_while_the_operator_is_away_and_for_minutes_after_it_is_back()
{
    let (install, operator) = set_up("freeze").await;
    install.apply_experiment("exp", schedule("* * * * *", inline(&well(vec![echo()], vec![echo()])))).await;
    let before = recorded(&install, 1, Duration::from_secs(180)).await.len();
    operator.kill();
    freeze(&install, json!({"reason": "sale"})).await;
    let jobs = Api::<Job>::namespaced(install.client.clone(), &install.run_namespace);
    within(Duration::from_secs(120), "a Job waits", async || {
        let found = jobs.list(&ListParams::default()).await.unwrap().items;
        found.iter().any(|job| job.spec.as_ref().and_then(|spec| spec.suspend) == Some(true)).then_some(())
    })
    .await;

    let _operator = Operator::start(&install).await;
    quiet(Duration::from_secs(180)).await;
    let found = status_of(&install, "exp").await;
    assert_eq!(condition_of(&found, Type::Startable), "False/Frozen");
    let run = found.history.iter().filter(|past| past.phase != Phase::Skipped).count();
    assert_eq!(run, before, "nothing has started: {:#?}", found.history);
    assert_eq!(found.schedule.unwrap().active, Vec::<String>::new());
    let active = install.pods().list(&ListParams::default().fields("status.phase=Running")).await.unwrap();
    assert_eq!(active.items.len(), 0);

    delete(&freezes(&install), "brake").await;
    within(Duration::from_secs(240), "the schedule goes on", async || {
        let found = status_of(&install, "exp").await;
        let run = found.history.iter().filter(|past| past.phase != Phase::Skipped).count();
        (run > before).then_some(())
    })
    .await;
    delete_and_wait(&install.experiments(), "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs a node"]
async fn a_freeze_that_aborts_stops_a_run_and_the_status_says_what_the_rollbacks_did() {
    let (install, _operator) = set_up("brake").await;
    let spec = inline(&well(vec![process("sleep", json!("300"))], vec![echo()]));
    install.apply_experiment("exp", spec).await;
    let pod = pod_of(&install, "exp").await;
    wait_for_action(&install, &pod, "sleep").await;
    freeze(&install, json!({"abortRunning": true, "reason": "incident 7"})).await;
    let ended = wait_for_phase(&install.experiments(), "exp", Phase::Aborted).await;
    assert_eq!((ended.outcome, ended.reason.as_deref()), (Some(Outcome::Interrupted), Some("Frozen")));
    let message = ended.message.clone().unwrap();
    assert!(message.ends_with("/brake: incident 7"), "{message}");
    assert_eq!(condition_of(&ended, Type::RolledBack), "True/RollbacksPlayed");
    let run = ended.run.unwrap();
    assert_eq!(run.rollbacks.unwrap().state, RollbackState::Played);
    assert!(run.journal.is_some(), "the toolkit has written its journal");
}
