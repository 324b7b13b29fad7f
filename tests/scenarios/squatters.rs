//! Objects of somebody else that have the names of the objects of a run.

use chaostoolkit_api::condition::Type;
use chaostoolkit_api::names;
use chaostoolkit_api::{Experiment, Phase};
use kube::api::{DeleteParams, DynamicObject};
use kube::core::{ApiResource, GroupVersionKind, ObjectMeta};
use kube::{Api, ResourceExt};
use serde_json::json;

use crate::common::install::Install;
use crate::common::operator::Operator;
use crate::common::{condition_of, delete_and_wait, status, wait, wait_for_reason, wait_until_gone};

#[tokio::test]
#[ignore = "needs an API server"]
async fn an_object_in_the_way_is_neither_adopted_nor_deleted_and_the_run_starts_once_it_is_gone() {
    let install = Install::new("squatter").await;
    install.with_experiment("{}").await;
    let namespace = &install.run_namespace;
    let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"});
    let pod = json!({"spec": {"containers": [{"name": "c", "image": "i"}]}});
    let squatters = [
        ("v1", "ServiceAccount", "chaostoolkit", json!({})),
        ("rbac.authorization.k8s.io/v1", "Role", "chaostoolkit-experiment", json!({"rules": []})),
        ("rbac.authorization.k8s.io/v1", "RoleBinding", "chaostoolkit-experiment", json!({"roleRef": role})),
        ("v1", "ConfigMap", "chaostoolkit-env", json!({"data": {"a": "b"}})),
        ("v1", "Pod", "chaostoolkit", pod),
        (
            "batch/v1",
            "CronJob",
            "chaostoolkit",
            json!({"spec": {"schedule": "0 0 1 1 *", "suspend": true,
            "jobTemplate": {"spec": {"template": {"spec": {"restartPolicy": "Never",
                "containers": [{"name": "c", "image": "i"}]}}}}}}),
        ),
    ];
    let mut cases = Vec::new();
    for (version, kind, name, rest) in squatters {
        for waits in [true, false] {
            let experiment = format!("{}-{waits}", kind.to_lowercase());
            let schedule = (kind == "CronJob").then(|| json!({"kind": "cronJob", "value": "0 0 1 1 *"}));
            let made = install.apply_experiment(&experiment, json!({"schedule": schedule})).await;
            let name = format!("{name}-{}", names::suffix(made.uid()));
            let mut squatter = rest.clone();
            squatter["apiVersion"] = json!(version);
            squatter["kind"] = json!(kind);
            squatter["metadata"] = json!({"name": name, "namespace": namespace});
            install.create_any(&squatter).await;
            let (group, version) = version.split_once('/').unwrap_or(("", version));
            let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
            let api = Api::<DynamicObject>::namespaced_with(install.client.clone(), namespace, &resource);
            let before = api.get(&name).await.unwrap();
            cases.push((experiment, format!("{kind} {namespace}/{name}"), api, before, waits));
        }
    }
    let _operator = Operator::start(&install).await;
    for (experiment, called, api, before, waits) in cases {
        let name = before.name_any();
        let blocked = wait_for_reason(&install.experiments(), &experiment, "NameConflict").await;
        assert_eq!(blocked.phase, Some(Phase::Blocked));
        let message = blocked.message.unwrap();
        assert!(message.contains(&called), "{message}");
        if waits {
            let at_once = DeleteParams::default().grace_period(0);
            api.delete(&name, &at_once).await.unwrap();
            let is_there = |found: Option<&Experiment>| {
                condition_of(&status(found), Type::Provisioned) == "True/Provisioned"
            };
            wait(&install.experiments(), &experiment, "provisioned", is_there).await;
            let ours = api.get(&name).await.unwrap();
            assert!(ours.labels().contains_key(names::UID_LABEL), "{called} is the run's own now");
            delete_and_wait(&install.experiments(), &experiment).await;
            wait_until_gone(&api, &name).await;
        } else {
            delete_and_wait(&install.experiments(), &experiment).await;
            let after = api.get(&name).await.unwrap();
            let marks = |metadata: &ObjectMeta| {
                let ObjectMeta { uid, labels, annotations, owner_references, finalizers, .. } =
                    metadata.clone();
                (uid, labels, annotations, owner_references, finalizers)
            };
            assert_eq!(marks(&after.metadata), marks(&before.metadata), "{called}");
            assert!(after.metadata.deletion_timestamp.is_none(), "{called} stays");
        }
    }
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}
