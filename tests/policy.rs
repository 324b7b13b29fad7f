//! The policy that keeps runs apart, on a real API server: what the account of a run may not do to others, and what goes on
//! working. Every request has the token of the account itself.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]

mod common;

use chaostoolkit_api::names;
use common::install::Install;
use common::operator::Operator;
use common::{eventually, kubectl, pod_of, wait_until_gone};
use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, ServiceAccount};
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, PostParams};
use kube::config::AuthInfo;
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};

/// The account that tries things, and another one.
const OWN: &str = "chaostoolkit-aaaaaaaaaa";
const OTHER: &str = "chaostoolkit-bbbbbbbbbb";
/// The pod of another run.
const RUN: &str = "chaostoolkit-bbbbbbbbbb-2";

/// A client with the token of an account in the namespace of the runs.
async fn acting_as(install: &Install, account: &str) -> Client {
    let accounts: Api<ServiceAccount> = Api::namespaced(install.client.clone(), &install.run_namespace);
    let request = TokenRequest::default();
    let token = accounts.create_token_request(account, &PostParams::default(), &request).await.unwrap();
    let mut config = kube::Config::infer().await.unwrap();
    config.auth_info = AuthInfo { token: Some(token.status.unwrap().token.into()), ..AuthInfo::default() };
    Client::try_from(config).unwrap()
}

/// What somebody asks of the API server.
struct Ask {
    method: &'static str,
    /// Below the namespace of the runs.
    path: String,
    body: Value,
}

fn ask(method: &'static str, path: &str, body: Value) -> Ask {
    Ask { method, path: path.to_owned(), body }
}

impl Ask {
    /// Returns the words of the policy, if it refuses the request. Nothing is changed.
    async fn refusal(&self, client: &Client, namespace: &str) -> Option<String> {
        let (group, rest) = self.path.split_once(' ').unwrap_or(("api/v1", &self.path));
        // What connects to a pod cannot be tried without a node. It fails later for that reason.
        let only_tried = if self.path.ends_with("exec") { "command=ls&stdout=true" } else { "dryRun=All" };
        let is_patch = self.method == "PATCH";
        let request = http::Request::builder()
            .method(self.method)
            .uri(format!("/{group}/namespaces/{namespace}/{rest}?{only_tried}"))
            .header(
                "Content-Type",
                if is_patch { "application/merge-patch+json" } else { "application/json" },
            )
            .body(if self.body.is_null() { Vec::new() } else { self.body.to_string().into_bytes() })
            .unwrap();
        match client.request_text(request).await {
            Err(kube::Error::Api(status)) if status.message.contains("ValidatingAdmissionPolicy") => {
                assert_eq!(status.code, 403, "{}", status.message);
                Some(status.message.clone())
            }
            Err(kube::Error::Api(status)) => {
                let is_of_a_node = self.path.ends_with("exec") && status.code != 403;
                assert!(is_of_a_node, "{} {}: {}", self.method, self.path, status.message);
                None
            }
            Err(error) => panic!("{} {}: {error}", self.method, self.path),
            Ok(_) => None,
        }
    }
}

/// The kinds that have a template of pods, with the path of their API.
const KINDS: [(&str, &str, &str); 7] = [
    ("v1", "ReplicationController", "replicationcontrollers"),
    ("apps/v1", "Deployment", "deployments"),
    ("apps/v1", "ReplicaSet", "replicasets"),
    ("apps/v1", "StatefulSet", "statefulsets"),
    ("apps/v1", "DaemonSet", "daemonsets"),
    ("batch/v1", "Job", "jobs"),
    ("batch/v1", "CronJob", "cronjobs"),
];

