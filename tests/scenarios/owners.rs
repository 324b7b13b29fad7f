//! Controllers of somebody else whose selectors match the pod of a run.

use chaostoolkit_api::Phase;
use chaostoolkit_api::condition::Type;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::json;

use crate::common::{
    audit, condition_of, create, delete, delete_and_wait, experiment, pod_of, report_container, running,
    set_up, status_of, wait, wait_for_phase, wait_until_gone,
};

/// The replica sets of a Deployment also select by a hash label. No runner pod has this label.
#[tokio::test]
#[ignore = "needs an API server"]
async fn a_deployment_that_selects_the_labels_of_an_experiment_does_not_take_its_pod() {
    let (install, _operator) = set_up("selected").await;
    let deployments = Api::<Deployment>::namespaced(install.client.clone(), &install.run_namespace);
    let labels = json!({"team": "shop"});
    let template =
        json!({"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let spec = json!({"replicas": 1, "selector": {"matchLabels": labels}, "template": template});
    create(&deployments, json!({"metadata": {"name": "shop"}, "spec": spec})).await;
    let mut exp = experiment("exp", json!({"namespace": install.run_namespace}));
    exp["metadata"]["labels"] = labels;
    install.send(exp).await.unwrap();
    let pod = pod_of(&install, "exp").await;
    report_container(&install.pods(), &pod, running()).await;
    wait_for_phase(&install.experiments(), "exp", Phase::Running).await;
    // Scaling up and down makes the controller look at all pods that it selects, before it reports the result.
    for replicas in [2, 0] {
        let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
        deployments.patch("shop", &PatchParams::default(), &patch).await.unwrap();
        wait(&deployments, "shop", "scaled", |found| {
            let Some(Deployment { metadata, status: Some(status), .. }) = found else { return false };
            status.observed_generation == metadata.generation && status.replicas.unwrap_or(0) == replicas
        })
        .await;
    }
    let found = install.pods().get(&pod).await.unwrap();
    assert_eq!(found.labels().get("team").map(String::as_str), Some("shop"), "the pod has the labels");
    assert_eq!(found.metadata.owner_references, None, "the pod has no other owner");
    assert_eq!(found.metadata.deletion_timestamp, None);
    let now = status_of(&install, "exp").await;
    assert_eq!(now.phase, Some(Phase::Running));
}

/// Kubernetes lets a replica set adopt any pod without a controller that it selects. The operator can only report this
/// and not repeat the run.
#[tokio::test]
#[ignore = "needs an API server"]
async fn a_pod_that_a_replica_set_takes_and_deletes_is_the_end_of_its_run_and_nothing_is_left() {
    let (install, _operator) = set_up("taken").await;
    let labels = json!({"team": "shop"});
    let mut exp = experiment("exp", json!({"namespace": install.run_namespace}));
    exp["metadata"]["labels"] = labels.clone();
    install.send(exp).await.unwrap();
    let pod = pod_of(&install, "exp").await;
    let sets = Api::<ReplicaSet>::namespaced(install.client.clone(), &install.run_namespace);
    let template =
        json!({"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let spec = json!({"replicas": 0, "selector": {"matchLabels": labels}, "template": template});
    create(&sets, json!({"metadata": {"name": "shop"}, "spec": spec})).await;
    let ended = wait_for_phase(&install.experiments(), "exp", Phase::Failed).await;
    assert_eq!(condition_of(&ended, Type::Finished), "True/PodDeleted");
    wait_until_gone(&install.pods(), &pod).await;
    delete(&sets, "shop").await;
    delete_and_wait(&install.experiments(), "exp").await;
    assert_eq!(audit::pods_created_in(&install.run_namespace), 1, "the run is not repeated");
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}
