//! Requests with options of the pod. Whoever may create pods in the namespace of the run may have each of them, and nothing of
//! what the operator sets.

use crate::cast::Who::{Boss, Dev, Owner};
use crate::request::{Ask, central, edit, own};
use crate::table::{PODS_IN_OTHER, Row, YES, row};
use serde_json::{Value, json};

/// What the operator says of an option that would set what it sets itself.
const INVALID: [&str; 3] = ["Failed InvalidSpec"; 3];

/// What it says of a pod that Pod Security refuses. Without any policy, it does not get so far.
const FORBIDDEN: [&str; 3] = ["Blocked Forbidden", "Blocked Forbidden", ""];

/// A valid pod has each of these.
fn options() -> Vec<(&'static str, Value)> {
    let key = json!({"name": "mine", "key": "a"});
    vec![
        ("patch", json!({"patch": {"spec": {"hostNetwork": true}}})),
        ("labels", json!({"labels": {"app": "shop"}})),
        ("annotations", json!({"annotations": {"note": "1"}})),
        ("nodeSelector", json!({"nodeSelector": {"kubernetes.io/os": "linux"}})),
        ("tolerations", json!({"tolerations": [{"operator": "Exists"}]})),
        ("resources", json!({"resources": {"limits": {"memory": "1Gi"}}})),
        ("imagePullSecrets", json!({"imagePullSecrets": [{"name": "mine"}]})),
        ("imagePullPolicy", json!({"imagePullPolicy": "Never"})),
        ("priorityClassName", json!({"priorityClassName": "system-cluster-critical"})),
        ("securityContext", json!({"securityContext": {"runAsUser": 0}})),
        ("volumes", json!({"volumes": [{"name": "host", "hostPath": {"path": "/"}}]})),
        (
            "volumeMounts",
            json!({"volumes": [{"name": "mine", "secret": {"secretName": "mine"}}],
                "volumeMounts": [{"name": "mine", "mountPath": "/mine"}]}),
        ),
        ("envFrom", json!({"envFrom": [{"secretRef": {"name": "mine"}}]})),
        ("files", json!({"files": [{"path": ".kube/config", "secret": key}]})),
        ("proxy", json!({"proxy": {"https": "http://proxy:3128", "caBundle": key}})),
        ("experiment.url", json!({"experiment": {"url": "https://example.com/experiment.json"}})),
        (
            "experiment.headers",
            json!({"experiment": {"url": "https://example.com/experiment.json",
                "headers": [{"name": "Authorization", "secret": key}]}}),
        ),
        (
            "experiment.sha256",
            json!({"experiment": {"url": "https://example.com/experiment.json", "sha256": "0".repeat(64)}}),
        ),
        (
            "experiment.artifact",
            json!({"experiment": {"artifact": {"reference": "example.com/experiment:1"}}}),
        ),
    ]
}

fn text(text: String) -> &'static str {
    text.leak()
}

/// Each user with each option, centrally and in a namespace of his own.
fn each_option() -> Vec<Row> {
    let mut rows = Vec::new();
    for (field, pod) in options() {
        let there = |namespace: &str| central(json!({"namespace": namespace, "pod": pod}));
        let beside = |namespace: &'static str| Ask::Create(namespace, json!({"pod": pod}), json!({}));
        for (who, place, ask, answers) in [
            (Dev, "in the own namespace", there("@team"), YES),
            (Dev, "beside the experiment", own(json!({"pod": pod})), YES),
            (Dev, "in a foreign namespace", there("@other"), PODS_IN_OTHER),
            (Dev, "in another's experiment", edit("theirs", json!({"pod": pod})), PODS_IN_OTHER),
            (Owner, "in the own namespace", there("@shop"), YES),
            (Owner, "beside the experiment", beside("@shop"), YES),
            (Boss, "anywhere", there("@other"), YES),
        ] {
            rows.push(row(who, text(format!("has pod.{field} {place}")), ask, answers));
        }
    }
    rows
}

/// What the operator sets, whoever asks.
fn ways_around() -> Vec<Row> {
    let of = |pod: Value| json!({"namespace": "@team", "pod": pod});
    let patch = |patch: Value| of(json!({"patch": patch}));
    let tried: [(&'static str, Value); 16] = [
        ("patches another account in", patch(json!({"spec": {"serviceAccountName": "deployer"}}))),
        ("patches the older field of the account", patch(json!({"spec": {"serviceAccount": "deployer"}}))),
        ("patches the account away", patch(json!({"spec": {"serviceAccountName": null}}))),
        ("patches the namespace", patch(json!({"metadata": {"namespace": "@other"}}))),
        ("patches the name", patch(json!({"metadata": {"name": "another"}}))),
        (
            "patches the experiment that the pod is of",
            patch(json!({"metadata": {"labels": {"chaostoolkit.org/experiment-uid": "1"}}})),
        ),
        (
            "patches the number of the run",
            patch(json!({"metadata": {"labels": {"chaostoolkit.org/run": "9"}}})),
        ),
        ("patches the mark", patch(json!({"metadata": {"annotations": {"chaostoolkit.org/mark": "1"}}}))),
        (
            "patches the mark away",
            patch(json!({"metadata": {"annotations": {"chaostoolkit.org/mark": null}}})),
        ),
        ("patches a finalizer in", patch(json!({"metadata": {"finalizers": ["tests.example/mine"]}}))),
        ("patches the finalizers away", patch(json!({"metadata": {"finalizers": null}}))),
        ("patches the restart policy", patch(json!({"spec": {"restartPolicy": "Always"}}))),
        ("patches all of the spec away", patch(json!({"spec": {"$patch": "replace"}}))),
        ("has a label of the operator", of(json!({"labels": {"chaostoolkit.org/experiment-uid": "1"}}))),
        (
            "has an annotation of the operator",
            of(json!({"annotations": {"chaostoolkit.org/experiment": "@home/theirs"}})),
        ),
        (
            "names a Secret of another namespace",
            of(json!({"files": [{"path": "a", "secret": {"name": "../@other/secrets/its", "key": "a"}}]})),
        ),
    ];
    let mut rows: Vec<Row> =
        tried.into_iter().map(|(what, spec)| row(Dev, what, central(spec), YES).told(INVALID)).collect();
    // The operator sets its own labels after the patch.
    let without_labels = patch(json!({"metadata": {"labels": null}}));
    rows.push(row(Dev, "patches all labels away", central(without_labels), YES));
    rows
}

/// Pod Security forbids these in the namespace `@safe`, in which `Dev` has `edit` as well.
fn of_pod_security() -> Vec<Row> {
    let privileged = json!({"containers": [{"name": "chaostoolkit", "securityContext": {"privileged": true, "allowPrivilegeEscalation": true}}]});
    let host = json!([{"name": "host", "hostPath": {"path": "/"}}]);
    let tried: [(&'static str, Value); 5] = [
        ("brings a privileged pod", json!({"template": crate::table::PRIVILEGED})),
        ("patches a privileged container in", json!({"patch": {"spec": privileged}})),
        ("patches the network of the node in", json!({"patch": {"spec": {"hostNetwork": true}}})),
        ("patches a volume of the node in", json!({"patch": {"spec": {"volumes": host}}})),
        ("has a volume of the node", json!({"volumes": host})),
    ];
    tried
        .into_iter()
        .map(|(what, pod)| {
            row(Dev, what, central(json!({"namespace": "@safe", "pod": pod})), YES).told(FORBIDDEN)
        })
        .collect()
}

/// All of these rows.
pub fn pods() -> Vec<Row> {
    [each_option(), ways_around(), of_pod_security()].into_iter().flatten().collect()
}
