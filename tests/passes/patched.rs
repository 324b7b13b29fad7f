//! Pods that an author has changed by `pod.patch` and its short forms.

use serde_json::json;

use super::*;

#[tokio::test]
async fn a_patched_pod_is_a_run_like_any_other() {
    let patch = json!({"metadata": {"labels": {"tier": "x"}}, "spec": {"containers": [{"name": "helper", "image": "h"}]}});
    let (fake, mut operator) = begin(&json!({"pod": {"nodeSelector": {"disk": "ssd"}, "patch": patch}}));
    settle(&fake, &mut operator, None).await;
    assert_eq!(status(&fake)["phase"], "Running");
    let pod = fake.get(POD).unwrap();
    assert_eq!(pod["metadata"]["labels"]["tier"], "x");
    assert_eq!(pod["spec"]["nodeSelector"], json!({"disk": "ssd", "kubernetes.io/os": "linux"}));
    let containers = pod["spec"]["containers"].as_array().unwrap();
    assert_eq!(containers.iter().map(|one| &one["name"]).collect::<Vec<_>>(), ["chaostoolkit", "helper"]);
    assert_eq!(containers[0]["command"][0], chaostoolkit_api::names::RUNNER);
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!(status(&fake)["phase"], "Completed");
    fake.delete(EXPERIMENT);
    settle(&fake, &mut operator, None).await;
    nothing_is_left(&fake);
    check_protocol(&fake);
}

#[tokio::test]
async fn a_patch_of_what_the_operator_sets_is_refused_by_its_path() {
    let patch = json!({"spec": {"serviceAccountName": "admin", "containers": [{"name": "chaostoolkit", "$patch": "delete"}]}});
    let (fake, mut operator) =
        begin(&json!({"pod": {"tolerations": [{"tolerationSeconds": "x"}], "patch": patch}}));
    settle(&fake, &mut operator, Some(0)).await;
    assert_eq!((status(&fake)["phase"].clone(), pods_created(&fake)), (json!("Failed"), 0));
    assert_eq!(status(&fake)["reason"], "InvalidSpec");
    let message = status(&fake)["message"].as_str().unwrap().to_owned();
    for path in [
        "spec.pod.tolerations[0].tolerationSeconds: ",
        "spec.pod.patch.spec.serviceAccountName: ",
        "spec.pod.patch.spec.containers[0].$patch: ",
    ] {
        assert!(message.contains(path), "{message}");
    }
}

#[tokio::test]
async fn a_field_of_a_later_kubernetes_is_sent_and_told() {
    let patch = json!({"spec": {"fromTheFuture": {"a": 1}}});
    let (fake, mut operator) = begin(&json!({"pod": {"patch": patch}}));
    settle(&fake, &mut operator, None).await;
    assert_eq!(fake.get(POD).unwrap()["spec"]["fromTheFuture"], json!({"a": 1}));
    let conditions = status(&fake)["conditions"].to_string();
    assert!(conditions.contains("spec.pod.patch.spec.fromTheFuture"), "{conditions}");
}
