//! What the tests against a real API server share: an installation of the operator's manifests under unique names, the
//! operator as a process that can be killed, and waits that have a limit.
//!
//! `KUBECONFIG` names the cluster. `CLUSTER_AUDIT_LOG` names the audit log of its API server, which shows who did
//! what. See hack/cluster.

#![allow(dead_code, unused_imports, missing_docs, reason = "each test program uses a part of this")]
#![allow(clippy::missing_panics_doc, clippy::must_use_candidate, reason = "tests have no public docs")]
#![allow(clippy::needless_pass_by_value, reason = "tables of cases are easier to read with values")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests fail by a panic"
)]

pub mod audit;
pub mod chance;
pub mod clock;
pub mod control_plane;
pub mod forge;
pub mod install;
pub mod kubelet;
pub mod operator;
pub mod source;
pub mod variables;

use std::fmt::Debug;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chaostoolkit_api::Text;
use chaostoolkit_api::condition::{self, Type};
use chaostoolkit_api::{Experiment, Phase, Status};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, LogParams, Patch, PatchParams, PostParams};
use kube::runtime::wait::await_condition;
use kube::{Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub use kubelet::{bind, bind_to, end_grace, interrupted, report_container, running, terminated};

/// The limit for anything that should happen at once. A busy machine may need this long.
pub const LIMIT: Duration = Duration::from_secs(60);

pub async fn client() -> Client {
    variables::required("KUBECONFIG", "the cluster to test on");
    Client::try_default().await.unwrap()
}

/// Installs under this name, creates the namespace of the runs with an experiment in it, and starts the operator.
pub async fn set_up(test: &str) -> (install::Install, operator::Operator) {
    let install = install::Install::new(test).await;
    install.with_experiment("{}").await;
    let operator = operator::Operator::start(&install).await;
    (install, operator)
}

/// Returns a part of a name that no other test has: the time, and a number for tests that begin together.
pub fn unique() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let time = k8s_openapi::jiff::Zoned::now().strftime("%H%M%S%f").to_string();
    format!("{}{}", &time[..10], COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Runs kubectl. Returns whether it succeeded and what it printed, with warnings and errors last.
pub fn kubectl(arguments: &[&str], input: &str) -> (bool, String) {
    let mut child = Command::new("kubectl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("kubectl is on the PATH");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// Waits until an object is as wanted, and returns it. An object that does not exist is `None`.
pub async fn wait<K>(api: &Api<K>, name: &str, what: &str, wanted: impl Fn(Option<&K>) -> bool) -> Option<K>
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + 'static,
{
    let change = await_condition(api.clone(), name, |object: Option<&K>| wanted(object));
    if let Ok(found) = tokio::time::timeout(LIMIT, change).await {
        return found.unwrap();
    }
    panic!("{name} did not become {what} within {LIMIT:?}; it is {:#?}", api.get_opt(name).await);
}

/// Waits until no object with this name exists.
pub async fn wait_until_gone<K>(api: &Api<K>, name: &str)
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + 'static,
{
    wait(api, name, "gone", |found| found.is_none()).await;
}

/// Waits until a pod is being deleted, and returns the pod.
pub async fn wait_until_stopping(install: &install::Install, name: &str) -> Pod {
    let is_deleting = |pod: Option<&Pod>| pod.is_some_and(|pod| pod.metadata.deletion_timestamp.is_some());
    wait(&install.pods(), name, "being stopped", is_deleting).await.unwrap()
}

/// Polls until the probe returns something, for what no watch reports.
pub async fn eventually<T>(what: &str, probe: impl AsyncFnMut() -> Option<T>) -> T {
    within(LIMIT, what, probe).await
}

/// Polls until the probe returns something, within this limit.
pub async fn within<T>(limit: Duration, what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let found = poll(limit, async || probe().await.ok_or(())).await;
    found.unwrap_or_else(|_| panic!("this did not happen within {limit:?}: {what}"))
}

/// Polls until the probe succeeds, within this limit. The panic tells the last error.
pub async fn succeeds_within<T>(
    limit: Duration,
    what: &str,
    probe: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let found = poll(limit, probe).await;
    found.unwrap_or_else(|last| {
        let last = last.unwrap_or_else(|| "the first attempt has not ended".to_owned());
        panic!("this did not happen within {limit:?}: {what}; at last: {last}")
    })
}

/// Returns what the probe returns, or its last error if it did not succeed in time.
async fn poll<T, E>(limit: Duration, mut probe: impl AsyncFnMut() -> Result<T, E>) -> Result<T, Option<E>> {
    let mut last = None;
    let result = tokio::time::timeout(limit, async {
        loop {
            match probe().await {
                Ok(found) => return found,
                Err(error) => last = Some(error),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    result.await.map_err(|_| last)
}

pub async fn create<K>(api: &Api<K>, object: Value) -> K
where
    K: Clone + Debug + DeserializeOwned + Serialize,
{
    api.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap()
}

/// Returns an experiment in the form in which it is sent.
pub fn experiment(name: &str, spec: Value) -> Value {
    json!({"apiVersion": "chaostoolkit.org/v1", "kind": "ChaosToolkitExperiment", "metadata": {"name": name}, "spec": spec})
}

pub fn config_map(name: &str, data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
}

pub fn status(experiment: Option<&Experiment>) -> Status {
    experiment.and_then(|experiment| experiment.status.clone()).unwrap_or_default()
}

/// Reads the present status of an experiment.
pub async fn status_of(install: &install::Install, name: &str) -> Status {
    status(install.experiments().get_opt(name).await.unwrap().as_ref())
}

pub async fn wait_for_phase(api: &Api<Experiment>, name: &str, phase: Phase) -> Status {
    status(wait(api, name, phase.as_str(), |found| status(found).phase == Some(phase)).await.as_ref())
}

pub async fn wait_for_reason(api: &Api<Experiment>, name: &str, reason: &str) -> Status {
    status(wait(api, name, reason, |found| status(found).reason.as_deref() == Some(reason)).await.as_ref())
}

/// Returns status and reason of a condition, such as `True/Passed`, or `none`.
pub fn condition_of(status: &Status, type_: Type) -> String {
    condition::find(&status.conditions, type_)
        .map_or_else(|| "none".to_owned(), |found| format!("{}/{}", found.status, found.reason))
}

/// Applies a merge patch to an experiment, as its author would.
pub async fn edit(install: &install::Install, name: &str, patch: Value) {
    let patch = Patch::Merge(patch);
    install.experiments().patch(name, &PatchParams::default(), &patch).await.unwrap();
}

/// Removes all finalizers of an object.
pub async fn remove_finalizers<K>(api: &Api<K>, name: &str)
where
    K: Clone + Debug + DeserializeOwned,
{
    let patch = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    api.patch(name, &PatchParams::default(), &patch).await.unwrap();
}

/// Starts a run of a schedule by hand, as a job of this name.
pub fn start_scheduled_run(install: &install::Install, cron_job: &str, job: &str) {
    let from = format!("--from=cronjob/{cron_job}");
    let (started, text) = kubectl(&["-n", &install.run_namespace, "create", "job", job, &from], "");
    assert!(started, "{text}");
}

pub async fn delete<K>(api: &Api<K>, name: &str)
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + 'static,
{
    api.delete(name, &DeleteParams::default()).await.unwrap();
}

pub async fn delete_and_wait<K>(api: &Api<K>, name: &str)
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + 'static,
{
    delete(api, name).await;
    wait_until_gone(api, name).await;
}

/// Waits for the pod of an experiment that runs once, and returns the name of the pod.
pub async fn pod_of(install: &install::Install, name: &str) -> String {
    let found = wait(&install.experiments(), name, "with a pod", |found| {
        status(found).run.is_some_and(|run| run.pod_uid.is_some())
    })
    .await;
    status(found.as_ref()).run.unwrap().pod_name
}

/// Waits until the toolkit in this pod of a real node says that it starts an action, and so can play rollbacks. The phase
/// `Running` comes earlier: then the container has started, and the toolkit is still being loaded.
pub async fn wait_for_action(install: &install::Install, pod: &str, action: &str) {
    let parameters = LogParams { container: Some("chaostoolkit".into()), ..LogParams::default() };
    let wanted = format!("Action: {action}");
    within(Duration::from_secs(120), &format!("action {action} starts"), async || {
        install.pods().logs(pod, &parameters).await.ok()?.contains(&wanted).then_some(())
    })
    .await;
}

/// Creates an experiment and starts its run. Returns the name of the pod once the run is in progress.
pub async fn runs(install: &install::Install, name: &str, spec: Value) -> String {
    install.apply_experiment(name, spec).await;
    let pod = pod_of(install, name).await;
    bind(install, &pod).await;
    report_container(&install.pods(), &pod, running()).await;
    wait_for_phase(&install.experiments(), name, Phase::Running).await;
    pod
}
