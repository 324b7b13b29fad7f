//! The parts of the experiments.

use serde_json::{Value, json};

pub fn process(path: &str, arguments: Value) -> Value {
    json!({"type": "action", "name": format!("{path} {arguments}"),
        "provider": {"type": "process", "path": path, "arguments": arguments}})
}

pub fn python(module: &str, function: &str, arguments: Value) -> Value {
    json!({"type": "action", "name": format!("{module}.{function}"),
        "provider": {"type": "python", "module": module, "func": function, "arguments": arguments}})
}

/// Returns an experiment whose steady-state hypothesis holds if this process exits with 0.
pub fn judged_by(probe: (&str, Value), method: Vec<Value>, rollbacks: Vec<Value>) -> Value {
    let (path, arguments) = probe;
    json!({"title": "A test", "description": "of the operator", "method": method, "rollbacks": rollbacks,
        "steady-state-hypothesis": {"title": "all is well", "probes": [{"type": "probe", "name": "well",
            "tolerance": 0, "provider": {"type": "process", "path": path, "arguments": arguments}}]}})
}

pub fn well(method: Vec<Value>, rollbacks: Vec<Value>) -> Value {
    judged_by(("true", json!([])), method, rollbacks)
}

/// Returns an experiment whose hypothesis holds until `/tmp/broken` exists.
pub fn breakable(method: Vec<Value>) -> Value {
    judged_by(("test", json!(["!", "-e", "/tmp/broken"])), method, vec![])
}

/// Returns an experiment whose probe raises once `/tmp/broken` exists, as one does that cannot connect any more.
pub fn raises_once_broken(method: Vec<Value>) -> Value {
    let mut experiment = breakable(method);
    let script = "test ! -e /tmp/broken && echo up";
    let probe = python("subprocess", "check_output", json!({"args": ["sh", "-c", script], "text": true}));
    experiment["steady-state-hypothesis"]["probes"] = json!([{"type": "probe", "name": "well", "tolerance": "up\n",
        "provider": probe["provider"]}]);
    experiment
}

/// Returns an experiment whose configuration refers to a variable that is not set.
pub fn missing_variable() -> Value {
    let mut experiment = well(vec![echo()], vec![]);
    experiment["configuration"] = json!({"x": {"type": "env", "key": "NOBODY_SETS_THIS"}});
    experiment
}

/// Returns a probe for the method whose tolerance is not met, and decides nothing.
pub fn judged_nowhere() -> Value {
    json!({"type": "probe", "name": "still-works", "tolerance": 0, "provider": {"type": "process", "path": "false"}})
}

pub fn inline(experiment: &Value) -> Value {
    json!({"experiment": experiment})
}

/// Returns a spec with the author's own pod, which runs the experiment in the `ConfigMap` called `own`.
pub fn own_pod(spec: &Value, container: &Value) -> Value {
    let mut pod = json!({"kind": "Pod", "metadata": {"name": "own"}, "spec": {
        "volumes": [{"name": "x", "configMap": {"name": "own"}}],
        "containers": [{"name": "chaostoolkit", "image": "chaostoolkit/chaostoolkit", "command": ["chaos"],
            "args": ["run", "/x/sleep.json"], "volumeMounts": [{"name": "x", "mountPath": "/x"}]}],
    }});
    for (to, from) in [("/spec", spec), ("/spec/containers/0", container)] {
        let to = pod.pointer_mut(to).unwrap().as_object_mut().unwrap();
        to.extend(from.as_object().unwrap().clone());
    }
    json!({"pod": {"template": pod}})
}

pub fn echo() -> Value {
    process("echo", json!(["hello"]))
}

pub fn fails_always() -> Value {
    python("os", "stat", json!({"path": "/does/not/exist"}))
}

/// Returns an action that overwrites the termination message with that of a run that has passed.
pub fn forge() -> Value {
    let message =
        r#"{"chaosRunner":1,"state":"ended","exitCode":0,"summary":{"outcome":"Passed","conclusive":true}}"#;
    process("python3", json!(["-c", format!("open('/dev/termination-log', 'w').write({message:?})")]))
}

/// Returns a spec that takes the experiment from this URL.
pub fn from(url: &str) -> Value {
    let env = json!([{"name": "EXPERIMENT_URL", "value": url}]);
    json!({"pod": {"experiment": {"asFile": false}, "env": env}})
}

/// Returns the experiments in the `ConfigMap` called `own`. The server has them, too.
pub fn files() -> Value {
    let sleep = || process("sleep", json!(["600"]));
    // This is more than the container may store on the disk of the node.
    let fill = process("python3", json!(["-c", "open('/tmp/full', 'wb').write(b'x' * (64 << 20))"]));
    json!({
        "quick.json": well(vec![echo()], vec![]).to_string(),
        "sleep.json": well(vec![sleep()], vec![echo()]).to_string(),
        "full.json": well(vec![fill, sleep()], vec![]).to_string(),
        "rolls-back.json": well(vec![echo()], vec![echo()]).to_string(),
    })
}
