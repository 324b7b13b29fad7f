//! The state of a run, as its pod shows it: pure.

use k8s_openapi::api::core::v1::{
    ContainerState, ContainerStateTerminated, ContainerStatus, Pod, PodCondition, PodStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::experiment::judge::container;
use chaostoolkit_api::names;
use chaostoolkit_api::reason::Reason;

/// The state of a run, as its pod shows it.
#[derive(Clone, Debug, PartialEq)]
pub enum PodState {
    /// The container has not started. A stall says what keeps it from starting.
    Starting(Option<Stall>),
    /// The container runs.
    Running {
        /// When the container started.
        started_at: Option<Time>,
    },
    /// The run has ended, and nothing of it runs any more.
    Ended(End),
}

/// What keeps a container from starting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stall {
    /// The reason that Kubernetes gives: `ImagePullBackOff`, `Unschedulable`, …
    pub word: String,
    /// The message of the kubelet or the scheduler.
    pub message: String,
}

impl Stall {
    /// The reason for it.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self.word.as_str() {
            "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" => Reason::ImagePullBackOff,
            "CreateContainerConfigError" => Reason::CreateContainerConfigError,
            "Unschedulable" | "SchedulingGated" => Reason::Unschedulable,
            _ => Reason::StartStalled,
        }
    }
}

/// How a container or its pod ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct End {
    /// When the container started, if it did.
    pub started_at: Option<Time>,
    /// When it ended, if that is known.
    pub finished_at: Option<Time>,
    /// Its exit code, if it has one.
    pub exit_code: Option<i32>,
    /// The reason that Kubernetes gives for the end of the container.
    pub word: String,
    /// The termination message of the container, or the message that Kubernetes gives for the end of the pod.
    pub message: String,
    /// Why the platform ended the pod, if it did.
    pub cause: Option<Reason>,
    /// The message of the platform: what the node was short of, or who evicted the pod.
    pub explanation: String,
    /// Whether the runner starts the toolkit in the container.
    pub has_runner: bool,
    /// Whether the command of the container is another program than `chaos`. It may start the toolkit all the same.
    pub is_wrapped: bool,
    /// Whether somebody deleted the pod.
    pub deleted: bool,
    /// The account of the pod, as the API server calls it.
    pub account: Option<String>,
}

/// Reads the state of a run from its pod. A container that the kubelet would restart counts as ended: a run is started
/// at most once.
#[must_use]
pub fn pod_state(pod: &Pod) -> PodState {
    let status = pod.status.clone().unwrap_or_default();
    let (has_runner, cause, explanation) = (has_runner(pod), cause(&status), explanation(&status));
    let deleted = pod.metadata.deletion_timestamp.is_some();
    let statuses = status.container_statuses.as_deref().unwrap_or_default();
    let container = container(pod, statuses);
    let state = container.and_then(|container| container.state.clone()).unwrap_or_default();
    let last = container.and_then(|container| container.last_state.clone()).unwrap_or_default();

    if let Some(terminated) = state.terminated.clone().or(last.terminated) {
        let is_wrapped = is_wrapped(pod);
        return PodState::Ended(End {
            cause,
            explanation,
            has_runner,
            is_wrapped,
            account: account(pod),
            ..end(terminated, deleted)
        });
    }
    let over = matches!(status.phase.as_deref(), Some("Failed" | "Succeeded"));
    if over || (deleted && nothing_runs(pod)) {
        return PodState::Ended(End {
            started_at: state.running.and_then(|running| running.started_at),
            finished_at: pod.metadata.deletion_timestamp.clone(),
            word: status.reason.unwrap_or_else(|| if deleted { "Deleted" } else { "Unknown" }.to_owned()),
            message: status.message.unwrap_or_default(),
            deleted,
            cause,
            explanation,
            has_runner,
            is_wrapped: is_wrapped(pod),
            account: account(pod),
            ..End::default()
        });
    }
    if let Some(running) = state.running {
        return PodState::Running { started_at: running.started_at };
    }
    // A container that starts before that of the toolkit may be the one that is stalled.
    let mut earlier =
        status.init_container_statuses.iter().flatten().filter_map(|status| status.state.as_ref());
    let stalled = stall(&state).or_else(|| earlier.find_map(stall));
    PodState::Starting(stalled.or_else(|| unschedulable(pod)))
}

/// The account of a pod, as the API server calls it.
fn account(pod: &Pod) -> Option<String> {
    let name = pod.spec.as_ref()?.service_account_name.as_deref()?;
    let namespace = pod.metadata.namespace.as_deref()?;
    Some(format!("system:serviceaccount:{namespace}:{name}"))
}

/// The status of the toolkit's container.
#[must_use]
pub fn container<'a>(pod: &Pod, statuses: &'a [ContainerStatus]) -> Option<&'a ContainerStatus> {
    statuses.iter().find(|status| status.name == container::name(pod)).or_else(|| statuses.first())
}

