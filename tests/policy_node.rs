//! The policy that keeps runs apart, seen from inside: a run of the real toolkit on a real node tries what it may not do to
//! another run, and what goes on working.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests panic to fail")]

mod common;

use std::collections::BTreeMap;

use chaostoolkit_api::{Phase, names};
use chaostoolkit_journal::frame;
use common::install::Install;
use common::operator::Operator;
use common::{eventually, pod_of, status_of, wait_for_phase};
use serde_json::{Value, json};

/// Waits until it has rights, then tries each request of `TRIES`, and prints the code and the message of each answer.
const SCRIPT: &str = r#"
import json, os, ssl, time, urllib.error, urllib.request
place = "/var/run/secrets/kubernetes.io/serviceaccount/"
token = open(place + "token").read()
trusted = ssl.create_default_context(cafile=place + "ca.crt")
server = "https://{KUBERNETES_SERVICE_HOST}:{KUBERNETES_SERVICE_PORT}".format(**os.environ)
def ask(method, path, body):
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": "Bearer " + token, "Content-Type": kind}
    request = urllib.request.Request(server + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, context=trusted) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
end = time.time() + 120
tries = json.loads(os.environ["TRIES"])
while ask("GET", os.environ["RIGHTS"], None)[0] != 200 and time.time() < end:
    time.sleep(0.5)
for name, (method, path, body) in tries.items():
    code, text = ask(method, path, body)
    print(json.dumps({"name": name, "code": code, "text": text[:2000]}))
"#;

/// The requests of the run: those that are refused, and those that are not.
fn tries(namespace: &str, victim: &str) -> [BTreeMap<&'static str, Value>; 2] {
    let core = |path: &str| format!("/api/v1/namespaces/{namespace}/{path}");
    let ours = json!({names::UID_LABEL: "u"});
    let pod = |name: &str, labels: &Value, account: &str| {
        let container =
            json!({"name": "c", "image": "chaostoolkit/chaostoolkit", "command": ["sleep", "600"]});
        json!({"metadata": {"name": name, "labels": labels},
            "spec": {"serviceAccountName": account, "restartPolicy": "Never", "containers": [container]}})
    };
    let template = json!({"metadata": {"labels": {"app": "new"}},
    "spec": pod("", &json!({}), victim)["spec"].as_object().map(|spec| {
        let mut spec = spec.clone();
        spec.insert("restartPolicy".to_owned(), json!("Always"));
        spec
    })});
    let deployment = json!({"metadata": {"name": "new"}, "spec": {"selector": {"matchLabels": {"app": "new"}}, "template": template}});
    let evicted = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": victim}});
    let refused = [
        ("delete its pod", json!(["DELETE", core(&format!("pods/{victim}")), null])),
        ("delete all pods", json!(["DELETE", core("pods"), null])),
        (
            "take its finalizer",
            json!(["PATCH", core(&format!("pods/{victim}/status")), {"metadata": {"finalizers": null}}]),
        ),
        (
            "take its label",
            json!(["PATCH", core(&format!("pods/{victim}")), {"metadata": {"labels": {names::UID_LABEL: null}}}]),
        ),
        (
            "execute in its pod",
            json!(["POST", core(&format!("pods/{victim}/exec?command=ls&stdout=true")), null]),
        ),
        ("evict its pod", json!(["POST", core(&format!("pods/{victim}/eviction")), evicted])),
        (
            "get a token of it",
            json!(["POST", core(&format!("serviceaccounts/{victim}/token")), {"spec": {"audiences": []}}]),
        ),
        ("use its account", json!(["POST", core("pods"), pod("new", &json!({}), victim)])),
        (
            "use its account in a template",
            json!(["POST", format!("/apis/apps/v1/namespaces/{namespace}/deployments"), deployment]),
        ),
        ("set our label", json!(["POST", core("pods"), pod("new", &ours, "default")])),
        (
            "replace the experiment",
            json!(["PATCH", core("configmaps/chaostoolkit-experiment"), {"data": {"experiment.json": "{}"}}]),
        ),
        ("delete the experiment", json!(["DELETE", core("configmaps/chaostoolkit-experiment"), null])),
        ("plant variables", json!(["POST", core("configmaps"), {"metadata": {"name": "chaostoolkit-env"}}])),
    ];
    let allowed = [
        ("1 make a pod", json!(["POST", core("pods"), pod("victim-1", &json!({"app": "shop"}), "default")])),
        (
            "2 make another pod",
            json!(["POST", core("pods"), pod("victim-2", &json!({"app": "shop"}), "default")]),
        ),
        ("3 kill it", json!(["DELETE", core("pods/victim-1"), null])),
        ("4 kill all with a label", json!(["DELETE", core("pods?labelSelector=app%3Dshop"), null])),
        ("5 make a ConfigMap", json!(["POST", core("configmaps"), {"metadata": {"name": "new"}}])),
        ("6 delete it", json!(["DELETE", core("configmaps/new"), null])),
    ];
    [refused.into(), allowed.into()]
}

