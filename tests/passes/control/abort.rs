//! Runs that their author aborts.

use super::*;

#[tokio::test]
async fn an_abort_stops_the_run_once_and_its_end_says_what_was_rolled_back() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, None).await;
    assert_eq!(status(&fake)["phase"], "Running");
    set(&fake, "abort", json!(true));
    operator.pass().await;
    assert_eq!(found(&fake), "Aborting/Unknown/AbortRequested");
    assert_eq!(condition(&fake, "Finished"), "False/AbortRequested");
    let changes = fake.changes();
    for _ in 0..3 {
        operator.pass().await;
    }
    assert_eq!((deletions(&fake, POD), events(&fake, "AbortRequested")), (1, 1));
    assert_eq!(fake.changes(), changes, "a pass only checks whether the pod has ended");
    fake.end(POD, 1, Some(&interrupted()));
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Aborted/Interrupted/AbortRequested");
    assert_eq!(condition(&fake, "Finished"), "True/AbortRequested");
    assert_eq!(condition(&fake, "Succeeded"), "False/AbortRequested");
    assert_eq!(condition(&fake, "RolledBack"), "True/RollbacksPlayed");
    assert_eq!(status(&fake)["run"]["rollbacks"]["state"], "Played");
    assert_eq!(
        status(&fake)["counters"],
        json!({"runs": 1, "passed": 0, "deviated": 0, "failed": 0, "aborted": 1, "skipped": 0})
    );
    assert_eq!(operator_counts(&operator).len(), 1);
    assert_eq!(fake.get(POD), None, "the pod was deleted, and nothing holds it");
    assert_eq!(
        (deletions(&fake, POD), events(&fake, "Aborted"), events(&fake, "RollbacksPlayed")),
        (1, 1, 1)
    );
    // The run does not come back when the abort is revoked.
    set(&fake, "abort", json!(false));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!((pods_created(&fake), status(&fake)["phase"].clone()), (1, json!("Aborted")));
    is_over(&fake, &mut operator).await;
}

#[tokio::test]
async fn an_abort_says_that_the_rollbacks_may_take_too_long() {
    let mut spec = with_rollbacks(json!({}));
    spec["experiment"]["rollbacks"][0]["pauses"] = json!({"after": 400});
    let (fake, mut operator) = begin(&spec);
    settle(&fake, &mut operator, None).await;
    set(&fake, "abort", json!(true));
    operator.pass().await;
    let told = "stopping the run, as spec.abort asks; the rollbacks may take 400 s by their pauses and timeouts, \
        and a pod that is stopped has 300 s for them";
    assert_eq!(status(&fake)["message"], told);
    fake.end(POD, 1, Some(&interrupted()));
    settle(&fake, &mut operator, None).await;
    is_over(&fake, &mut operator).await;
}

#[tokio::test]
async fn an_abort_before_the_start_is_the_end_and_no_pod_ever_exists() {
    // From the start, and while the run waits for its `ConfigMap`.
    for is_waiting in [false, true] {
        let (fake, mut operator) = begin_in(cluster(), &json!({"abort": !is_waiting}));
        if is_waiting {
            settle(&fake, &mut operator, Some(0)).await;
            assert_eq!(status(&fake)["reason"], "ConfigMapMissing");
            set(&fake, "abort", json!(true));
        }
        settle(&fake, &mut operator, Some(0)).await;
        assert_eq!(status(&fake)["phase"], "Aborted", "{}", status(&fake));
        assert_eq!(condition(&fake, "Finished"), "True/AbortRequested");
        assert_eq!(condition(&fake, "RolledBack"), "Unknown/NotStarted");
        assert_eq!(status(&fake)["counters"]["runs"], 1);
        assert!(!operator.again);
        let versions = fake.versions().len();
        operator.pass().await;
        assert_eq!(fake.versions().len(), versions, "nothing more is written about the run");
        // The `ConfigMap` that the run waited for and the end of the abort come too late.
        fake.put(namespace("chaostoolkit-run"));
        fake.put(config_map("chaostoolkit-run"));
        set(&fake, "abort", json!(false));
        settle(&fake, &mut operator, Some(0)).await;
        assert_eq!((pods_created(&fake), status(&fake)["phase"].clone()), (0, json!("Aborted")));
        assert_eq!(operator_counts(&operator).len(), 1);
        // A rerun still works.
        rerun(&fake, "now");
        settle(&fake, &mut operator, Some(0)).await;
        assert_eq!((pods_created(&fake), status(&fake)["phase"].clone()), (1, json!("Completed")));
        assert_eq!(status(&fake)["run"]["podName"], "chaostoolkit-a235f4ad3e-2");
        is_over(&fake, &mut operator).await;
    }
}

#[tokio::test]
async fn an_abort_while_the_container_starts_ends_the_run() {
    let (fake, mut operator) = begin(&json!({}));
    while status(&fake)["phase"] != "Starting" {
        operator.pass().await;
    }
    set(&fake, "abort", json!(true));
    operator.pass().await;
    operator.pass().await;
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Aborted/Interrupted/AbortRequested");
    assert_eq!(condition(&fake, "RolledBack"), "Unknown/NotStarted");
    assert_eq!((fake.get(POD), deletions(&fake, POD), pods_created(&fake)), (None, 1, 1));
    is_over(&fake, &mut operator).await;
}

#[tokio::test]
async fn an_abort_needs_no_valid_spec() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, None).await;
    fake.edit(EXPERIMENT, |experiment| experiment["spec"] = json!({"abort": true, "pod": 7}));
    settle(&fake, &mut operator, None).await;
    assert_eq!(found(&fake), "Aborted/Interrupted/AbortRequested");
}

/// The call that creates the pod may arrive after the run was given up.
#[tokio::test(start_paused = true)]
async fn a_pod_that_comes_too_late_is_stopped_and_does_not_change_the_end() {
    let (fake, mut operator) = begin(&json!({}));
    let mut slow = Operator::new(&fake, Hangs::Sleep);
    let posts = {
        let (fake, mut operator) = begin(&json!({}));
        settle(&fake, &mut operator, Some(0)).await;
        fake.calls().iter().position(|call| short(call) == "POST pods").unwrap()
    };
    fake.fail(posts, Fault::HangBefore);
    while slow.asleep.is_none() {
        slow.pass().await;
    }
    set(&fake, "abort", json!(true));
    settle(&fake, &mut operator, None).await;
    assert_eq!((status(&fake)["phase"].clone(), fake.get(POD)), (json!("Aborted"), None));
    slow.wake_up().await;
    assert_eq!(pods_created(&fake), 1);
    settle(&fake, &mut operator, None).await;
    assert_eq!((status(&fake)["phase"].clone(), fake.get(POD)), (json!("Aborted"), None));
    is_over(&fake, &mut operator).await;
}