/// Whether the runner starts the toolkit in the container. It does not in pods of an older operator, nor if the author
/// did not want it.
fn has_runner(pod: &Pod) -> bool {
    let command = container::toolkit(pod).and_then(|container| container.command.as_ref()?.first());
    command.is_some_and(|command| command == names::RUNNER)
}

/// Whether the runner starts another program than `chaos`, such as a shell.
fn is_wrapped(pod: &Pod) -> bool {
    let Some(container) = container::toolkit(pod) else { return false };
    let words = container.command.iter().chain(&container.args).flatten();
    let program = words.skip_while(|word| *word != "--").nth(1);
    program.is_some_and(|program| program.rsplit('/').next() != Some("chaos"))
}

/// The node of a pod.
#[must_use]
pub fn node(pod: &Pod) -> Option<String> {
    pod.spec.as_ref()?.node_name.clone()
}

/// The condition which says that the platform is about to end the pod.
/// <https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions>
fn disruption(status: &PodStatus) -> Option<&PodCondition> {
    let mut conditions = status.conditions.iter().flatten();
    conditions.find(|condition| condition.type_ == "DisruptionTarget" && condition.status == "True")
}

/// The message of the platform about the end of a pod: that of the kubelet, or else that of the component which deleted
/// the pod.
fn explanation(status: &PodStatus) -> String {
    let words = status.message.as_deref().map(str::trim).filter(|words| !words.is_empty());
    words.or_else(|| disruption(status)?.message.as_deref()).unwrap_or_default().to_owned()
}

/// Why the platform ended a pod, if it did.
fn cause(status: &PodStatus) -> Option<Reason> {
    match status.reason.as_deref() {
        Some("DeadlineExceeded") => return Some(Reason::DeadlineExceeded),
        Some("Evicted" | "Terminated" | "NodeShutdown") => return Some(Reason::Evicted),
        Some("NodeLost") => return Some(Reason::NodeLost),
        Some("Preempting") => return Some(Reason::Preempted),
        _ => {}
    }
    match disruption(status)?.reason.as_deref() {
        Some("DeletionByPodGC") => Some(Reason::NodeLost),
        Some("PreemptionByScheduler") => Some(Reason::Preempted),
        _ => Some(Reason::Evicted),
    }
}

/// Whether no kubelet has anything to stop: the pod was never scheduled, or its grace period is over.
fn nothing_runs(pod: &Pod) -> bool {
    let scheduled = pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some());
    !scheduled || pod.metadata.deletion_grace_period_seconds == Some(0)
}

fn end(terminated: ContainerStateTerminated, deleted: bool) -> End {
    End {
        started_at: terminated.started_at,
        finished_at: terminated.finished_at,
        exit_code: Some(terminated.exit_code),
        word: terminated.reason.unwrap_or_default(),
        message: terminated.message.unwrap_or_default(),
        deleted,
        ..End::default()
    }
}

/// Returns what a waiting container is stalled by, unless it only waits for its turn. The kubelet alternates between
/// two reasons while it cannot pull an image. Both count as one.
fn stall(state: &ContainerState) -> Option<Stall> {
    let waiting = state.waiting.as_ref()?;
    let word = match waiting.reason.as_deref()? {
        "ContainerCreating" | "PodInitializing" => return None,
        "ErrImagePull" => "ImagePullBackOff",
        word => word,
    };
    Some(Stall { word: word.to_owned(), message: waiting.message.clone().unwrap_or_default() })
}

