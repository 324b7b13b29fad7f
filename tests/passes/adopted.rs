//! Experiments that version 0.14.0 has run, and objects of others that have the names of theirs.

use chaostoolkit_api::names;
use serde_json::{Value, json};

use super::*;

/// Returns a cluster with an experiment that 0.14.0 has run, its account, and its pod with this metadata.
pub fn ran_before(more: &Value) -> FakeApi {
    let fake = cluster_for_runs();
    let metadata = json!({"name": "chaostoolkit-a235f4ad3e", "namespace": "chaostoolkit-run"});
    fake.put(json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}));
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"nodeName": "node"}, "status": {
        "phase": "Running", "containerStatuses": [{"name": "chaostoolkit", "state": {"running": {}}}]}});
    for (key, value) in more.as_object().unwrap() {
        pod["metadata"][key] = value.clone();
    }
    fake.put(pod);
    let mut experiment = experiment(&json!({}));
    experiment["metadata"]["annotations"] = json!({names::KOPF_ANNOTATION: "{}"});
    experiment["metadata"]["finalizers"] = json!([names::KOPF_FINALIZER]);
    fake.put(experiment);
    fake
}

#[tokio::test]
async fn adoption_keeps_the_finalizers_of_others() {
    let fake = ran_before(&json!({"finalizers": ["somebody.else/holds"]}));
    let mut operator = Operator::new(&fake, Hangs::Crash);
    settle(&fake, &mut operator, None).await;
    let pod = fake.get(POD).unwrap();
    assert_eq!(pod["metadata"]["finalizers"], json!(["somebody.else/holds", names::OUTCOME_FINALIZER]));
    assert_eq!(pod["metadata"]["labels"][names::UID_LABEL], UID);
    let account = fake.list("ServiceAccount").remove(0);
    let resources = &status(&fake)["resources"];
    assert_eq!([&resources[0]["adopted"], &resources[0]["uid"]], [&json!(true), &account["metadata"]["uid"]]);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(fake.get(POD).unwrap()["metadata"]["finalizers"], json!(["somebody.else/holds"]));
}

#[tokio::test]
async fn a_pod_of_another_experiment_is_not_adopted() {
    let fake =
        ran_before(&json!({"labels": {names::UID_LABEL: "another"}, "finalizers": ["somebody.else/holds"]}));
    let before = fake.get(POD);
    let mut operator = Operator::new(&fake, Hangs::Crash);
    settle(&fake, &mut operator, None).await;
    assert_eq!(status(&fake)["reason"], "Adopted", "the pod of the experiment is gone");
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    assert_eq!((fake.get(POD), fake.get(EXPERIMENT), pods_created(&fake)), (before, None, 0));
    assert!(fake.list("ServiceAccount").is_empty(), "its own account goes");
}
