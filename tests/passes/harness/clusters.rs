//! The clusters that stories are played in, and the objects in them.

use chaostoolkit_api::names;
use serde_json::{Value, json};

use super::{EXPERIMENT, Hangs, Operator, TEMPLATES, UID};
use crate::fake_api::FakeApi;

/// Returns a cluster with the operator's namespace and the shipped templates.
pub fn cluster() -> FakeApi {
    let fake = FakeApi::new();
    fake.put(namespace("chaostoolkit-crd"));
    fake.put(TEMPLATES.clone());
    fake
}

/// Returns a cluster with the operator's namespace and templates that are quick to read: thousands of cases read them
/// several times.
pub fn small_cluster() -> FakeApi {
    let fake = FakeApi::new();
    fake.put(namespace("chaostoolkit-crd"));
    let rbac = "rbac.authorization.k8s.io/v1";
    let subjects =
        json!([{"kind": "ServiceAccount", "name": "chaostoolkit", "namespace": "chaostoolkit-run"}]);
    let role =
        json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "chaostoolkit-experiment"});
    let pod = json!({
        "containers": [{"name": "chaostoolkit", "command": ["chaos"], "envFrom": [{"configMapRef": {"name": "chaostoolkit-env"}}]}],
        "volumes": [{"name": "chaostoolkit-experiment", "configMap": {"name": "chaostoolkit-experiment"}}],
    });
    let template = |version: &str, kind: &str, name: &str| json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}});
    let mut binding = template(rbac, "RoleBinding", "chaostoolkit-experiment");
    binding["subjects"] = subjects;
    binding["roleRef"] = role;
    let mut runner = template("v1", "Pod", "chaostoolkit");
    runner["spec"] = pod;
    let mut templates = TEMPLATES.clone();
    templates["data"] = json!({
        "chaostoolkit-ns.yaml": namespace("chaostoolkit-run").to_string(),
        "chaostoolkit-sa.yaml": template("v1", "ServiceAccount", "chaostoolkit").to_string(),
        "chaostoolkit-role.yaml": template(rbac, "Role", "chaostoolkit-experiment").to_string(),
        "chaostoolkit-role-binding.yaml": binding.to_string(),
        "chaostoolkit-pod.yaml": runner.to_string(),
        "chaostoolkit-cronjob.yaml": template("batch/v1", "CronJob", "chaostoolkit").to_string(),
    });
    fake.put(templates);
    fake
}

/// Returns a cluster with the shipped templates, a namespace for runs, and the actions of an experiment in it.
pub fn cluster_for_runs() -> FakeApi {
    let fake = cluster();
    fake.put(namespace("chaostoolkit-run"));
    fake.put(config_map("chaostoolkit-run"));
    fake
}

/// Installs the policy that judges requests, as it is shipped.
pub fn judge_requests(fake: &FakeApi) {
    bind_policy(fake, "Validating", "chaostoolkit-crd-authors");
    bind_policy(fake, "Validating", "chaostoolkit-crd-authors-bound");
}

/// Installs the policy that names authors, as it is shipped.
pub fn stamp_requests(fake: &FakeApi) {
    bind_policy(fake, "Mutating", "chaostoolkit-crd-stamp");
}

/// Installs the policy that judges requests in a cluster.
pub fn judged(fake: FakeApi) -> FakeApi {
    judge_requests(&fake);
    fake
}

fn bind_policy(fake: &FakeApi, sort: &str, name: &str) {
    let rules = json!([{"apiGroups": ["chaostoolkit.org"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"],
        "resources": ["chaosexperiments"], "scope": "*"}]);
    fake.put(json!({"kind": format!("{sort}AdmissionPolicy"), "metadata": {"name": name}, "spec": {
        "failurePolicy": "Fail", "matchConstraints": {"resourceRules": rules},
        "validations": [{"expression": "…"}], "mutations": [{"patchType": "ApplyConfiguration"}]}}));
    let parameters = json!({"name": "chaostoolkit-crd", "namespace": "chaostoolkit-crd", "parameterNotFoundAction": "Deny"});
    fake.put(json!({"kind": format!("{sort}AdmissionPolicyBinding"), "metadata": {"name": name}, "spec": {
        "policyName": name, "validationActions": ["Deny"], "paramRef": parameters}}));
}

/// Stamps the experiment as the policy does: this user made the newest request.
pub fn stamp(fake: &FakeApi, user: &str) {
    fake.edit(EXPERIMENT, |experiment| {
        let generation = experiment["metadata"]["generation"].as_i64().unwrap();
        let annotations = &mut experiment["metadata"]["annotations"];
        let rerun = annotations[names::RERUN_ANNOTATION].as_str().unwrap_or_default().to_owned();
        annotations[names::AUTHOR_ANNOTATION] = json!(user);
        annotations[names::AUTHOR_UID_ANNOTATION] = json!("");
        annotations[names::AUTHOR_GROUPS_ANNOTATION] = json!(r#"["system:authenticated"]"#);
        annotations[names::AUTHOR_EXTRA_ANNOTATION] = json!("{}");
        annotations[names::AUTHOR_REQUEST_ANNOTATION] = json!(format!("{generation}/{rerun}"));
    });
}

/// Returns a cluster with an experiment of this spec and everything that the run needs, and an operator.
pub fn begin(spec: &Value) -> (FakeApi, Operator) {
    begin_in(cluster_for_runs(), spec)
}

/// Creates an experiment of this spec in a cluster, and returns an operator for it.
pub fn begin_in(fake: FakeApi, spec: &Value) -> (FakeApi, Operator) {
    fake.put(experiment(spec));
    let operator = Operator::new(&fake, Hangs::Crash);
    (fake, operator)
}

pub fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

pub fn config_map(namespace: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "chaostoolkit-experiment", "namespace": namespace},
        "data": {"experiment.json": r#"{"title": "t", "description": "d", "method": []}"#}})
}

pub fn experiment(spec: &Value) -> Value {
    json!({"apiVersion": "chaostoolkit.org/v1", "kind": "ChaosToolkitExperiment",
        "metadata": {"name": "exp", "namespace": "chaostoolkit-crd", "uid": UID}, "spec": spec})
}

pub fn status(fake: &FakeApi) -> Value {
    fake.get(EXPERIMENT).unwrap()["status"].clone()
}