fn unschedulable(pod: &Pod) -> Option<Stall> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let scheduled = conditions
        .iter()
        .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False")?;
    Some(Stall {
        word: scheduled.reason.clone().unwrap_or_else(|| "Unschedulable".to_owned()),
        message: scheduled.message.clone().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn state_of(pod: Value) -> PodState {
        pod_state(&serde_json::from_value(pod).unwrap())
    }

    fn with_state(state: Value) -> Value {
        json!({"metadata": {}, "spec": {"containers": [], "nodeName": "n"}, "status": {"containerStatuses": [
            {"name": "other", "image": "", "imageID": "", "ready": true, "restartCount": 0, "state": {"running": {}}},
            {"name": "chaostoolkit", "image": "", "imageID": "", "ready": true, "restartCount": 0, "state": state},
        ]}})
    }

    #[rstest]
    #[case(json!({"status": {"phase": "Pending"}}))]
    #[case(with_state(json!({"waiting": {"reason": "ContainerCreating"}})))]
    #[case(with_state(json!({"waiting": {}})))]
    #[case(with_state(json!({})))]
    fn starting(#[case] pod: Value) {
        assert_eq!(state_of(pod), PodState::Starting(None));
    }

    #[rstest]
    #[case(with_state(json!({"waiting": {"reason": "ErrImagePull", "message": "no"}})), "ImagePullBackOff")]
    #[case(with_state(json!({"waiting": {"reason": "ImagePullBackOff", "message": "no"}})), "ImagePullBackOff")]
    #[case(with_state(json!({"waiting": {"reason": "CreateContainerConfigError", "message": "no"}})), "CreateContainerConfigError")]
    #[case(json!({"status": {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no"}]}}), "Unschedulable")]
    fn stalled(#[case] pod: Value, #[case] word: &str) {
        assert_eq!(
            state_of(pod),
            PodState::Starting(Some(Stall { word: word.into(), message: "no".into() }))
        );
    }

    #[test]
    fn running_is_about_the_container_of_the_toolkit() {
        let pod = with_state(json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}}));
        assert!(matches!(state_of(pod), PodState::Running { started_at: Some(_) }));
    }

    #[rstest]
    #[case(json!({"terminated": {"exitCode": 0, "reason": "Completed"}}), Some(0), "Completed")]
    #[case(json!({"terminated": {"exitCode": 1, "reason": "Error"}}), Some(1), "Error")]
    #[case(json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}}), Some(137), "OOMKilled")]
    fn ended(#[case] state: Value, #[case] exit_code: Option<i32>, #[case] word: &str) {
        let PodState::Ended(end) = state_of(with_state(state)) else { panic!("not ended") };
        assert_eq!((end.exit_code, end.word.as_str(), end.deleted), (exit_code, word, false));
    }

    #[rstest]
    #[case::evicted_before_it_ran(json!({"status": {"phase": "Failed", "reason": "Evicted", "message": "low on memory"}}), "Evicted")]
    #[case::deleted_before_it_was_scheduled(json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "status": {"phase": "Pending"}}), "Deleted")]
    #[case::its_node_is_gone(json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 0},
        "spec": {"nodeName": "n", "containers": []}, "status": {"phase": "Running"}}), "Deleted")]
    fn ended_without_an_exit_code(#[case] pod: Value, #[case] word: &str) {
        let PodState::Ended(end) = state_of(pod) else { panic!("not ended") };
        assert_eq!((end.exit_code, end.word.as_str()), (None, word));
    }

    /// This also holds if the container had ended by itself before.
    #[rstest]
    #[case::by_the_kubelet(json!({"reason": "Evicted", "message": "over its limit. "}), Reason::Evicted, "over its limit.")]
    #[case::through_the_api(json!({"conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting"}]}), Reason::Evicted, "Eviction API: evicting")]
    #[case::with_its_node(json!({"phase": "Failed", "conditions": [{"type": "DisruptionTarget", "status": "True",
        "reason": "DeletionByPodGC", "message": "PodGC: node no longer exists"}]}), Reason::NodeLost, "PodGC: node no longer exists")]
    #[case::not_disrupted(json!({"conditions": [{"type": "DisruptionTarget", "status": "False", "message": "no"}],
        "reason": "DeadlineExceeded"}), Reason::DeadlineExceeded, "")]
    fn the_platform_says_why_it_ends_a_pod(
        #[case] status: Value,
        #[case] cause: Reason,
        #[case] words: &str,
    ) {
        let mut pod = with_state(json!({"terminated": {"exitCode": 1, "message": "the runner's report"}}));
        pod["status"].as_object_mut().unwrap().extend(status.as_object().unwrap().clone());
        let PodState::Ended(end) = state_of(pod) else { panic!("not ended") };
        assert_eq!((end.cause, end.explanation.as_str()), (Some(cause), words));
    }

    #[test]
    fn a_pod_that_is_being_stopped_still_runs() {
        let mut pod = with_state(json!({"running": {}}));
        pod["metadata"] =
            json!({"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 30});
        assert!(matches!(state_of(pod), PodState::Running { .. }));
    }

    #[rstest]
    #[case(json!(["/chaostoolkit-runner/chaos-runner", "run", "/chaostoolkit-runner", "--", "chaos"]), json!(["run"]), false)]
    #[case(json!(["/chaostoolkit-runner/chaos-runner", "run", "/chaostoolkit-runner", "--", "/venv/bin/chaos"]), json!([]), false)]
    #[case(json!(["/chaostoolkit-runner/chaos-runner", "run", "/chaostoolkit-runner", "--", "bash", "-c"]), json!(["chaos run"]), true)]
    #[case(json!(["/chaostoolkit-runner/chaos-runner", "run", "/chaostoolkit-runner", "--", "chaos-mesh"]), json!([]), true)]
    #[case(json!(["chaos"]), json!(["run"]), false)]
    fn a_command_of_another_name_is_wrapped(
        #[case] command: Value,
        #[case] args: Value,
        #[case] expected: bool,
    ) {
        let mut pod = with_state(json!({"terminated": {"exitCode": 0}}));
        pod["spec"]["containers"] = json!([{"name": "chaostoolkit", "command": command, "args": args}]);
        let PodState::Ended(end) = state_of(pod) else { panic!("it goes on") };
        assert_eq!(end.is_wrapped, expected);
    }
}
