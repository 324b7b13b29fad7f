//! The pod of a run that has ended, was deleted or is to be deleted.

use serde_json::json;

use super::*;

#[tokio::test]
async fn a_pod_that_the_cache_does_not_have_yet_is_let_go_once_it_has() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, None).await;
    fake.kubelet(Some(0));
    // The end is recorded after the journal was read, all journals were counted, and it was kept. Then the operator is killed.
    fake.fail(fake.calls().len() + 5, Fault::HangAfter);
    operator.pass().await;
    assert_eq!(status(&fake)["phase"], "Completed");
    assert_ne!(fake.get(POD).unwrap()["metadata"]["finalizers"], json!([]));
    // The cache of the new operator has the experiment, but not the pod.
    let calls = fake.calls().len();
    operator.pass_on(fake.get(EXPERIMENT).unwrap()).await;
    assert_eq!(fake.calls().len(), calls);
    // The watch announces each pod before the cache is filled, and says nothing more afterwards.
    assert!(operator.again, "another pass is due once it is known which pods there are");
    // The pod arrives.
    settle(&fake, &mut operator, None).await;
    assert_eq!(fake.get(POD).unwrap()["metadata"]["finalizers"], json!([]));
}

#[tokio::test]
async fn a_pod_that_somebody_deletes_is_the_end_of_its_run() {
    for vanishes in [false, true] {
        let (fake, mut operator) = begin(&json!({}));
        settle(&fake, &mut operator, None).await;
        assert_eq!(status(&fake)["phase"], "Running");
        if vanishes {
            fake.vanish(POD);
        } else {
            fake.delete(POD);
        }
        settle(&fake, &mut operator, None).await;
        let (phase, reason) = if vanishes { ("Failed", "PodLost") } else { ("Aborted", "PodDeleted") };
        assert_eq!(status(&fake)["phase"], phase);
        assert_eq!(status(&fake)["reason"], reason);
        assert!(!status(&fake)["run"]["finishedAt"].is_null());
        assert_eq!(fake.get(POD), None, "nothing holds it any more");
        // Neither a restart nor an edit starts the run again.
        let mut operator = Operator::new(&fake, Hangs::Crash);
        settle(&fake, &mut operator, Some(0)).await;
        fake.edit(EXPERIMENT, |experiment| experiment["spec"]["verbose"] = json!(true));
        settle(&fake, &mut operator, Some(0)).await;
        // Nor does a cache from before the pod existed.
        for version in fake.versions() {
            operator.pass_on(version).await;
        }
        assert_eq!((pods_created(&fake), fake.get(POD)), (1, None));
        assert_eq!(status(&fake)["reason"], reason);
        fake.delete(EXPERIMENT);
        settle(&fake, &mut operator, None).await;
        nothing_is_left(&fake);
        check_protocol(&fake);
    }
}

#[tokio::test]
async fn the_rights_stay_until_the_pod_is_really_gone() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, Some(0)).await;
    fake.edit(POD, |pod| pod["metadata"]["finalizers"] = json!(["example.com/other"]));
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    assert!(!fake.get(POD).unwrap()["metadata"]["deletionTimestamp"].is_null());
    assert_eq!(fake.list("RoleBinding").len(), 1);
    fake.edit(POD, |pod| pod["metadata"]["finalizers"] = json!([]));
    settle(&fake, &mut operator, None).await;
    nothing_is_left(&fake);
}

/// This was seen when the operator was killed while the API server deleted the pod for it.
#[tokio::test]
async fn a_pod_whose_deletion_broke_off_half_way_is_deleted_again() {
    let (fake, mut operator) = begin(&json!({}));
    settle(&fake, &mut operator, Some(0)).await;
    fake.half_delete(POD);
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    nothing_is_left(&fake);
}

