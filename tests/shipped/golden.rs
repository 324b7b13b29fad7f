//! The golden cases of 0.14.0, as an administrator of the cluster: with the policies, the operator makes what it makes without.

use std::collections::BTreeMap;
use std::path::Path;

use chaostoolkit_api::condition::Type;
use chaostoolkit_api::{Experiment, Phase, names};
use chaostoolkit_operator::yaml;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::common::operator::Operator;
use crate::common::{condition_of, config_map, delete_and_wait, status, wait};
use crate::policed::{Policed, act};
use crate::runs::objects_of;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const TEMPLATES: &str = names::TEMPLATES;

/// The golden cases by the names of their files.
fn cases() -> BTreeMap<String, Value> {
    let files = std::fs::read_dir(format!("{ROOT}/tests/golden")).unwrap();
    let read = |path: &Path| yaml::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    files
        .map(|file| file.unwrap().path())
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), read(&path)))
        .collect()
}

/// Creates what the cases refer to.
fn furnish() {
    let of = |version: &str, kind: &str, namespace: &str, name: &str| json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}});
    for namespace in ["chaostoolkit-run", "team-a-chaos", "shop", "billing"] {
        Policed::apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}));
        // It decides what is made, and a test that failed may have left it.
        act(&["-n", namespace, "delete", "configmap", "chaostoolkit-env", "--ignore-not-found"], "");
        for (name, data) in [
            ("chaostoolkit-experiment", json!({"experiment.json": "{}"})),
            ("my-experiments", json!({"experiment.yaml": "{}"})),
        ] {
            let mut map = config_map(name, data);
            map["metadata"]["namespace"] = json!(namespace);
            Policed::apply(&map);
        }
    }
    let run = "chaostoolkit-run";
    Policed::apply(&of("v1", "ServiceAccount", run, "my-sa"));
    Policed::apply(&json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass",
        "metadata": {"name": "low"}, "value": 1}));
    let mut role = of("rbac.authorization.k8s.io/v1", "Role", run, "my-role");
    role["rules"] = json!([]);
    Policed::apply(&role);
}

/// Creates the experiment of each case as this user, and returns the objects that the operator makes for it.
async fn make(policed: &Policed, user: &str, is_judged: bool) -> BTreeMap<String, BTreeMap<String, Value>> {
    let install = &policed.install;
    let templates: Api<ConfigMap> = install.config_maps(&install.namespace);
    let shipped = templates.get(TEMPLATES).await.unwrap().data.unwrap();
    let mut made = BTreeMap::new();
    for (name, case) in cases() {
        let given = &case["given"];
        let changed = given.get("templates").cloned().unwrap_or_else(|| json!({}));
        let data = Patch::Merge(json!({"data": changed}));
        templates.patch(TEMPLATES, &PatchParams::default(), &data).await.unwrap();
        let run_namespace = case["experiment"]["spec"]["namespace"].as_str().unwrap_or("chaostoolkit-run");
        for variables in given["configMapsInRunNamespace"].as_array().unwrap() {
            let mut map =
                config_map(variables.as_str().unwrap(), json!({"EXPERIMENT_URL": "https://example.com"}));
            map["metadata"]["namespace"] = json!(run_namespace);
            Policed::apply(&map);
        }
        let mut experiment = case["experiment"].clone();
        experiment["metadata"].as_object_mut().unwrap().remove("uid");
        experiment["metadata"]["namespace"] = json!(install.namespace);
        let text = act(&["create", "--as", user, "-o", "json", "-f", "-"], &experiment.to_string());
        let created: Experiment = serde_json::from_str(&text).unwrap();
        let exp = created.metadata.name.as_deref().unwrap();
        let uid = created.metadata.uid.as_deref().unwrap();
        // Whoever brings a whole pod has to know the suffix, and create its account.
        let account = format!("runner-{}", names::suffix(uid));
        Policed::apply(&json!({"apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": account, "namespace": run_namespace}}));
        let ready = wait(&install.experiments(), exp, &format!("started ({name})"), |found| {
            let status = status(found);
            status.phase == Some(Phase::Scheduled) || status.run.is_some_and(|run| run.pod_uid.is_some())
        })
        .await;
        if is_judged {
            let status = status(ready.as_ref());
            assert_eq!(condition_of(&status, Type::Permitted), "True/Permitted", "{name}");
        }
        made.insert(name, comparable(objects_of(install, uid).await, uid));
        delete_and_wait(&install.experiments(), exp).await;
        act(&["-n", run_namespace, "delete", "serviceaccount", &account], "");
        for variables in given["configMapsInRunNamespace"].as_array().unwrap() {
            act(&["-n", run_namespace, "delete", "configmap", variables.as_str().unwrap()], "");
        }
        let before: Value = changed
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, _)| (key.clone(), json!(shipped[key])))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let before = Patch::Merge(json!({"data": before}));
        templates.patch(TEMPLATES, &PatchParams::default(), &before).await.unwrap();
    }
    made
}

