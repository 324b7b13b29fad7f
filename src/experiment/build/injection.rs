//! The runner, put into the pod of a run: it starts the toolkit and tells what came of it, whatever the image.
//!
//! One sidecar of the operator's image brings the program along in a volume (the kubelet starts the container of the
//! toolkit only after the hook that copies it has ended) and later prints the journal to its log. The command of the
//! toolkit's container gets the program in front; its image, arguments and mounts stay. All that is added is in here.

use serde_json::{Value, json};

use crate::experiment::build::json::{entry, is_named, items, push};
use crate::process::config::Runner;
use chaostoolkit_api::names;

/// The program in the operator's image.
const PROGRAM: &str = "/chaos-runner";

/// Puts the runner into the spec of a pod. A container without a command of its own stays as it is: what its image
/// would start is not known.
pub fn inject(spec: &mut Value, runner: &Runner) {
    let mut containers = items(spec, "containers").iter_mut();
    let Some(container) = containers.find(|container| is_named(container, names::CONTAINER)) else { return };
    let Some(command) =
        container.get("command").and_then(Value::as_array).filter(|command| !command.is_empty())
    else {
        return;
    };
    let mut wrapped = vec![json!(names::RUNNER), json!("run"), json!(names::RUNNER_DIRECTORY)];
    if let Some(path) = container.get("terminationMessagePath").and_then(Value::as_str) {
        wrapped.extend([json!("--message"), json!(path)]);
    }
    wrapped.push(json!("--"));
    wrapped.extend(command.iter().cloned());
    container["command"] = Value::Array(wrapped);
    let mount = json!({"name": names::RUNNER_VOLUME, "mountPath": names::RUNNER_DIRECTORY});
    push(container, "volumeMounts", mount.clone());
    // Where the runner itself could not say anything, the end of the log is better than nothing.
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
}

/// The container that brings the program.
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
        "resources": RESOURCES.clone(),
        // What Pod Security `restricted` asks for.
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
    // Where the pod does not say, the image's own number counts, or that which the cluster gives.
    if spec.pointer("/securityContext/runAsUser") == Some(&json!(0)) {
        container["securityContext"]["runAsUser"] = json!(65532);
    }
    if runner.sidecar {
        let mut command = vec![PROGRAM, "sidecar", names::RUNNER_DIRECTORY];
        command.extend((!runner.journal).then_some("--no-journal"));
        container["command"] = json!(command);
        container["restartPolicy"] = json!("Always");
        *entry(entry(entry(&mut container, "lifecycle"), "postStart"), "exec") = json!({"command": install});
    } else {
        container["command"] = install;
    }
    container
}

/// It does next to nothing most of the time, but the toolkit waits for its start: with a limit of 100m the kernel made
/// that 0.2 seconds longer. There is a limit at all since quotas may ask for one. Memory is asked for to the limit, so that
/// the pod is evicted no sooner than without it.
static RESOURCES: std::sync::LazyLock<Value> = std::sync::LazyLock::new(
    || json!({"requests": {"cpu": "50m", "memory": "32Mi"}, "limits": {"cpu": "1", "memory": "32Mi"}}),
);