/// The creation of a pod, or of an object that makes pods.
fn creation((version, kind, plural): (&str, &str, &str), metadata: &Value, account: &str) -> Ask {
    let mut template = json!({"metadata": metadata, "spec": {"serviceAccountName": account, "restartPolicy": "Never",
        "containers": [{"name": "c", "image": "i"}]}});
    let path = if version == "v1" { plural.to_owned() } else { format!("apis/{version} {plural}") };
    if kind == "Pod" {
        template["metadata"]["name"] = json!("new");
        return ask("POST", &path, template);
    }
    if !matches!(kind, "Job" | "CronJob") {
        template["metadata"]["labels"]["app"] = json!("new");
        template["spec"]["restartPolicy"] = json!("Always");
    }
    let selector = json!({"matchLabels": {"app": "new"}});
    let spec = match kind {
        "ReplicationController" => json!({"selector": {"app": "new"}, "template": template}),
        "Job" => json!({"template": template}),
        "CronJob" => json!({"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": template}}}),
        "StatefulSet" => json!({"serviceName": "new", "selector": selector, "template": template}),
        _ => json!({"selector": selector, "template": template}),
    };
    ask(
        "POST",
        &path,
        json!({"apiVersion": version, "kind": kind, "metadata": {"name": "new"}, "spec": spec}),
    )
}

fn all_kinds() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    [("v1", "Pod", "pods")].into_iter().chain(KINDS)
}

/// What the account of a run may not do.
fn forbidden() -> Vec<Ask> {
    let ours = json!({"labels": {names::UID_LABEL: "u"}});
    let map = |name: &str, metadata: &Value| {
        let mut map = json!({"metadata": metadata});
        map["metadata"]["name"] = json!(name);
        map
    };
    let touched = json!({"metadata": {"labels": {"a": "b"}}});
    let evicted = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": RUN}});
    let bound = json!({"metadata": {"name": RUN}, "target": {"kind": "Node", "name": "n"}});
    let mut asks = vec![
        // To set what is ours, in each of its forms.
        ask("POST", "configmaps", map("new", &ours)),
        ask("POST", "configmaps", map("new", &json!({"annotations": {names::EXPERIMENT_ANNOTATION: "a/b"}}))),
        ask("POST", "configmaps", map("new", &json!({"finalizers": [names::OUTCOME_FINALIZER]}))),
        ask("PATCH", "configmaps/free", json!({"metadata": ours})),
        ask("PATCH", "pods/app", json!({"metadata": ours})),
        ask("PATCH", "pods/app/status", json!({"metadata": ours})),
        ask(
            "PATCH",
            "apis/apps/v1 deployments/shop/status",
            json!({"metadata": {"finalizers": [names::OUTCOME_FINALIZER]}}),
        ),
        // To remove it.
        ask("PATCH", &format!("pods/{RUN}"), json!({"metadata": {"labels": {names::UID_LABEL: null}}})),
        ask("PATCH", &format!("pods/{RUN}"), json!({"metadata": {"finalizers": null}})),
        ask("PATCH", &format!("pods/{RUN}/status"), json!({"metadata": {"finalizers": null}})),
        ask("PATCH", "pods/held", json!({"metadata": {"finalizers": null}})),
        // To change or delete what has it.
        ask("PATCH", &format!("pods/{RUN}"), touched.clone()),
        ask("PATCH", &format!("pods/{RUN}/status"), json!({"status": {"phase": "Succeeded"}})),
        ask("PATCH", "configmaps/marked", touched.clone()),
        ask("PATCH", "apis/rbac.authorization.k8s.io/v1 roles/marked", touched.clone()),
        ask("DELETE", "apis/rbac.authorization.k8s.io/v1 roles/marked", Value::Null),
        ask("DELETE", &format!("pods/{RUN}"), Value::Null),
        // All at once, by a call that has no name.
        ask("DELETE", "pods", Value::Null),
        ask("DELETE", "configmaps", Value::Null),
        ask("DELETE", "configmaps/marked", Value::Null),
        // What others execute.
        ask("PATCH", "configmaps/listed", json!({"data": {"experiment.json": "{}"}})),
        ask("DELETE", "configmaps/listed", Value::Null),
        ask("DELETE", "configmaps/chaostoolkit-experiment", Value::Null),
        ask("POST", "configmaps", map("chaostoolkit-env", &json!({}))),
        ask("PATCH", "secrets/listed", json!({"data": {"settings.yaml": ""}})),
        ask("POST", "secrets", map("chaostoolkit-settings", &json!({}))),
        // The account of another run.
        ask("PATCH", &format!("serviceaccounts/{OTHER}"), json!({"imagePullSecrets": []})),
        ask("DELETE", &format!("serviceaccounts/{OTHER}"), Value::Null),
        ask("POST", &format!("serviceaccounts/{OTHER}/token"), json!({"spec": {"audiences": []}})),
        ask(
            "POST",
            "secrets",
            json!({"type": "kubernetes.io/service-account-token",
            "metadata": {"name": "new", "annotations": {"kubernetes.io/service-account.name": OTHER}}}),
        ),
        // The pod of another run.
        ask("POST", &format!("pods/{RUN}/exec"), Value::Null),
        ask("POST", &format!("pods/{RUN}/eviction"), evicted),
        ask("POST", &format!("pods/{RUN}/binding"), bound),
        ask(
            "PATCH",
            &format!("pods/{RUN}/ephemeralcontainers"),
            json!({"spec": {"ephemeralContainers": [{"name": "e", "image": "i"}]}}),
        ),
    ];
    for kind in all_kinds() {
        asks.push(creation(kind, &json!({}), OTHER));
        asks.push(creation(kind, &ours, "default"));
        asks.push(creation(kind, &json!({"finalizers": [names::OUTCOME_FINALIZER]}), "default"));
    }
    let mut of_jobs = creation(KINDS[6], &json!({}), "default");
    of_jobs.body["spec"]["jobTemplate"]["metadata"] = ours;
    asks.push(of_jobs);
    asks
}