#[tokio::test]
#[ignore = "needs a node"]
async fn a_run_is_refused_what_would_reach_another_run_and_goes_on_killing_pods() {
    let install = Install::new("inside").await;
    let sleep = json!({"type": "action", "name": "sleep", "provider": {"type": "process", "path": "sleep", "arguments": "600"}});
    let experiment =
        |action: Value| json!({"title": "A test", "description": "of the policy", "method": [action]});
    install.with_experiment(&experiment(sleep).to_string()).await;
    install.install_policy().await;
    let operator = Operator::start(&install).await;
    eventually("the operator sees the policy", async || {
        operator.log().contains("the policy that keeps runs apart is in force").then_some(())
    })
    .await;
    install.apply_experiment("victim", json!({})).await;
    wait_for_phase(&install.experiments(), "victim", Phase::Running).await;
    let victim = pod_of(&install, "victim").await;

    let namespace = install.run_namespace.clone();
    let [refused, allowed] = tries(&namespace, &victim);
    let all: BTreeMap<&str, Value> = refused.clone().into_iter().chain(allowed.clone()).collect();
    let script = json!({"type": "action", "name": "try", "provider": {"type": "process", "path": "python3", "arguments": ["-c", SCRIPT]}});
    let variables = json!([{"name": "TRIES", "value": json!(all).to_string()},
        {"name": "RIGHTS", "value": format!("/api/v1/namespaces/{namespace}/secrets")}]);
    install
        .apply_experiment("tries", json!({"experiment": experiment(script), "pod": {"env": variables}}))
        .await;
    let own = pod_of(&install, "tries").await;
    // The names of the pods of the shipped templates are those of the accounts.
    let rbac = "rbac.authorization.k8s.io";
    let binding = json!({"apiVersion": format!("{rbac}/v1"), "kind": "RoleBinding",
        "metadata": {"name": "tries", "namespace": namespace},
        "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": own, "namespace": namespace}]});
    install.create_any(&binding).await;
    wait_for_phase(&install.experiments(), "tries", Phase::Completed).await;

    let kept = status_of(&install, "tries").await.run.unwrap().journal.unwrap().config_map.unwrap();
    let kept = install.config_maps(&install.namespace).get(&kept).await.unwrap();
    let journal = frame::unzip(&kept.binary_data.unwrap()["journal.json.gz"].0, 8 << 20).unwrap();
    let journal: Value = serde_json::from_slice(&journal).unwrap();
    let printed = journal["run"][0]["output"]["stdout"].as_str().unwrap();
    let mut answers: BTreeMap<String, (i64, String)> = BTreeMap::new();
    for line in printed.lines() {
        let answer: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| answer[key].as_str().unwrap().to_owned();
        println!("{}: {} {}", answer["name"], answer["code"], answer["text"]);
        answers.insert(text("name"), (answer["code"].as_i64().unwrap(), text("text")));
    }
    assert_eq!(answers.len(), all.len(), "{printed}");
    for name in refused.keys() {
        let (code, text) = &answers[*name];
        assert!(*code == 403 && text.contains("the account of a run may n"), "{name}: {code} {text}");
    }
    for name in allowed.keys() {
        let (code, text) = &answers[*name];
        assert!((200..300).contains(code), "{name}: {code} {text}");
    }
    assert_eq!(status_of(&install, "victim").await.phase, Some(Phase::Running));
    install.remove_policy();
}