/// The objects by their names, without what the API server and chance decide.
fn comparable(objects: Vec<Value>, uid: &str) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for mut object in objects {
        // A run that happens to be due is none of the objects.
        if object["kind"] == "Job" || !object["metadata"]["ownerReferences"].is_null() {
            continue;
        }
        let metadata = object["metadata"].as_object_mut().unwrap();
        for field in ["uid", "resourceVersion", "creationTimestamp", "managedFields", "generation"] {
            metadata.remove(field);
        }
        let text =
            format!("{} {} {}", object["kind"], object["metadata"]["namespace"], object["metadata"]["name"]);
        object.as_object_mut().unwrap().remove("status");
        let shape = |text: &str| text.replace(&names::suffix(uid), "SUFFIX").replace(uid, "UID");
        let mut object: Value = serde_json::from_str(&shape(&object.to_string())).unwrap();
        let token = token_volume(&object);
        if let Some(token) = token {
            object = serde_json::from_str(&object.to_string().replace(&token, "TOKEN")).unwrap();
        }
        for path in ["/metadata", "/spec/jobTemplate/metadata", "/spec/jobTemplate/spec/template/metadata"] {
            let annotations =
                object.pointer_mut(&format!("{path}/annotations")).and_then(Value::as_object_mut);
            let Some(annotations) = annotations else { continue };
            // Both follow from the uid.
            for key in [names::MARK_ANNOTATION, names::SPEC_HASH_ANNOTATION] {
                if let Some(text) = annotations.get_mut(key) {
                    *text = json!("OF THE UID");
                }
            }
        }
        all.insert(shape(&text), object);
    }
    all
}

/// The volume for the token of the account, which the API server adds under a name of its own.
fn token_volume(pod: &Value) -> Option<String> {
    let volumes = pod["spec"]["volumes"].as_array()?;
    let names = volumes.iter().filter_map(|volume| volume["name"].as_str());
    names.into_iter().find(|name| name.starts_with("kube-api-access-")).map(str::to_owned)
}

#[tokio::test]
#[ignore = "needs an API server with MutatingAdmissionPolicy"]
async fn the_golden_cases_are_the_same_for_an_administrator() {
    let policed = Policed::without_policies("golden").await;
    furnish();
    let boss = policed.bind("", "boss", "ClusterRole/cluster-admin");
    let operator = Operator::start(&policed.install).await;
    let without = make(&policed, &boss, false).await;
    operator.kill();
    assert_eq!(without.len(), 22);
    assert!(without.values().all(|objects| !objects.is_empty()));

    policed.bind_policies().await;
    let _operator = Operator::start_checked(&policed.install).await;
    let with = make(&policed, &boss, true).await;
    for (name, expected) in &without {
        assert_eq!(&with[name], expected, "{name}");
    }
    let binding = format!("{boss}:cluster-admin");
    act(&["delete", "clusterrolebinding", &binding], "");
}