/// What goes on working.
fn allowed() -> Vec<Ask> {
    let evicted = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "app"}});
    let mut asks = vec![
        ask("DELETE", "pods/app", Value::Null),
        ask("POST", "pods/app/eviction", evicted),
        ask("POST", "pods/app/exec", Value::Null),
        ask(
            "PATCH",
            "pods/app",
            json!({"metadata": {"labels": {"a": "b"}, "finalizers": ["tests.example/mine"]}}),
        ),
        ask("PATCH", "configmaps/free", json!({"data": {"a": "b"}})),
        ask("DELETE", "configmaps/free", Value::Null),
        ask("POST", "configmaps", json!({"metadata": {"name": "new"}})),
        ask("POST", "configmaps", json!({"metadata": {"generateName": "new-"}})),
        ask("POST", "secrets", json!({"metadata": {"name": "new"}})),
        ask("PATCH", "apis/apps/v1 deployments/shop/scale", json!({"spec": {"replicas": 0}})),
        ask("DELETE", "apis/apps/v1 deployments/shop", Value::Null),
        ask("POST", &format!("serviceaccounts/{OWN}/token"), json!({"spec": {"audiences": []}})),
        ask("POST", "serviceaccounts/mine/token", json!({"spec": {"audiences": []}})),
    ];
    for kind in all_kinds() {
        asks.extend(
            [OWN, "default", "mine", ""]
                .map(|account| creation(kind, &json!({"labels": {"x": "y"}}), account)),
        );
    }
    asks
}

