//! What the world around an operator does to it, case by case, against a real API server and controller manager without
//! a node. The list of cases, and which test has which, is in docs/reliability.md.

#![allow(missing_docs)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests panic to fail"
)]

#[path = "../common/mod.rs"]
mod common;
mod crowd;
mod edits;
mod forced;
mod garbage;
mod outages;
mod schedules;
mod specs;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chaostoolkit_api::condition::Type;
use chaostoolkit_api::names;
use chaostoolkit_api::{Experiment, Phase};
use common::install::Install;
use common::operator::{Operator, quiet};
use common::{
    audit, condition_of, create, delete, delete_and_wait, eventually, experiment, pod_of, report_container,
    running, set_up, status, status_of, terminated, wait, wait_for_phase, wait_for_reason, wait_until_gone,
};
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use k8s_openapi::api::core::v1::{Namespace, Pod, ResourceQuota, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding};
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind, ObjectMeta};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, ResourceExt};
use rstest::rstest;
use serde_json::{Value, json};

/// Why the API server does not take a pod.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Refusal {
    Quota,
    PodSecurity,
    ServiceAccount,
    Webhook,
}

impl Refusal {
    /// Puts it into force.
    async fn begin(self, install: &Install) {
        let namespace = &install.run_namespace;
        match self {
            Self::Quota => {
                let quota = json!({"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}});
                create(&Api::<ResourceQuota>::namespaced(install.client.clone(), namespace), quota).await;
            }
            Self::PodSecurity => enforce(install, json!("restricted")).await,
            Self::ServiceAccount => return,
            Self::Webhook => {
                let webhook = json!({
                    "name": "down.tests.example",
                    "clientConfig": {"url": "https://127.0.0.1:9/"},
                    "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                    "failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": ["v1"], "timeoutSeconds": 1,
                });
                install
                    .create_any(&json!({"apiVersion": "admissionregistration.k8s.io/v1",
                        "kind": "ValidatingWebhookConfiguration", "metadata": {"name": namespace}, "webhooks": [webhook]}))
                    .await;
            }
        }
        // The API server takes a moment to notice its own objects.
        let probe =
            json!({"metadata": {"name": "probe"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
        let probe: Pod = serde_json::from_value(probe).unwrap();
        let dry = PostParams { dry_run: true, ..PostParams::default() };
        eventually("pods are refused", async || install.pods().create(&dry, &probe).await.err()).await;
    }

    /// Lifts it.
    async fn end(self, install: &Install) {
        let (client, namespace) = (install.client.clone(), &install.run_namespace);
        match self {
            Self::Quota => delete(&Api::<ResourceQuota>::namespaced(client, namespace), "none").await,
            Self::PodSecurity => enforce(install, Value::Null).await,
            Self::ServiceAccount => {
                let accounts = Api::<ServiceAccount>::namespaced(client, namespace);
                create(&accounts, json!({"metadata": {"name": "nobody"}})).await;
            }
            Self::Webhook => {
                let kind = GroupVersionKind::gvk(
                    "admissionregistration.k8s.io",
                    "v1",
                    "ValidatingWebhookConfiguration",
                );
                let webhooks = Api::<DynamicObject>::all_with(client, &ApiResource::from_gvk(&kind));
                webhooks.delete(namespace, &DeleteParams::default()).await.unwrap();
            }
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Quota => "exceeded quota: none",
            Self::PodSecurity => "violates PodSecurity \"restricted:latest\"",
            Self::ServiceAccount => "serviceaccount \"nobody\" not found",
            Self::Webhook => "failed calling webhook \"down.tests.example\"",
        }
    }

    fn spec(self) -> Value {
        match self {
            Self::ServiceAccount => json!({"serviceaccount": {"name": "nobody"}}),
            Self::PodSecurity => json!({"pod": {"template": {"apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": "chaostoolkit"},
                "spec": {"containers": [{"name": "chaostoolkit", "image": "i"}],
                    "volumes": [{"name": "host", "hostPath": {"path": "/"}}]}}}}),
            _ => json!({}),
        }
    }
}

/// Sets the level of Pod Security of the namespace for runs.
async fn enforce(install: &Install, level: Value) {
    let label = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": level}}});
    let namespaces = Api::<Namespace>::all(install.client.clone());
    namespaces.patch(&install.run_namespace, &PatchParams::default(), &Patch::Merge(label)).await.unwrap();
}

#[rstest]
#[case::quota(Refusal::Quota)]
#[case::pod_security(Refusal::PodSecurity)]
#[case::service_account(Refusal::ServiceAccount)]
#[case::webhook(Refusal::Webhook)]
#[tokio::test]
#[ignore = "needs an API server"]
async fn a_refused_pod_is_told_of_in_the_servers_words_and_starts_by_itself_once_it_is_allowed(
    #[case] refusal: Refusal,
) {
    let install = Install::new("refusal").await;
    install.with_experiment("{}").await;
    refusal.begin(&install).await;
    let _operator = Operator::start(&install).await;
    install.apply_experiment("exp", refusal.spec()).await;
    let blocked = wait_for_reason(&install.experiments(), "exp", "Forbidden").await;
    assert_eq!(blocked.phase, Some(Phase::Blocked));
    assert_eq!(condition_of(&blocked, Type::Permitted), "False/Forbidden");
    assert_eq!(condition_of(&blocked, Type::Provisioned), "False/Forbidden");
    let message = blocked.message.unwrap();
    assert!(message.contains(refusal.words()), "{message}");

    quiet(Duration::from_secs(5)).await;
    let written = audit::settled_writes_of(&install.user).await;
    let count = |what: &str| written.iter().filter(|entry| entry.what() == what).count();
    let tries = count("create pods");
    assert!((2..=8).contains(&tries), "{tries} tries in some seconds");
    assert!(
        count("patch chaosexperiments/status") <= 3,
        "what has not changed is not told again: {written:#?}"
    );

    refusal.end(&install).await;
    pod_of(&install, "exp").await;
    let started = wait_for_phase(&install.experiments(), "exp", Phase::Starting).await;
    assert_eq!(condition_of(&started, Type::Permitted), "True/Permitted");
    assert_eq!(audit::pods_created_in(&install.run_namespace), 1);
    delete_and_wait(&install.experiments(), "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}

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

/// The replica sets of a deployment select by a hash as well, which no runner pod has.
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
    // It looks at all pods that it selects, up and down, and only then says so.
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
    assert_eq!(found.labels().get("team").map(String::as_str), Some("shop"), "it has the labels");
    assert_eq!(found.metadata.owner_references, None, "and no other owner");
    assert_eq!(found.metadata.deletion_timestamp, None);
    let now = status_of(&install, "exp").await;
    assert_eq!(now.phase, Some(Phase::Running));
}

/// Nothing in Kubernetes keeps a pod without a controller from being taken by a replica set that selects it. What can be had
/// is that this is told, and that the run is not repeated.
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
    assert_eq!(audit::pods_created_in(&install.run_namespace), 1, "it is not run again");
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}

/// What a watch has told of, by uid.
type Seen = Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>;

/// Notes what there is to say of each version of each object.
fn note<K>(api: Api<K>, say: impl Fn(&K) -> Option<String> + Send + 'static) -> Seen
where
    K: kube::Resource<DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + serde::de::DeserializeOwned
        + Send
        + 'static,
{
    let seen = Seen::default();
    let notes = seen.clone();
    tokio::spawn(async move {
        let mut versions =
            watcher(api, watcher::Config::default()).default_backoff().touched_objects().boxed();
        while let Ok(Some(object)) = versions.try_next().await {
            let mut notes = notes.lock().unwrap();
            notes.entry(object.uid().unwrap()).or_default().extend(say(&object));
        }
    });
    seen
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn of_a_hundred_experiments_with_one_name_each_has_its_own_pod_or_none_and_nothing_is_left() {
    const TIMES: usize = 100;
    let (install, _operator) = set_up("again").await;
    let credited = note(install.experiments(), |found| status(Some(found)).run?.pod_uid);
    let owned = note(install.pods(), |pod| pod.labels().get(names::UID_LABEL).cloned());
    let mut uids = BTreeSet::new();
    for number in 0..TIMES {
        let made = install.apply_experiment("exp", json!({})).await;
        uids.insert(made.uid().to_owned());
        if number % 4 == 0 {
            let pod = pod_of(&install, "exp").await;
            if number % 8 == 0 {
                report_container(&install.pods(), &pod, terminated(0)).await;
                let ended = wait_for_phase(&install.experiments(), "exp", Phase::Completed).await;
                assert_eq!(ended.run.unwrap().pod_name, pod);
            }
        }
        delete_and_wait(&install.experiments(), "exp").await;
    }
    assert_eq!(uids.len(), TIMES);
    assert_eq!(install.left_behind().await, Vec::<String>::new());
    let written = audit::settled_writes_of(&install.user).await;
    let created = written.iter().filter(|entry| entry.what() == "create pods" && entry.code < 300);
    let pods: Vec<&String> = created.map(|entry| &entry.name).collect();
    let distinct: BTreeSet<_> = pods.iter().collect();
    assert_eq!(pods.len(), distinct.len(), "no experiment has had two pods");
    let (credited, owned) = (credited.lock().unwrap(), owned.lock().unwrap());
    let credits: Vec<(&String, &String)> =
        credited.iter().flat_map(|(uid, pods)| pods.iter().map(move |pod| (uid, pod))).collect();
    assert!(credits.len() >= TIMES / 4, "{} pods were credited", credits.len());
    for (uid, pod) in credits {
        assert_eq!(owned[pod], BTreeSet::from([uid.clone()]), "pod {pod} is that of experiment {uid}");
    }
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn what_may_not_be_deleted_is_named_the_rest_goes_and_with_the_right_so_does_the_experiment() {
    let install = Install::new("halfway").await;
    install.with_experiment("{}").await;
    let (shop, name) = (format!("{}-shop", install.namespace), &install.namespace);
    let namespaces = Api::<Namespace>::all(install.client.clone());
    create(&namespaces, json!({"metadata": {"name": shop}})).await;
    // The operator's rights namespace by namespace, so that those of one can be taken away.
    let subject = json!([{"kind": "ServiceAccount", "name": name, "namespace": name}]);
    let reference =
        |role: &str| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role});
    let everywhere = format!("{name}-everywhere");
    let rules =
        json!([{"apiGroups": [""], "resources": ["namespaces", "pods"], "verbs": ["get", "list", "watch"]}]);
    let api_version = "rbac.authorization.k8s.io/v1";
    install
        .create_any(&json!({"apiVersion": api_version, "kind": "ClusterRole", "metadata": {"name": everywhere}, "rules": rules}))
        .await;
    let cluster_bindings = Api::<ClusterRoleBinding>::all(install.client.clone());
    let binding =
        json!({"metadata": {"name": everywhere}, "roleRef": reference(&everywhere), "subjects": subject});
    create(&cluster_bindings, binding).await;
    let right = json!({"metadata": {"name": "operator"}, "roleRef": reference(name), "subjects": subject});
    let bindings = |namespace: &str| Api::<RoleBinding>::namespaced(install.client.clone(), namespace);
    for namespace in [&install.run_namespace, &shop] {
        create(&bindings(namespace), right.clone()).await;
    }
    delete(&cluster_bindings, name).await;
    may_delete_bindings(&install, "default", false).await;
    may_delete_bindings(&install, &shop, true).await;

    let _operator = Operator::start(&install).await;
    let made = install.apply_experiment("exp", json!({"role": {"binds_to_namespaces": [shop]}})).await;
    pod_of(&install, "exp").await;
    delete(&bindings(&shop), "operator").await;
    may_delete_bindings(&install, &shop, false).await;
    delete(&install.experiments(), "exp").await;
    let blocked = wait_for_reason(&install.experiments(), "exp", "CleanupBlocked").await;
    assert_eq!(condition_of(&blocked, Type::CleanupBlocked), "True/CleanupBlocked");
    let bound = format!("RoleBinding {shop}/chaostoolkit-experiment-{}", names::suffix(made.uid()));
    let message = blocked.message.unwrap();
    assert!(message.contains(&bound), "{message}");
    let left = install.left_behind().await;
    assert_eq!(left.len(), 2, "the role and its binding there: {left:?}");
    let held = install.experiments().get("exp").await.unwrap();
    assert!(held.finalizers().iter().any(|found| found == names::TEARDOWN_FINALIZER));

    create(&bindings(&shop), right).await;
    wait_until_gone(&install.experiments(), "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}

/// Waits until the API server has taken note of the operator's rights.
async fn may_delete_bindings(install: &Install, namespace: &str, wanted: bool) {
    let reviews = Api::<SubjectAccessReview>::all(install.client.clone());
    let asked = json!({"group": "rbac.authorization.k8s.io", "resource": "rolebindings", "verb": "delete", "namespace": namespace});
    eventually("the operator's rights are known", async || {
        let groups = json!(["system:serviceaccounts", "system:authenticated"]);
        let review = json!({"spec": {"user": install.user, "groups": groups, "resourceAttributes": asked}});
        let answer = create(&reviews, review).await;
        (answer.status.unwrap().allowed == wanted).then_some(())
    })
    .await;
}
