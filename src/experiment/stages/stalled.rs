//! Says why a container has not started if its status does not: mostly, a volume cannot be mounted. Then only the events of the
//! pod tell, such as that a Secret lacks a key.

use k8s_openapi::api::core::v1::{Event, Pod};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;

use crate::cluster::Cluster;
use crate::cluster::manifest::Kind;
use crate::experiment::children::events;
use crate::experiment::judge::job::newest;
use crate::experiment::judge::pod_state::{PodState, Stall, node};
use crate::process::clock;

/// How long a pod may take before its events are read, in seconds.
const FIRST_LOOK: i64 = 15;

/// The longest time between two looks, in seconds. Large images take minutes, and each look is a call.
const LONGEST_WAIT: i64 = 300;

/// Returns the state of a pod with what its events tell, and when to look again. The state stays as it is if they tell nothing,
/// or if they cannot be read.
pub async fn told(cluster: &Cluster, pod: &Pod, state: &PodState) -> (PodState, Option<Timestamp>) {
    let Some(age) = age_of_silent(pod, state) else { return (state.clone(), None) };
    let (wait, is_due) = next_look(age);
    let again = clock::now().saturating_add(wait).ok();
    if !is_due {
        return (state.clone(), again);
    }
    match events::list(cluster, Kind::Pod, pod, "").await {
        Ok(events) => (PodState::Starting(newest(events).and_then(stall)), again),
        Err(error) => {
            tracing::debug!(%error, "cannot read why the pod does not start");
            (state.clone(), again)
        }
    }
}

/// Returns how long a pod has not started, if it is on a node and does not say why.
fn age_of_silent(pod: &Pod, state: &PodState) -> Option<SignedDuration> {
    let is_silent = *state == PodState::Starting(None) && pod.metadata.deletion_timestamp.is_none();
    node(pod).filter(|_| is_silent)?;
    // The API server has set that time.
    Some(clock::of_server().duration_since(pod.creation_timestamp()?.0))
}

/// Returns how long to wait for the next look, and whether one is due now.
fn next_look(age: SignedDuration) -> (SignedDuration, bool) {
    let age = age.as_secs();
    let wait =
        if age < FIRST_LOOK { FIRST_LOOK - age.max(0) } else { (age / 2).clamp(FIRST_LOOK, LONGEST_WAIT) };
    (SignedDuration::from_secs(wait), age >= FIRST_LOOK)
}

/// Returns what the newest event says, if it is a warning. A later event says that the pod goes on.
fn stall(event: Event) -> Option<Stall> {
    let is_warning = event.type_.as_deref() == Some("Warning");
    let word = event.reason.filter(|reason| is_warning && !reason.is_empty())?;
    Some(Stall { word, message: event.message.unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    #[rstest]
    #[case(-5, 15, false)]
    #[case(0, 15, false)]
    #[case(14, 1, false)]
    #[case(15, 15, true)]
    #[case(60, 30, true)]
    #[case(3600, 300, true)]
    fn a_pod_that_does_not_start_is_looked_at_less_and_less(
        #[case] age: i64,
        #[case] wait: i64,
        #[case] due: bool,
    ) {
        assert_eq!(next_look(SignedDuration::from_secs(age)), (SignedDuration::from_secs(wait), due));
    }

    #[rstest]
    #[case::silent(json!({"spec": {"nodeName": "n", "containers": []}}), true)]
    #[case::not_scheduled(json!({"spec": {"containers": []}}), false)]
    #[case::being_deleted(json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "spec": {"nodeName": "n", "containers": []}}), false)]
    #[case::it_says_why(json!({"spec": {"nodeName": "n", "containers": []},
        "status": {"containerStatuses": [{"name": "chaostoolkit", "state": {"waiting": {"reason": "ErrImagePull"}}}]}}), false)]
    fn only_a_pod_that_does_not_say_why_it_waits_is_looked_at(
        #[case] mut pod: Value,
        #[case] expected: bool,
    ) {
        pod["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
        let pod: Pod = serde_json::from_value(pod).unwrap();
        let state = crate::experiment::judge::pod_state::pod_state(&pod);
        assert_eq!(age_of_silent(&pod, &state).is_some(), expected);
    }

    #[test]
    fn only_a_warning_is_a_stall() {
        let event = |kind: &str| Event {
            type_: Some(kind.to_owned()),
            reason: Some("FailedMount".to_owned()),
            message: Some("no such key".to_owned()),
            ..Event::default()
        };
        assert_eq!(stall(event("Normal")), None);
        let told = Stall { word: "FailedMount".to_owned(), message: "no such key".to_owned() };
        assert_eq!(stall(event("Warning")), Some(told));
    }
}