/// The accounts, what they may reach, and rights for all that a namespace has.
async fn fill(install: &Install) {
    let namespace = &install.run_namespace;
    let object = |version: &str, kind: &str, name: &str, more: Value| {
        let mut object =
            json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}});
        for (key, value) in more.as_object().into_iter().flatten() {
            match key.as_str() {
                "labels" | "finalizers" => object["metadata"][key] = value.clone(),
                _ => object[key] = value.clone(),
            }
        }
        object
    };
    let ours = json!({names::UID_LABEL: "u"});
    let spec = json!({"containers": [{"name": "c", "image": "i"}], "serviceAccountName": "mine"});
    let rbac = "rbac.authorization.k8s.io";
    let version = &format!("{rbac}/v1");
    for account in [OWN, OTHER, "mine"] {
        install.create_any(&object("v1", "ServiceAccount", account, Value::Null)).await;
        let subjects = json!([{"kind": "ServiceAccount", "name": account, "namespace": namespace}]);
        let role = json!({"apiGroup": rbac, "kind": "ClusterRole", "name": "cluster-admin"});
        let more = json!({"subjects": subjects, "roleRef": role});
        install.create_any(&object(version, "RoleBinding", account, more)).await;
    }
    let template =
        json!({"metadata": {"labels": {"app": "shop"}}, "spec": {"containers": spec["containers"]}});
    let deployment =
        json!({"spec": {"replicas": 0, "selector": {"matchLabels": {"app": "shop"}}, "template": template}});
    for made in [
        object(
            "v1",
            "Pod",
            RUN,
            json!({"labels": ours, "finalizers": [names::OUTCOME_FINALIZER], "spec": spec}),
        ),
        object("v1", "Pod", "held", json!({"finalizers": [names::OUTCOME_FINALIZER], "spec": spec})),
        object("v1", "Pod", "app", json!({"labels": {"app": "shop"}, "spec": spec})),
        object("v1", "ConfigMap", "free", Value::Null),
        object("v1", "ConfigMap", "listed", Value::Null),
        object("v1", "ConfigMap", "marked", json!({"labels": ours})),
        object("v1", "Secret", "listed", Value::Null),
        object("apps/v1", "Deployment", "shop", deployment),
        object(version, "Role", "marked", json!({"labels": ours, "rules": []})),
    ] {
        install.create_any(&made).await;
    }
}

