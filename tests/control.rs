//! What an author can ask of a run, with the operator as a process, its shipped rights and a real API server without a
//! node. The tests play the kubelet.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests fail by a panic")]

mod common;

use std::time::Duration;

use chaostoolkit_api::condition::Type;
use chaostoolkit_api::names;
use chaostoolkit_api::{Outcome, Phase, Status, Text, Trigger};
use chaostoolkit_journal::message::{Message, State};
use common::install::Install;
use common::operator::{Operator, quiet};
use common::{
    audit, condition_of, delete, delete_and_wait, edit, end_grace, eventually, experiment, pod_of,
    report_container, running, runs, set_up, start_scheduled_run, status, status_of, terminated, wait,
    wait_for_phase, wait_for_reason, wait_until_gone, wait_until_stopping,
};
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use rstest::rstest;
use serde_json::{Value, json};

async fn set(install: &Install, name: &str, field: &str, value: Value) {
    edit(install, name, json!({"spec": {field: value}})).await;
}

async fn rerun(install: &Install, name: &str, value: &str) {
    edit(install, name, json!({"metadata": {"annotations": {names::RERUN_ANNOTATION: value}}})).await;
}

async fn wait_for_condition(install: &Install, name: &str, type_: Type, wanted: &str) -> Status {
    let is_so = |found: Option<&_>| condition_of(&status(found), type_) == wanted;
    status(wait(&install.experiments(), name, wanted, is_so).await.as_ref())
}

/// Returns the report of a runner that was asked to stop.
fn stopped() -> Value {
    let message =
        Message { exit_code: Some(143), stopped_by: Some("SIGTERM".into()), ..Message::new(State::Ended) };
    let mut state = terminated(143);
    state["terminated"]["message"] = json!(message.to_json());
    state
}

/// Returns the end of a container whose runner was killed.
fn killed() -> Value {
    let mut state = terminated(137);
    state["terminated"]["message"] = json!(Message::new(State::Running).to_json());
    state
}

/// Checks that no write of the operator was refused.
async fn nothing_was_refused(install: &Install) {
    let written = audit::settled_writes_of(&install.user).await;
    // Two refusals are fine: a write of an outdated status, and a deletion of an object that is already gone.
    let is_refusal = |entry: &&audit::Entry| entry.code >= 400 && ![404, 409].contains(&entry.code);
    let refused: Vec<_> = written.iter().filter(is_refusal).collect();
    assert!(refused.is_empty(), "{refused:?}");
}

