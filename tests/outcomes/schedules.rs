//! Schedules as people write them, with the controllers of Kubernetes and a kubelet.

use std::time::Duration;

use chaostoolkit_api::condition::{Type, find};
use chaostoolkit_api::{Outcome, PastRun, Phase, Trigger};
use chaostoolkit_journal::RollbackState;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{LimitRange, Pod};
use kube::Api;
use kube::api::{ListParams, LogParams};
use serde_json::{Value, json};

use crate::common::install::Install;
use crate::common::operator::Operator;
use crate::common::{
    config_map, create, delete, delete_and_wait, edit, set_up, start_scheduled_run, status_of,
    wait_for_phase, wait_for_reason, within,
};
use crate::experiments::{echo, inline, process, well};

/// How long a run may take from its start to its record.
pub const RUN: Duration = Duration::from_secs(180);

/// Returns a spec with a schedule. A schedule that is due on New Year's Day alone starts no run during a test.
pub fn schedule(cron: &str, mut spec: Value) -> Value {
    spec["schedule"] = json!({"kind": "cronJob", "value": cron});
    spec
}

/// The warning that every experiment has in these tests.
const UNCHECKED: &str =
    "the operator does not ask whether its author may do what the run may do (--unchecked-authors)";

pub const NEVER: &str = "0 0 1 1 *";

pub async fn rerun(install: &Install, value: &str) {
    edit(install, "exp", json!({"metadata": {"annotations": {"chaostoolkit.org/rerun": value}}})).await;
}

/// Waits until this many runs are recorded, and returns them, the newest first.
pub async fn recorded(install: &Install, runs: usize, limit: Duration) -> Vec<PastRun> {
    within(limit, &format!("{runs} runs are recorded"), async || {
        Some(status_of(install, "exp").await.history).filter(|history| history.len() >= runs)
    })
    .await
}

pub async fn limit_containers(install: &Install, limits: Value) -> Api<LimitRange> {
    let ranges = Api::namespaced(install.client.clone(), &install.run_namespace);
    let spec = json!({"limits": [limits]});
    create(&ranges, json!({"metadata": {"name": "team"}, "spec": spec})).await;
    ranges
}

/// The toolkit and a second container that goes on, in a template as version 0.14.0 took it: without a kind, and with a
/// container of any name.
fn with_helper() -> Value {
    let script = "trap 'echo asked to stop; exit 0' TERM; while :; do sleep 1; done";
    json!({"report": {"helperGraceSeconds": 3}, "pod": {"template": {
        "metadata": {"name": "own", "annotations": {"sidecar.example/inject": "false"}},
        "spec": {
            "volumes": [{"name": "x", "configMap": {"name": "own"}}],
            "containers": [
                {"name": "chaostoolkit", "image": "chaostoolkit/chaostoolkit", "command": ["chaos"], "args": ["run", "/x/quick.json"],
                    "volumeMounts": [{"name": "x", "mountPath": "/x"}]},
                {"name": "agent", "image": "chaostoolkit/chaostoolkit", "imagePullPolicy": "IfNotPresent", "command": ["bash", "-c", script]},
            ],
        },
    }}})
}

/// Kubernetes starts the next run of `Forbid` only once the Job of the last one has ended.
#[tokio::test]
#[ignore = "needs a node, and two minutes"]
async fn a_schedule_whose_helper_never_ends_goes_on() {
    let (install, _operator) = set_up("onward").await;
    let own = config_map("own", json!({"quick.json": well(vec![echo()], vec![]).to_string()}));
    create(&install.config_maps(&install.run_namespace), own).await;
    install.apply_experiment("exp", schedule("* * * * *", with_helper())).await;
    let experiments = install.experiments();
    let told = wait_for_phase(&experiments, "exp", Phase::Scheduled).await.schedule.unwrap();
    let next = told.next_schedule_time.unwrap();

    let runs = recorded(&install, 2, Duration::from_secs(300)).await;
    for run in &runs[..2] {
        assert_eq!((run.outcome, run.reason.as_str()), (Outcome::Passed, "Passed"), "{run:#?}");
        assert_eq!(run.run.trigger, Trigger::Schedule);
    }
    let cron_jobs = Api::<CronJob>::namespaced(install.client.clone(), &install.run_namespace);
    let started = cron_jobs.list(&ListParams::default()).await.unwrap().items.remove(0).status.unwrap();
    let since = started.last_schedule_time.unwrap().0.as_second() - next.0.as_second();
    assert!(since >= 60 && since % 60 == 0, "{since} seconds after the time that the status told first");
    delete_and_wait(&experiments, "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}

/// A Job that may not create its pod says so on the experiment, and runs once it may.
#[tokio::test]
#[ignore = "needs a node"]
async fn a_schedule_that_a_limit_range_stops_says_so_and_runs_once_it_may() {
    let (install, _operator) = set_up("stalled").await;
    let ranges = limit_containers(&install, json!({"type": "Container", "max": {"cpu": "10m"}})).await;
    install.apply_experiment("exp", schedule(NEVER, inline(&well(vec![echo()], vec![echo()])))).await;
    wait_for_phase(&install.experiments(), "exp", Phase::Scheduled).await;
    rerun(&install, "1").await;
    let stalled = wait_for_reason(&install.experiments(), "exp", "StartStalled").await;
    let message = stalled.message.unwrap();
    assert!(message.contains("maximum cpu usage"), "{message}");
    assert_eq!(stalled.history, []);

    delete(&ranges, "team").await;
    let run = recorded(&install, 1, RUN).await.remove(0);
    assert_eq!((run.outcome, run.run.trigger), (Outcome::Passed, Trigger::Rerun), "{run:#?}");
    wait_for_reason(&install.experiments(), "exp", "Scheduled").await;
}

/// The Job controller deletes the pod of a Job that has reached its deadline. That is not an abort by a person.
#[tokio::test]
#[ignore = "needs a node"]
async fn a_job_that_reaches_its_deadline_is_the_reason_of_its_run() {
    let install = Install::new("deadline").await;
    install.with_experiment("{}").await;
    let cron_job = json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "chaostoolkit"},
        "spec": {"jobTemplate": {"spec": {"activeDeadlineSeconds": 20}}}});
    // The other templates are those that are shipped.
    let templates = config_map("own-templates", json!({"chaostoolkit-cronjob.yaml": cron_job.to_string()}));
    create(&install.config_maps(&install.namespace), templates).await;
    let _operator = Operator::start(&install).await;
    let slow = well(vec![process("sleep", json!(["600"]))], vec![echo()]);
    let mut spec = schedule(NEVER, inline(&slow));
    spec["template"] = json!({"name": "own-templates"});
    install.apply_experiment("exp", spec).await;
    wait_for_phase(&install.experiments(), "exp", Phase::Scheduled).await;
    rerun(&install, "1").await;
    let run = recorded(&install, 1, RUN).await.remove(0);
    assert_eq!((run.phase, run.reason.as_str()), (Phase::Failed, "DeadlineExceeded"), "{run:#?}");
    assert_eq!(run.outcome, Outcome::Error, "{run:#?}");
    let played = run.run.rollbacks.as_ref().map(|rollbacks| rollbacks.state);
    assert_eq!(played, Some(RollbackState::Played), "{run:#?}");
}

