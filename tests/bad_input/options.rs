//! Specs with what an author adds to the pod: a patch, its short forms, files, a proxy, and an experiment from elsewhere.

use serde_json::{Value, json};

use crate::common::chance::Chance;
use crate::damage::damaged;
use crate::generate;

/// Makes a spec. Many of them are understood.
pub fn spec(chance: &mut Chance) -> Value {
    let mut pod = json!({});
    for (field, values) in options() {
        if chance.below(12) == 0 {
            pod[field] = chance.of(&values).clone();
        }
    }
    if chance.below(4) > 0 {
        pod["patch"] = patch(chance);
    }
    if chance.below(4) == 0 {
        pod = damaged(&pod, chance);
    }
    let mut spec = json!({"pod": pod});
    if chance.below(4) == 0 {
        spec["schedule"] = json!({"kind": "cronJob", "value": "0 0 1 1 *"});
    }
    spec
}

/// Makes a patch. Most of them name nothing that the operator sets, so they are merged.
fn patch(chance: &mut Chance) -> Value {
    let mut patch = generate::patch(chance);
    if chance.below(4) == 0 {
        return patch;
    }
    let is_harmless = |part: &str, field: &String, value: &Value| {
        let is_known = part == "spec" || field == "labels" || field == "annotations";
        is_known && !value.is_null() && !field.starts_with('$') && !field.starts_with("serviceAccount")
    };
    for part in ["metadata", "spec"] {
        if let Some(fields) = patch[part].as_object_mut() {
            fields.retain(|field, value| is_harmless(part, field, value));
        } else {
            patch.as_object_mut().unwrap().remove(part);
        }
    }
    for list in ["containers", "volumes"] {
        if let Some(items) = patch["spec"][list].as_array_mut() {
            items.retain(|item| item.get("$patch").is_none() && item.get("$retainKeys").is_none());
        }
    }
    patch["spec"].as_object_mut().into_iter().for_each(|fields| fields.retain(|_, value| !value.is_null()));
    patch
}

/// Fields of the pod with right and wrong values.
fn options() -> Vec<(&'static str, Vec<Value>)> {
    let key = || json!({"name": "mine", "key": "a"});
    let file = |path: &str| json!([{"path": path, "secret": key()}]);
    let url = "https://example.com/experiment.json";
    vec![
        ("labels", vec![json!({"a": "b"}), json!({"chaostoolkit.org/run": "9"}), json!({"a": "\n"})]),
        ("annotations", vec![json!({"a": "b"}), json!({"chaostoolkit.org/mark": "9"})]),
        ("nodeSelector", vec![json!({"disk": "ssd"}), json!({"a b": ""})]),
        ("tolerations", vec![json!([{"operator": "Exists"}]), json!([{"tolerationSeconds": 1e300}])]),
        ("resources", vec![json!({"limits": {"cpu": 2}}), json!({"limits": {"cpu": "-"}})]),
        ("imagePullSecrets", vec![json!([{"name": "a"}, {"name": "a"}]), json!([{}])]),
        ("imagePullPolicy", vec![json!("Never"), json!("never")]),
        ("priorityClassName", vec![json!("high"), json!("../x")]),
        ("securityContext", vec![json!({"runAsUser": 0}), json!({"runAsUser": -1})]),
        ("volumes", vec![json!([{"name": "a", "emptyDir": {}}]), json!([{"name": "chaostoolkit-runner"}])]),
        (
            "volumeMounts",
            vec![json!([{"name": "a", "mountPath": "/a"}]), json!([{"mountPath": "/chaostoolkit-runner"}])],
        ),
        ("envFrom", vec![json!([{"secretRef": {"name": "a"}}]), json!([{"secretRef": 1}])]),
        (
            "files",
            vec![
                file("a/b.json"),
                file("../a"),
                file("/etc/passwd"),
                file(""),
                json!([{"path": "a"}, {"path": "a"}]),
            ],
        ),
        (
            "proxy",
            vec![json!({"https": "http://proxy:3128", "caBundle": key()}), json!({"https": "\n", "no": [1]})],
        ),
        (
            "experiment",
            vec![
                json!({"url": url}),
                json!({"url": url, "sha256": "0".repeat(64), "headers": [{"name": "Authorization", "secret": key()}]}),
                json!({"url": url, "sha256": "0".repeat(63), "headers": [{"name": "a\nb", "secret": key()}]}),
                json!({"url": "file:///etc/passwd"}),
                json!({"url": "https://a:b@[::1/"}),
                json!({"artifact": {"reference": "example.com/experiment:1"}}),
                json!({"artifact": {"reference": "../x y"}}),
            ],
        ),
    ]
}