#[rstest]
#[case::abort(json!({"abort": "yes"}), "spec.abort")]
#[case::suspend(json!({"suspend": 1}), "spec.suspend")]
#[case::rescue(json!({"rescue": "true"}), "spec.rescue")]
#[case::no_time_to_run(json!({"activeDeadlineSeconds": 0}), "spec.activeDeadlineSeconds")]
#[case::less_than_no_time_to_start(json!({"startDeadlineSeconds": -1}), "spec.startDeadlineSeconds")]
#[case::less_than_no_time_to_stay(json!({"ttlSecondsAfterFinished": -1}), "spec.ttlSecondsAfterFinished")]
#[case::rollbacks(json!({"rollbackStrategy": "sometimes"}), "spec.rollbackStrategy")]
#[case::hypothesis(json!({"hypothesisStrategy": "beforeMethodOnly"}), "spec.hypothesisStrategy")]
#[case::dry_run(json!({"dryRun": true}), "spec.dryRun")]
#[case::cleanup(json!({"cleanup": {"onFailure": "maybe"}}), "spec.cleanup.onFailure")]
#[tokio::test]
#[ignore = "needs an API server"]
async fn the_api_server_refuses_wrong_values_by_their_path(#[case] spec: Value, #[case] path: &str) {
    let install = Install::new("meant").await;
    let error = install.send(experiment("bad", spec)).await.unwrap_err();
    assert!(error.to_string().contains(path), "{error}");
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn an_abort_stops_a_run_and_its_pod_does_not_come_again() {
    let (install, mut operator) = set_up("abort").await;
    let pod = runs(&install, "exp", json!({})).await;

    set(&install, "exp", "abort", json!(true)).await;
    let aborting = wait_for_phase(&install.experiments(), "exp", Phase::Aborting).await;
    assert_eq!(aborting.reason.as_deref(), Some("AbortRequested"));
    let asked = wait_until_stopping(&install, &pod).await;
    assert!(asked.metadata.deletion_grace_period_seconds > Some(0), "rollbacks have time to run");

    report_container(&install.pods(), &pod, stopped()).await;
    end_grace(&install, &pod).await;
    let status = wait_for_phase(&install.experiments(), "exp", Phase::Aborted).await;
    assert_eq!(status.outcome, Some(Outcome::Interrupted));
    assert_eq!(condition_of(&status, Type::Finished), "True/AbortRequested");
    wait_until_gone(&install.pods(), &pod).await;

    let written = audit::settled_writes_of(&install.user).await;
    quiet(Duration::from_secs(3)).await;
    assert_eq!(audit::writes_of(&install.user), written, "nothing is written after the end");
    assert!(operator.is_alive());
    let deletions = written.iter().filter(|entry| entry.what() == "delete pods");
    assert_eq!(deletions.count(), 1, "{written:?}");
    assert_eq!(audit::pods_created_in(&install.run_namespace), 1);
    delete_and_wait(&install.experiments(), "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
    nothing_was_refused(&install).await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn an_abort_from_the_start_creates_nothing() {
    let (install, _operator) = set_up("never").await;
    install.apply_experiment("exp", json!({"abort": true})).await;
    let status = wait_for_phase(&install.experiments(), "exp", Phase::Aborted).await;
    assert_eq!(condition_of(&status, Type::RolledBack), "Unknown/NotStarted");
    quiet(Duration::from_secs(3)).await;
    let written: Vec<_> =
        audit::settled_writes_of(&install.user).await.iter().map(audit::Entry::what).collect();
    assert_eq!(written, ["patch chaosexperiments/status"]);
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_pod_whose_helper_goes_on_is_ended_and_the_outcome_stays() {
    let (install, _operator) = set_up("helper").await;
    let containers = json!([{"name": "chaostoolkit", "image": "i", "command": ["chaos"]}, {"name": "helper", "image": "i"}]);
    let template = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "chaostoolkit"},
        "spec": {"containers": containers}});
    let pod = runs(&install, "exp", json!({"pod": {"template": template}})).await;
    let container = |name: &str, state: Value| json!({"name": name, "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": state});
    // The toolkit ended long ago.
    let report = async |status: Value| {
        let patch = Patch::Merge(json!({"status": status}));
        install.pods().patch_status(&pod, &PatchParams::default(), &patch).await.unwrap();
    };
    let toolkit = container("chaostoolkit", terminated(0));
    report(json!({"phase": "Running", "containerStatuses": [toolkit, container("helper", running())]})).await;
    wait_for_phase(&install.experiments(), "exp", Phase::Completed).await;
    wait(&install.pods(), &pod, "ended and released", |found| {
        found.is_some_and(|found| {
            let deadline = found.spec.as_ref().and_then(|spec| spec.active_deadline_seconds);
            deadline == Some(1) && found.metadata.finalizers.is_none()
        })
    })
    .await;
    report(json!({"phase": "Failed", "reason": "DeadlineExceeded", "containerStatuses": [toolkit, container("helper", terminated(1))]}))
        .await;
    quiet(Duration::from_secs(3)).await;
    let found = status_of(&install, "exp").await;
    assert_eq!((found.phase, found.outcome), (Some(Phase::Completed), Some(Outcome::Passed)));
    assert_eq!(condition_of(&found, Type::Succeeded), "True/Passed");
    delete_and_wait(&install.experiments(), "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
    nothing_was_refused(&install).await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_suspended_run_starts_when_it_is_resumed() {
    let (install, _operator) = set_up("suspend").await;
    install.apply_experiment("exp", json!({"suspend": true})).await;
    let status = wait_for_phase(&install.experiments(), "exp", Phase::Suspended).await;
    assert_eq!(condition_of(&status, Type::Suspended), "True/Suspended");
    quiet(Duration::from_secs(2)).await;
    assert_eq!(install.left_behind().await, Vec::<String>::new(), "nothing was created");
    set(&install, "exp", "suspend", json!(false)).await;
    pod_of(&install, "exp").await;
    delete_and_wait(&install.experiments(), "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
    nothing_was_refused(&install).await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn suspend_and_abort_stop_the_runs_of_a_schedule() {
    let (install, _operator) = set_up("held").await;
    let schedule = json!({"kind": "cronJob", "value": "0 0 1 1 *"});
    let made = install.apply_experiment("exp", json!({"suspend": true, "schedule": schedule})).await;
    wait_for_phase(&install.experiments(), "exp", Phase::Suspended).await;
    let cron_jobs = Api::<CronJob>::namespaced(install.client.clone(), &install.run_namespace);
    let name = format!("chaostoolkit-{}", names::suffix(made.uid()));
    let is_suspended = async || cron_jobs.get(&name).await.unwrap().spec.unwrap().suspend;
    assert_eq!(is_suspended().await, Some(true));
    set(&install, "exp", "suspend", json!(false)).await;
    wait_for_phase(&install.experiments(), "exp", Phase::Scheduled).await;
    assert_eq!(is_suspended().await, Some(false));
    // `abort` stops a run in progress, and `suspend` does not.
    start_scheduled_run(&install, &name, "one");
    let ours = ListParams::default().labels(&format!("{}={}", names::UID_LABEL, made.uid()));
    let pod = eventually("the run has a pod", async || {
        let found = install.pods().list(&ours).await.unwrap().items.pop();
        found.and_then(|pod| pod.metadata.name)
    })
    .await;
    common::bind(&install, &pod).await;
    report_container(&install.pods(), &pod, running()).await;
    set(&install, "exp", "suspend", json!(true)).await;
    wait_for_phase(&install.experiments(), "exp", Phase::Suspended).await;
    assert!(install.pods().get(&pod).await.unwrap().metadata.deletion_timestamp.is_none());
    edit(&install, "exp", json!({"spec": {"suspend": false, "abort": true}})).await;
    wait_until_stopping(&install, &pod).await;
    report_container(&install.pods(), &pod, stopped()).await;
    let is_told = |found: Option<&_>| !status(found).history.is_empty();
    let status = status(wait(&install.experiments(), "exp", "told", is_told).await.as_ref());
    end_grace(&install, &pod).await;
    let past = &status.history[0];
    assert_eq!(
        (past.phase, past.outcome, &*past.reason),
        (Phase::Aborted, Outcome::Interrupted, "AbortRequested")
    );
    assert_eq!((status.phase, is_suspended().await), (Some(Phase::Suspended), Some(true)));
    assert_eq!(condition_of(&status, Type::Finished), "False/Suspended", "a schedule has no end");
    delete_and_wait(&install.experiments(), "exp").await;
    assert!(
        cron_jobs.get_opt(&name).await.unwrap().is_none_or(|left| left.metadata.deletion_timestamp.is_some())
    );
    nothing_was_refused(&install).await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_rerun_is_one_more_run_and_all_of_them_go_with_the_experiment() {
    let (install, _operator) = set_up("rerun").await;
    let first = runs(&install, "exp", json!({})).await;
    // A rerun that is asked for during a run waits.
    rerun(&install, "exp", "1").await;
    quiet(Duration::from_secs(2)).await;
    assert_eq!(audit::pods_created_in(&install.run_namespace), 1);
    report_container(&install.pods(), &first, terminated(0)).await;
    let second = format!("{first}-2");
    let is_second =
        |found: Option<&_>| status(found).run.is_some_and(|run| run.number == 2 && run.pod_uid.is_some());
    wait(&install.experiments(), "exp", "in its second run", is_second).await;
    report_container(&install.pods(), &second, running()).await;
    report_container(&install.pods(), &second, terminated(1)).await;
    let status = wait_for_phase(&install.experiments(), "exp", Phase::Failed).await;
    let run = status.run.unwrap();
    assert_eq!((run.number, run.trigger, run.pod_name), (2, Trigger::Rerun, second.clone()));
    assert_eq!((status.history.len(), status.history[0].run.pod_name.clone()), (1, first.clone()));
    assert_eq!(
        status.counters.map(|counters| (counters.runs, counters.passed, counters.failed)),
        Some((2, 1, 1))
    );
    for pod in [&first, &second] {
        assert!(install.pods().get_opt(pod).await.unwrap().is_some(), "{pod} stays for its log");
    }
    delete_and_wait(&install.experiments(), "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
    nothing_was_refused(&install).await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn an_experiment_goes_when_its_time_is_over() {
    let (install, _operator) = set_up("ttl").await;
    let pod = runs(&install, "exp", json!({"ttlSecondsAfterFinished": 3})).await;
    report_container(&install.pods(), &pod, terminated(0)).await;
    wait_for_phase(&install.experiments(), "exp", Phase::Completed).await;
    wait_until_gone(&install.experiments(), "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
    nothing_was_refused(&install).await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_run_that_does_not_start_in_time_is_given_up() {
    let install = Install::new("deadline").await;
    let _operator = Operator::start(&install).await;
    install.apply_experiment("blocked", json!({"startDeadlineSeconds": 2})).await;
    let status = wait_for_phase(&install.experiments(), "blocked", Phase::Failed).await;
    assert_eq!(condition_of(&status, Type::Finished), "True/StartTimeout");
    assert!(
        status.message.unwrap().contains("chaostoolkit-experiment"),
        "the message says what the run waited for"
    );

    // No scheduler binds this pod to a node.
    let spec = json!({"startDeadlineSeconds": 2, "pod": {"experiment": {"asFile": false}}});
    install.apply_experiment("starting", spec).await;
    let status = wait_for_phase(&install.experiments(), "starting", Phase::Failed).await;
    assert_eq!(condition_of(&status, Type::Finished), "True/StartTimeout");
    assert_eq!(condition_of(&status, Type::RolledBack), "Unknown/NotStarted");
    wait_until_gone(&install.pods(), &status.run.unwrap().pod_name).await;
    nothing_was_refused(&install).await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn after_its_end_a_run_leaves_only_its_status_if_the_spec_asks_for_it() {
    let (install, _operator) = set_up("cleanup").await;
    let cleanup = json!({"cleanup": {"onSuccess": "keepPod", "onFailure": "delete"}});
    let passed = runs(&install, "passed", cleanup.clone()).await;
    let failed = runs(&install, "failed", cleanup).await;
    report_container(&install.pods(), &passed, terminated(0)).await;
    report_container(&install.pods(), &failed, terminated(1)).await;
    for (name, phase) in [("passed", Phase::Completed), ("failed", Phase::Failed)] {
        let is_clean = |found: Option<&_>| status(found).is_finished() && status(found).resources.is_empty();
        let found = wait(&install.experiments(), name, "cleaned up", is_clean).await;
        assert_eq!(status(found.as_ref()).phase, Some(phase));
    }
    wait_until_gone(&install.pods(), &failed).await;
    assert_eq!(install.left_behind().await, [format!("Pod {:?}", Some(&passed))]);
    delete_and_wait(&install.experiments(), "passed").await;
    delete_and_wait(&install.experiments(), "failed").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
    nothing_was_refused(&install).await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_killed_run_is_rescued_before_a_deleted_experiment_goes() {
    let (install, _operator) = set_up("rescue").await;
    let action =
        json!({"type": "action", "name": "mend", "provider": {"type": "python", "module": "m", "func": "f"}});
    let inline = json!({"title": "t", "description": "d", "method": [], "rollbacks": [action]});
    let pod = runs(&install, "exp", json!({"rescue": true, "experiment": inline})).await;
    delete(&install.experiments(), "exp").await;
    wait_for_phase(&install.experiments(), "exp", Phase::Terminating).await;
    report_container(&install.pods(), &pod, killed()).await;
    end_grace(&install, &pod).await;
    wait_for_condition(&install, "exp", Type::RolledBack, "Unknown/RescueStarted").await;
    let rescue = format!("{pod}-rescue");
    wait(&install.pods(), &rescue, "there", |pod| pod.is_some()).await;
    let left = install.left_behind().await;
    assert!(
        left.iter().any(|left| left.starts_with("RoleBinding")),
        "rollbacks need the run's rights: {left:?}"
    );
    report_container(&install.pods(), &rescue, terminated(0)).await;
    wait_until_gone(&install.experiments(), "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
    nothing_was_refused(&install).await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn an_end_does_not_change_with_the_spec() {
    let (install, _operator) = set_up("absorbing").await;
    let pod = runs(&install, "exp", json!({})).await;
    report_container(&install.pods(), &pod, terminated(1)).await;
    let ended = wait_for_reason(&install.experiments(), "exp", "ExperimentInvalid").await;
    set(&install, "exp", "pod", json!({"image": 3})).await;
    let is_seen = |found: Option<&_>| status(found).observed_generation > ended.observed_generation;
    let seen = status(wait(&install.experiments(), "exp", "seen", is_seen).await.as_ref());
    // Whether to wait for the experiment is said of each generation, and not of the run alone.
    let of_run = |mut conditions: Vec<Condition>| {
        let progress = conditions.iter_mut().filter(|said| said.type_ == Type::Stalled.as_str());
        progress.for_each(|said| said.observed_generation = None);
        conditions
    };
    let (seen_of_run, ended_of_run) = (of_run(seen.conditions), of_run(ended.conditions));
    assert_eq!((seen.phase, seen.reason, seen_of_run), (ended.phase, ended.reason, ended_of_run));
}