/// What the author wrote on the pod's template is on the pods of a schedule, beside what is added. A `LimitRange` with a
/// minimum, a maximum and a ratio lets them pass. A Job that somebody makes by hand is a run as well.
#[tokio::test]
#[ignore = "needs a node"]
async fn the_pods_of_a_schedule_are_as_their_template_and_a_job_by_hand_is_a_run() {
    let (install, _operator) = set_up("asread").await;
    let limits = json!({"type": "Container", "min": {"cpu": "100m", "memory": "64Mi"}, "max": {"cpu": "500m", "memory": "512Mi"},
        "default": {"cpu": "400m", "memory": "256Mi"}, "defaultRequest": {"cpu": "100m", "memory": "256Mi"},
        "maxLimitRequestRatio": {"cpu": "4"}});
    limit_containers(&install, limits).await;
    let own = config_map("own", json!({"quick.json": well(vec![echo()], vec![]).to_string()}));
    create(&install.config_maps(&install.run_namespace), own).await;
    let mut spec = with_helper();
    spec["pod"]["template"]["spec"]["containers"].as_array_mut().unwrap().pop();
    spec["pod"]["template"]["spec"]["containers"][0]["name"] = json!("mine");
    install.apply_experiment("exp", schedule(NEVER, spec)).await;
    wait_for_phase(&install.experiments(), "exp", Phase::Scheduled).await;
    let cron_jobs = Api::<CronJob>::namespaced(install.client.clone(), &install.run_namespace);
    let cron_job = cron_jobs.list(&ListParams::default()).await.unwrap().items.remove(0);
    start_scheduled_run(&install, &cron_job.metadata.name.unwrap(), "by-hand");

    let run = recorded(&install, 1, RUN).await.remove(0);
    assert_eq!((run.outcome, run.run.trigger), (Outcome::Passed, Trigger::Manual), "{run:#?}");
    assert_eq!(run.run.job_name.as_deref(), Some("by-hand"));
    let pod: Pod = install.pods().get(&run.run.pod_name).await.unwrap();
    let annotations = pod.metadata.annotations.unwrap();
    assert_eq!(annotations.get("sidecar.example/inject").map(String::as_str), Some("false"));
    let volumes = annotations.get("cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes");
    assert_eq!(volumes.map(String::as_str), Some("chaostoolkit-runner"), "of ours alone");
    let sidecar = LogParams { container: Some("journal".into()), ..LogParams::default() };
    let log = install.pods().logs(&run.run.pod_name, &sidecar).await.unwrap();
    let first = log.lines().next().unwrap_or_default();
    assert!(first.contains("journal") && first.contains(' '), "people read this line: {first}");

    // A rerun starts one Job now.
    rerun(&install, "1").await;
    let run = recorded(&install, 2, RUN).await.remove(0);
    assert_eq!((run.outcome, run.run.trigger), (Outcome::Passed, Trigger::Rerun), "{run:#?}");
    let jobs = Api::<Job>::namespaced(install.client.clone(), &install.run_namespace);
    assert_eq!(jobs.list(&ListParams::default()).await.unwrap().items.len(), 2);
    let status = status_of(&install, "exp").await;
    let accepted = find(&status.conditions, Type::Accepted).unwrap();
    assert_eq!(accepted.message, UNCHECKED, "there is no other warning");
}