async fn wait_until_in_force(install: &Install) {
    let api = install.config_maps(&install.namespace);
    let probe: ConfigMap = serde_json::from_value(json!({"metadata": {"name": names::RUNS_PROBE}})).unwrap();
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    eventually("the policy is in force", async || match api.create(&dry, &probe).await {
        Err(kube::Error::Api(status)) => status.message.contains("is in force").then_some(()),
        _ => None,
    })
    .await;
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn the_account_of_a_run_is_kept_from_other_runs_and_nobody_else_is() {
    let install = Install::new("policy").await;
    install.with_experiment("{}").await;
    fill(&install).await;
    install.install_policy().await;
    let listed = format!("\naaaaaaaaaa\nsa/{OWN}\nbbbbbbbbbb\ncm/listed\nsa/{OTHER}\nsecret/listed\n");
    let list = json!({"apiVersion": "chaostoolkit.org/v1", "kind": "ChaosToolkitRuns",
        "metadata": {"name": names::RUNS}, "data": {&install.run_namespace: listed}});
    common::create(&runs(&install), list).await;
    wait_until_in_force(&install).await;
    let [own, mine] = [acting_as(&install, OWN).await, acting_as(&install, "mine").await];
    let namespace = &install.run_namespace;
    let name = |ask: &Ask| format!("{} {} {}", ask.method, ask.path, ask.body);
    let (forbidden, allowed) = (forbidden(), allowed());
    assert!(forbidden.len() > 50 && allowed.len() > 40);
    let mut wrong = Vec::new();
    for ask in &forbidden {
        match ask.refusal(&own, namespace).await {
            None => wrong.push(format!("was allowed: {}", name(ask))),
            Some(words) if words.contains("the account of a run may n") => {}
            Some(words) => wrong.push(format!("refused for another reason: {}: {words}", name(ask))),
        }
        if let Some(words) = ask.refusal(&mine, namespace).await {
            wrong.push(format!("was refused to an account that a user brings: {}: {words}", name(ask)));
        }
    }
    for ask in &allowed {
        if let Some(words) = ask.refusal(&own, namespace).await {
            wrong.push(format!("was refused: {}: {words}", name(ask)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Without its object the policy hinders nobody, and it is in force again once the object is there.
    let runs = runs(&install);
    runs.delete(names::RUNS, &DeleteParams::default()).await.unwrap();
    eventually("nobody is hindered", async || {
        let refused = forbidden[0].refusal(&own, namespace).await;
        refused.is_none().then_some(())
    })
    .await;
    install.remove_policy();
}

fn runs(install: &Install) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk(names::GROUP, "v1", "ChaosToolkitRuns");
    let resource = ApiResource::from_gvk_with_plural(&kind, "chaosruns");
    Api::namespaced_with(install.client.clone(), &install.namespace, &resource)
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn the_operator_keeps_the_list_and_its_runs_are_bounded_by_it() {
    let install = Install::new("apart").await;
    install.with_experiment("{}").await;
    install.install_policy().await;
    let operator = Operator::start(&install).await;
    eventually("the operator sees the policy", async || {
        operator.log().contains("the policy that keeps runs apart is in force").then_some(())
    })
    .await;
    let namespace = &install.run_namespace;
    install.apply_experiment("other", json!({})).await;
    let other = pod_of(&install, "other").await;
    install.apply_experiment("own", json!({})).await;
    let own = pod_of(&install, "own").await;
    let listed = async || {
        let list = runs(&install).get_opt(names::RUNS).await.unwrap();
        list.and_then(|list| list.data["data"][namespace].as_str().map(str::to_owned)).unwrap_or_default()
    };
    let before = listed().await;
    // The names of the pods of the shipped templates are those of the accounts.
    for account in [&own, &other] {
        assert!(before.contains(&format!("\nsa/{account}\n")), "{before}");
    }
    let run = acting_as(&install, &own).await;
    for ask in [
        ask("DELETE", &format!("pods/{other}"), Value::Null),
        ask("DELETE", "configmaps/chaostoolkit-experiment", Value::Null),
        ask("POST", "configmaps", json!({"metadata": {"name": "chaostoolkit-env"}})),
        creation(("v1", "Pod", "pods"), &json!({}), &other),
        creation(("v1", "Pod", "pods"), &json!({"labels": {names::UID_LABEL: "u"}}), "default"),
    ] {
        let refusal = ask.refusal(&run, namespace).await;
        assert!(refusal.is_some(), "{} {} was allowed to a run", ask.method, ask.path);
    }
    // It makes and kills pods of its own, one by one and all that have a label.
    let pod = creation(("v1", "Pod", "pods"), &json!({"labels": {"app": "victim"}}), "default").body;
    for _ in 0..2 {
        let pods: Api<Pod> = Api::namespaced(run.clone(), namespace);
        let made: Pod = serde_json::from_value(pod.clone()).unwrap();
        pods.create(&PostParams::default(), &made).await.unwrap();
        pods.delete("new", &DeleteParams::default().grace_period(0)).await.unwrap();
        wait_until_gone(&install.pods(), "new").await;
    }

    runs(&install).delete(names::RUNS, &DeleteParams::default()).await.unwrap();
    eventually("the list is made again", async || (listed().await == before).then_some(())).await;
    let (deleted, text) = kubectl(&["-n", &install.namespace, "delete", "ctk", "--all", "--wait=false"], "");
    assert!(deleted, "{text}");
    for pod in [&own, &other] {
        let gone = install.pods();
        gone.delete(pod, &DeleteParams::default().grace_period(0)).await.unwrap();
    }
    eventually("the experiments are gone", async || {
        let left = install.experiments().list(&ListParams::default()).await.unwrap();
        left.items.is_empty().then_some(())
    })
    .await;
    install.remove_policy();
    drop(operator);
}
