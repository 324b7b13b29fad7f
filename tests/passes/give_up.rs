//! Teardowns that are given up: nothing that is left keeps its rights.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::control::{RESCUE, rerun, with_rollbacks};
use super::schedule::begin_run;
use super::*;
use crate::fake_api::Call;

/// Lets the next teardown be overdue.
fn hurry(operator: &mut Operator) {
    Arc::get_mut(&mut operator.context).unwrap().config.cleanup_limit = Duration::ZERO;
}

/// Returns a cluster with a run that ignores the request to stop, and an operator that waits no longer.
async fn stubborn() -> (FakeApi, Operator) {
    let (fake, mut operator) =
        begin_in(judged(cluster_for_runs()), &json!({"role": {"binds_to_namespaces": ["shop"]}}));
    fake.put(namespace("shop"));
    settle(&fake, &mut operator, None).await;
    assert_eq!(status(&fake)["phase"], "Running");
    hurry(&mut operator);
    fake.delete(EXPERIMENT);
    (fake, operator)
}

/// Returns what the event says that the experiment was given up.
fn told(fake: &FakeApi) -> String {
    let events = fake.events();
    let mut given_up = events.iter().filter(|event| {
        event["reason"] == "CleanupBlocked" && event["note"].as_str().unwrap().starts_with("gave up")
    });
    given_up.next().unwrap()["note"].as_str().unwrap().to_owned()
}

/// Returns the position of the first write like this.
fn position(writes: &[Call], is_wanted: impl Fn(&Call) -> bool) -> usize {
    writes.iter().position(is_wanted).unwrap_or_else(|| panic!("{writes:?}"))
}

#[tokio::test]
async fn the_rights_of_a_run_that_does_not_end_go_before_its_pod_and_nothing_is_left() {
    let (fake, mut operator) = stubborn().await;
    operator.pass().await;
    nothing_is_left(&fake);
    let writes = fake.writes();
    let killed = position(&writes, |call| call.path == POD && call.body["gracePeriodSeconds"] == 0);
    for (kind, number) in [("/rolebindings/", 2), ("/roles/", 2)] {
        let mut gone =
            writes[..killed].iter().filter(|call| call.method == "DELETE" && call.path.contains(kind));
        assert_eq!(gone.by_ref().count(), number, "in both namespaces: {kind}");
    }
    for kind in ["/serviceaccounts/", "/configmaps/"] {
        let first = position(&writes, |call| call.method == "DELETE" && call.path.contains(kind));
        assert!(first > killed, "{kind}");
    }
    assert_eq!(short(writes.last().unwrap()), "PATCH chaosexperiments", "the experiment goes last");
    assert!(
        told(&fake).contains("its pod has not ended; the rights of the run were removed"),
        "{}",
        told(&fake)
    );
}

#[tokio::test]
async fn a_deletion_that_is_refused_leaves_the_others_done_and_is_named() {
    for kind in ["/rolebindings/", "/roles/", "/pods/", "/serviceaccounts/", "/configmaps/"] {
        let (fake, mut operator) = stubborn().await;
        fake.refuse(Some(("DELETE", kind, 403)));
        operator.pass().await;
        let left: Vec<String> =
            fake.objects().into_keys().filter(|path| path.contains("a235f4ad3e")).collect();
        assert!(!left.is_empty() && left.iter().all(|path| path.contains(kind)), "{kind}: {left:?}");
        assert_eq!(fake.get(EXPERIMENT), None, "{kind}: nobody waits for ever");
        for path in &left {
            let name = path.rsplit('/').next().unwrap();
            assert!(told(&fake).contains(name), "{}", told(&fake));
        }
        if kind == "/pods/" {
            assert_eq!(fake.get(POD).unwrap()["metadata"]["finalizers"], json!([]), "it blocks nobody");
        }
    }
}

#[tokio::test]
async fn a_list_that_is_refused_does_not_keep_the_known_pods_alive() {
    let (fake, mut operator) = stubborn().await;
    fake.refuse(Some(("GET", "/namespaces/chaostoolkit-run/pods?", 403)));
    operator.pass().await;
    nothing_is_left(&fake);
}

