//! This operator creates the same objects as the Python operator 0.14.0, in the same order. They have every field that
//! 0.14.0 sets, and lists have no other items, except for the runner. Needs nothing.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by a panic")]

use std::path::PathBuf;

use chaostoolkit_operator::commands::render::render;
use chaostoolkit_operator::yaml;
use rstest::rstest;
use serde_json::{Value, json};

/// Collects the paths where `made` lacks a value of `wanted` or has a different one.
fn differences(wanted: &Value, made: &Value, at: &str, into: &mut Vec<String>) {
    match (wanted, made) {
        (Value::Object(wanted), Value::Object(made)) => {
            for (key, value) in wanted {
                differences(value, made.get(key).unwrap_or(&Value::Null), &format!("{at}.{key}"), into);
            }
        }
        // Lists have to be equal: an additional item makes another list.
        (Value::Array(wanted), Value::Array(made)) if wanted.len() == made.len() => {
            for (index, (wanted, made)) in wanted.iter().zip(made).enumerate() {
                differences(wanted, made, &format!("{at}[{index}]"), into);
            }
        }
        _ if wanted == made => {}
        _ => into.push(format!("{at} is {made} and not {wanted}")),
    }
}

/// Removes the runner from a pod. Checks that it is there and that it changed nothing else in a list.
fn take_the_runner_out(pod: &mut Value) {
    let spec = &mut pod["spec"];
    let bringer = pop(spec, "initContainers");
    assert_eq!(bringer["name"], "journal");
    assert_eq!(pop(spec, "volumes"), json!({"name": "chaostoolkit-runner", "emptyDir": {}}));
    let container = spec["containers"].as_array_mut().unwrap();
    let container = container.iter_mut().find(|container| container["name"] == "chaostoolkit").unwrap();
    let mount = json!({"name": "chaostoolkit-runner", "mountPath": "/chaostoolkit-runner"});
    assert_eq!(pop(container, "volumeMounts"), mount);
    let command = container["command"].as_array_mut().unwrap();
    let wrapper: Vec<Value> = command.drain(..4).collect();
    assert_eq!(wrapper, ["/chaostoolkit-runner/chaos-runner", "run", "/chaostoolkit-runner", "--"]);
    let annotations = pod["metadata"]["annotations"].as_object_mut().unwrap();
    let evictable = annotations.remove("cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes");
    assert_eq!(evictable, Some(json!("chaostoolkit-runner")));
}

/// Removes the last item of a list, and the list itself if it is empty then.
fn pop(value: &mut Value, key: &str) -> Value {
    let items = value[key].as_array_mut().unwrap();
    let popped = items.pop().unwrap();
    if items.is_empty() {
        value.as_object_mut().unwrap().remove(key);
    }
    popped
}

fn named(object: &Value) -> String {
    let metadata = &object["metadata"];
    format!("{} {}/{}", object["kind"], metadata["namespace"], metadata["name"])
}

/// The resources of the core group that the Role of 0.14.0 granted, and that of this operator does not. Not even an
/// `admin` of a namespace could grant `endpoints`, and the core group has no `deployments`.
const NOT_GRANTED: [&str; 2] = ["endpoints", "deployments"];

/// Removes from a Role of 0.14.0 what is not granted any more. Nothing else of a case may differ.
fn take_two_resources_out(role: &mut Value) {
    let rules = role["rules"].as_array_mut().unwrap();
    let mut core = rules.iter_mut().filter(|rule| rule["apiGroups"] == json!([""]));
    let resources = core.next().unwrap()["resources"].as_array_mut().unwrap();
    let before = resources.len();
    resources.retain(|resource| !NOT_GRANTED.contains(&resource.as_str().unwrap()));
    assert_eq!(resources.len(), before - NOT_GRANTED.len(), "0.14.0 granted both, and each once");
}

#[rstest]
fn the_objects_of_0_14_0(#[files("tests/golden/*.yaml")] path: PathBuf) {
    let case = yaml::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    let given = &case["given"];
    let have: Vec<String> = serde_json::from_value(given["configMapsInRunNamespace"].clone()).unwrap();
    let templates = given.get("templates").map(ToString::to_string);
    let mut made = render(&case["experiment"].to_string(), templates.as_deref(), &have).unwrap();
    let workload = made.last_mut().unwrap();
    take_the_runner_out(match workload["kind"].as_str() {
        Some("CronJob") => &mut workload["spec"]["jobTemplate"]["spec"]["template"],
        _ => workload,
    });
    let mut wanted = case["creates"].as_array().unwrap().clone();
    wanted.iter_mut().filter(|object| object["kind"] == "Role").for_each(take_two_resources_out);
    let names = |objects: &[Value]| objects.iter().map(named).collect::<Vec<_>>();
    assert_eq!(names(&made), names(&wanted), "{}", case["why"]);
    let mut different = Vec::new();
    for (wanted, made) in wanted.iter().zip(&made) {
        differences(wanted, made, &named(wanted), &mut different);
    }
    assert!(different.is_empty(), "{}:\n{}", case["why"], different.join("\n"));
}
