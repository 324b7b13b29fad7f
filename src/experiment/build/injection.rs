//! Puts the runner into the pod of a run. The runner starts the toolkit and reports the result, whatever the image.
//!
//! One sidecar of the operator's image copies the program into a volume, and later prints the journal to its log. The
//! kubelet starts the container of the toolkit only after the hook that copies the program has ended. The program is
//! put in front of the command of the toolkit's container. The image, arguments and mounts of the container stay. This
//! file adds all of it.

use serde_json::{Value, json};

use crate::experiment::build::json::{entry, is_named, items, push, toolkit};
use crate::process::config::Runner;
use crate::process::resources::SidecarResources;
use chaostoolkit_api::names;

/// The path of the program in the operator's image.
const PROGRAM: &str = names::SIDECAR_COMMAND[0];

/// Puts the runner into the spec of a pod, with these further options. Returns whether it did. A container without a command
/// stays as it is, since the operator does not know what its image starts.
pub fn inject(spec: &mut Value, runner: &Runner, options: &[String]) -> bool {
    let Some(container) = toolkit(spec) else { return false };
    let Some(command) =
        container.get("command").and_then(Value::as_array).filter(|command| !command.is_empty())
    else {
        return false;
    };
    let mut wrapped = vec![json!(names::RUNNER), json!("run"), json!(names::RUNNER_DIRECTORY)];
    if let Some(path) = container.get("terminationMessagePath").and_then(Value::as_str) {
        wrapped.extend([json!("--message"), json!(path)]);
    }
    wrapped.extend(options.iter().map(|option| json!(option)));
    wrapped.push(json!("--"));
    wrapped.extend(command.iter().cloned());
    container["command"] = Value::Array(wrapped);
    let mount = json!({"name": names::RUNNER_VOLUME, "mountPath": names::RUNNER_DIRECTORY});
    push(container, "volumeMounts", mount.clone());
    // If the runner could not report, the end of the log is better than nothing.
    if container.get("terminationMessagePolicy").is_none() {
        container["terminationMessagePolicy"] = json!("FallbackToLogsOnError");
    }
    push(spec, "volumes", json!({"name": names::RUNNER_VOLUME, "emptyDir": {}}));
    for secret in &runner.pull_secrets {
        if !items(spec, "imagePullSecrets").iter().any(|known| is_named(known, secret)) {
            push(spec, "imagePullSecrets", json!({"name": secret}));
        }
    }
    let bringer = bringer(spec, runner, &mount);
    push(spec, "initContainers", bringer);
    true
}

/// The container that brings the program into the pod.
fn bringer(spec: &Value, runner: &Runner, mount: &Value) -> Value {
    let install = json!([PROGRAM, "install", names::RUNNER_DIRECTORY]);
    let taken = |name: &str| {
        ["containers", "initContainers"].into_iter().any(|list| {
            let list = spec.get(list).and_then(Value::as_array);
            list.into_iter().flatten().any(|container| is_named(container, name))
        })
    };
    let name = if taken(names::SIDECAR) { names::RUNNER_VOLUME } else { names::SIDECAR };
    let mut container = json!({
        "name": name,
        "image": runner.image,
        "resources": resources(&runner.resources),
        // Required by the Pod Security Standard `restricted`.
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "runAsNonRoot": true,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [mount],
    });
    if let Some(policy) = &runner.pull_policy {
        container["imagePullPolicy"] = json!(policy);
    }
    // If the pod sets no user, the user of the image counts, or the one that the cluster assigns.
    if spec.pointer("/securityContext/runAsUser") == Some(&json!(0)) {
        container["securityContext"]["runAsUser"] = json!(65532);
    }
    if runner.sidecar {
        let mut command = names::SIDECAR_COMMAND.to_vec();
        command.extend((!runner.journal).then_some("--no-journal"));
        container["command"] = json!(command);
        container["restartPolicy"] = json!("Always");
        *entry(entry(entry(&mut container, "lifecycle"), "postStart"), "exec") = json!({"command": install});
    } else {
        container["command"] = install;
    }
    container
}

/// The resources of the container. What is not set stays out.
fn resources(wanted: &SidecarResources) -> Value {
    let mut resources = json!({});
    for (kind, resource, quantity) in wanted.each() {
        if let Some(quantity) = quantity {
            entry(&mut resources, kind)[resource] = json!(quantity.as_str());
        }
    }
    resources
}