#[tokio::test]
async fn the_pods_of_all_runs_go() {
    let (fake, mut operator) = begin(&with_rollbacks(json!({"rescue": true})));
    settle(&fake, &mut operator, Some(0)).await;
    rerun(&fake, "1");
    settle(&fake, &mut operator, None).await;
    let second = format!("{POD}-2");
    fake.end(&second, 137, None);
    settle(&fake, &mut operator, None).await;
    assert!(fake.get(POD).is_some() && fake.get(&second).is_some());
    assert!(fake.get(&RESCUE.replace("-rescue", "-2-rescue")).is_some(), "its rollbacks do not end");
    hurry(&mut operator);
    fake.delete(EXPERIMENT);
    operator.pass().await;
    nothing_is_left(&fake);
}

#[tokio::test]
async fn a_schedule_whose_run_does_not_end_leaves_nothing() {
    for kind in [None, Some("/cronjobs/"), Some("/jobs/"), Some("/rolebindings/")] {
        let (fake, mut operator, pod) = begin_run().await;
        hurry(&mut operator);
        fake.delete(EXPERIMENT);
        fake.refuse(kind.map(|kind| ("DELETE", kind, 500)));
        operator.pass().await;
        let left: Vec<String> =
            fake.objects().into_keys().filter(|path| path.contains("a235f4ad3e")).collect();
        assert!(left.iter().all(|path| kind.is_some_and(|kind| path.contains(kind))), "{kind:?}: {left:?}");
        // The garbage collector deletes a Job with its CronJob.
        let is_clean = matches!(kind, None | Some("/jobs/"));
        assert_eq!((left.is_empty(), fake.get(&pod), fake.get(EXPERIMENT)), (is_clean, None, None));
    }
}

#[tokio::test]
async fn what_holds_a_pod_in_place_of_the_operator_is_named() {
    let (fake, mut operator) = stubborn().await;
    fake.edit(POD, |pod| {
        pod["metadata"]["finalizers"].as_array_mut().unwrap().push(json!("example.com/other"));
    });
    operator.pass().await;
    let pod = fake.get(POD).unwrap();
    assert_eq!(pod["metadata"]["deletionGracePeriodSeconds"], 0, "its containers are killed");
    assert!(told(&fake).contains("is held by example.com/other"), "{}", told(&fake));
    assert!(fake.list("RoleBinding").is_empty() && fake.list("Role").is_empty());
}

#[tokio::test]
async fn a_grace_period_is_at_most_a_day_and_one_that_is_none_is_told_by_its_path() {
    let template = |grace: &serde_json::Value| {
        json!({"pod": {"template": {"spec": {"terminationGracePeriodSeconds": grace,
            "containers": [{"name": "chaostoolkit", "command": ["chaos"], "image": "i"}]}}}})
    };
    let (fake, mut operator) = begin(&template(&json!(864_000)));
    settle(&fake, &mut operator, None).await;
    assert_eq!(fake.get(POD).unwrap()["spec"]["terminationGracePeriodSeconds"], 86_400);
    let accepted = status(&fake)["conditions"].to_string();
    assert!(accepted.contains("asks for a grace period of 864000 s"), "{accepted}");
    for wrong in [json!(-1), json!(i64::MAX), json!("300"), json!(1.5)] {
        let (fake, mut operator) = begin(&template(&wrong));
        settle(&fake, &mut operator, None).await;
        let found = status(&fake);
        assert_eq!([&found["phase"], &found["reason"]], ["Failed", "InvalidSpec"], "{wrong}");
        let message = found["message"].as_str().unwrap();
        assert!(message.starts_with("spec.pod.template.spec.terminationGracePeriodSeconds: "), "{message}");
        assert_eq!(pods_created(&fake), 0);
    }
}

/// Pods that an older operator has created may have any grace period.
#[tokio::test]
async fn a_pod_with_a_longer_grace_period_than_a_day_is_stopped_with_a_day() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, None).await;
    fake.edit(POD, |pod| pod["spec"]["terminationGracePeriodSeconds"] = json!(864_000));
    super::control::set(&fake, "abort", json!(true));
    operator.pass().await;
    let stop = fake.writes().into_iter().find(|call| call.method == "DELETE" && call.path == POD).unwrap();
    assert_eq!(stop.body["gracePeriodSeconds"], 86_400);
}
