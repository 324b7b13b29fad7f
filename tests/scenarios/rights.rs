//! Rights that the operator lacks in one namespace.

use chaostoolkit_api::condition::Type;
use chaostoolkit_api::names;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding};
use kube::{Api, ResourceExt};
use serde_json::json;

use crate::common::install::Install;
use crate::common::operator::Operator;
use crate::common::{condition_of, create, delete, pod_of, wait_for_reason, wait_until_gone};

/// A right that the operator has where it is bound.
const DELETE_BINDINGS: [&str; 3] = ["delete", "rbac.authorization.k8s.io", "rolebindings"];

#[tokio::test]
#[ignore = "needs an API server"]
async fn what_may_not_be_deleted_is_named_the_rest_goes_and_with_the_right_so_does_the_experiment() {
    let install = Install::new("halfway").await;
    install.with_experiment("{}").await;
    let (shop, name) = (format!("{}-shop", install.namespace), &install.namespace);
    let namespaces = Api::<Namespace>::all(install.client.clone());
    create(&namespaces, json!({"metadata": {"name": shop}})).await;
    // The operator gets its rights namespace by namespace, so that those in one namespace can be removed.
    let subject = json!([{"kind": "ServiceAccount", "name": name, "namespace": name}]);
    let role = format!("{name}-runs");
    let reference = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role});
    let right = json!({"metadata": {"name": "operator"}, "roleRef": reference, "subjects": subject});
    let bindings = |namespace: &str| Api::<RoleBinding>::namespaced(install.client.clone(), namespace);
    for namespace in [&install.run_namespace, &shop] {
        create(&bindings(namespace), right.clone()).await;
    }
    delete(&Api::<ClusterRoleBinding>::all(install.client.clone()), &role).await;
    install.wait_until_may("default", DELETE_BINDINGS, false).await;
    install.wait_until_may(&shop, DELETE_BINDINGS, true).await;

    let _operator = Operator::start(&install).await;
    let made = install.apply_experiment("exp", json!({"role": {"binds_to_namespaces": [shop]}})).await;
    pod_of(&install, "exp").await;
    delete(&bindings(&shop), "operator").await;
    install.wait_until_may(&shop, DELETE_BINDINGS, false).await;
    delete(&install.experiments(), "exp").await;
    let blocked = wait_for_reason(&install.experiments(), "exp", "CleanupBlocked").await;
    assert_eq!(condition_of(&blocked, Type::CleanupBlocked), "True/CleanupBlocked");
    let bound = format!("RoleBinding {shop}/chaostoolkit-experiment-{}", names::suffix(made.uid()));
    let message = blocked.message.unwrap();
    assert!(message.contains(&bound), "{message}");
    let left = install.left_behind().await;
    assert_eq!(left.len(), 2, "the role and its binding in that namespace are left: {left:?}");
    let held = install.experiments().get("exp").await.unwrap();
    assert!(held.finalizers().iter().any(|found| found == names::TEARDOWN_FINALIZER));

    create(&bindings(&shop), right).await;
    wait_until_gone(&install.experiments(), "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}
