//! Pods that the API server refuses for a while.

use std::time::Duration;

use chaostoolkit_api::Phase;
use chaostoolkit_api::condition::Type;
use k8s_openapi::api::core::v1::{Namespace, Pod, ResourceQuota, ServiceAccount};
use kube::Api;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use rstest::rstest;
use serde_json::{Value, json};

use crate::common::install::Install;
use crate::common::operator::{Operator, quiet};
use crate::common::{
    audit, condition_of, create, delete, delete_and_wait, eventually, pod_of, wait_for_phase, wait_for_reason,
};

/// The reason why the API server refuses a pod.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Refusal {
    Quota,
    PodSecurity,
    ServiceAccount,
    Webhook,
}

impl Refusal {
    /// Makes the API server refuse pods for this reason.
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
        // The API server needs a moment to act on its own objects.
        let probe =
            json!({"metadata": {"name": "probe"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
        let probe: Pod = serde_json::from_value(probe).unwrap();
        let dry = PostParams { dry_run: true, ..PostParams::default() };
        eventually("pods are refused", async || install.pods().create(&dry, &probe).await.err()).await;
    }

    /// Makes the API server accept pods again.
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
        "an unchanged status is not written again: {written:#?}"
    );

    refusal.end(&install).await;
    pod_of(&install, "exp").await;
    let started = wait_for_phase(&install.experiments(), "exp", Phase::Starting).await;
    assert_eq!(condition_of(&started, Type::Permitted), "True/AuthorUnchecked");
    assert_eq!(audit::pods_created_in(&install.run_namespace), 1);
    delete_and_wait(&install.experiments(), "exp").await;
    assert_eq!(install.left_behind().await, Vec::<String>::new());
}