/// Neither the kubelet nor the operator can change anything in a namespace that does not exist.
#[tokio::test]
async fn a_pod_whose_namespace_was_removed_by_force_is_let_go_in_a_new_one() {
    for (deleted, exit_code, reason) in
        [(POD, None, "PodDeleted"), (EXPERIMENT, None, "PodDeleted"), (EXPERIMENT, Some(0), "Passed")]
    {
        let (fake, mut operator) = begin(&json!({}));
        settle(&fake, &mut operator, None).await;
        if let Some(code) = exit_code {
            fake.end(POD, code, None);
        }
        fake.delete(deleted);
        fake.vanish(RUN);
        settle(&fake, &mut operator, None).await;
        assert_eq!(fake.get(POD), None, "nothing holds it any more");
        let versions = fake.versions();
        let conditions = &versions.last().unwrap()["status"]["conditions"];
        let mut conditions = conditions.as_array().unwrap().iter();
        let finished = conditions.find(|condition| condition["type"] == "Finished").unwrap();
        assert_eq!((&finished["status"], &finished["reason"]), (&json!("True"), &json!(reason)));
        if deleted == POD {
            fake.delete(EXPERIMENT);
            settle(&fake, &mut operator, None).await;
        }
        nothing_is_left(&fake);
        assert_eq!(pods_created(&fake), 1);
        assert!(fake.get(RUN).is_some(), "namespaces stay");
    }
}

/// A run whose pod is on a node for long, and has not started.
async fn silent() -> (FakeApi, Operator) {
    let (fake, mut operator) = begin(&json!({}));
    while status(&fake)["phase"] != "Starting" {
        operator.pass().await;
    }
    fake.edit(POD, |pod| {
        pod["spec"]["nodeName"] = json!("node");
        pod["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
    });
    (fake, operator)
}

/// The kubelet says of the pod what only an event tells.
fn told(fake: &FakeApi, number: usize, kind: &str, reason: &str, words: &str) {
    let uid = fake.get(POD).unwrap()["metadata"]["uid"].clone();
    fake.put(json!({"apiVersion": "v1", "kind": "Event", "type": kind, "reason": reason, "message": words,
        "metadata": {"name": format!("event-{number}"), "namespace": "chaostoolkit-run"},
        "involvedObject": {"kind": "Pod", "uid": uid},
        "lastTimestamp": format!("2026-01-01T00:00:{number:02}Z")}));
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_does_not_start_has_the_words_of_its_events() {
    let later = || tokio::time::advance(std::time::Duration::from_secs(300));
    let (fake, mut operator) = silent().await;
    fake.edit(POD, |pod| {
        let waiting = json!({"waiting": {"reason": "ContainerCreating"}});
        pod["status"]["containerStatuses"] = json!([{"name": "chaostoolkit", "state": waiting}]);
    });
    told(&fake, 1, "Normal", "Scheduled", "assigned to node");
    operator.pass().await;
    assert_eq!(status(&fake)["reason"], "Starting");
    assert!(operator.again, "an event brings no pass");
    told(&fake, 2, "Warning", "FailedMount", "references non-existent secret key: kubeconfg");
    later().await;
    operator.pass().await;
    assert_eq!(status(&fake)["reason"], "StartStalled");
    assert_eq!(status(&fake)["message"], "FailedMount: references non-existent secret key: kubeconfg");
    told(&fake, 3, "Normal", "Pulling", "pulling the image");
    later().await;
    operator.pass().await;
    assert_eq!(status(&fake)["reason"], "Starting", "the pod goes on");
    // The kubelet of these tests starts a pod that is on no node.
    fake.edit(POD, |pod| {
        pod["spec"]["nodeName"] = Value::Null;
        pod["status"]["containerStatuses"] = json!([]);
    });
    settle(&fake, &mut operator, Some(0)).await;
    check_protocol(&fake);
}

#[tokio::test]
async fn events_that_cannot_be_read_do_not_hold_a_run() {
    let (fake, mut operator) = silent().await;
    fake.refuse(Some(("GET", "/chaostoolkit-run/events", 403)));
    let calls = fake.calls().len();
    operator.pass().await;
    assert!(fake.calls()[calls..].iter().any(|call| call.path.contains("/chaostoolkit-run/events")));
    assert_eq!(status(&fake)["reason"], "Starting");
    assert!(operator.again, "they may tell something later");
}
