"""Runs activities of chaosk8s without the rights for them, and prints the journals, as JSON.

    eval "$(hack/cluster/env.sh)"
    for version in 0.22.0 0.26.4 0.34.0 0.39.0; do
      python3 -m venv target/chaosk8s-$version
      target/chaosk8s-$version/bin/pip install chaostoolkit chaostoolkit-kubernetes==$version
      target/chaosk8s-$version/bin/python hack/chaosk8s/refused.py
    done | jq -s . > crates/journal/tests/forbidden.json

Needs an API server and `kubectl` with all rights. Each run is one of a service account that may do nothing, except for one
that may create Services beyond a quota and patch Deployments against a policy: what admission refuses is no missing right.
Tokens and the texts of tracebacks before the exception are left out.
"""

import importlib.metadata
import json
import os
import pathlib
import subprocess
import sys
import tempfile

NAMESPACE = "shop"
OBJECTS = """
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: nobody, namespace: shop}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: somebody, namespace: shop}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: few, namespace: shop}
spec: {hard: {services: "0"}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: somebody, namespace: shop}
rules:
- {apiGroups: [""], resources: [services], verbs: [create]}
- {apiGroups: [apps], resources: [deployments], verbs: [get, patch]}
- {apiGroups: [apps], resources: [deployments/scale], verbs: [get, patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: somebody, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: somebody}
subjects: [{kind: ServiceAccount, name: somebody, namespace: shop}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: no-patches}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [apps], apiVersions: [v1], operations: [UPDATE], resources: [deployments, deployments/scale]}
  validations: [{expression: "request.userInfo.username != 'system:serviceaccount:shop:somebody'", message: nobody patches, reason: Forbidden}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: no-patches}
spec: {policyName: no-patches, validationActions: [Deny]}
"""


def kubectl(*arguments, stdin=None):
    done = subprocess.run(["kubectl", *arguments], input=stdin, capture_output=True, text=True, check=True)
    return done.stdout


def python(kind, title, module, function, **arguments):
    provider = {"type": "python", "module": f"chaosk8s.{module}", "func": function, "arguments": arguments}
    return {"type": kind, "name": title, "provider": provider}


def process(kind, name, path, arguments):
    return {"type": kind, "name": name, "provider": {"type": "process", "path": path, "arguments": arguments}}


def experiments(kubeconfig, server, token):
    pods = {"label_selector": "app=web", "ns": NAMESPACE}
    scale = {"name": "web", "replicas": 1, "ns": NAMESPACE}
    kubectl_of_run = ["--kubeconfig", kubeconfig]
    listed = {"url": f"{server}/api/v1/namespaces/{NAMESPACE}/pods", "verify_tls": False}
    yield "refused", "nobody", {
        "method": [
            python("action", "terminate", "pod.actions", "terminate_pods", **pods),
            python("action", "scale", "statefulset.actions", "scale_statefulset", **scale),
            python("action", "remove", "actions", "remove_service_endpoint", name="web", ns=NAMESPACE),
            python("action", "scale-microservice", "actions", "scale_microservice", **scale),
            python("action", "cordon", "node.actions", "cordon_node", name="a"),
            process("action", "kubectl", "kubectl", [*kubectl_of_run, "-n", NAMESPACE, "delete", "deployments", "web"]),
            {
                "type": "probe",
                "name": "http",
                "provider": {"type": "http", **listed, "headers": {"Authorization": f"Bearer {token}"}},
            },
        ],
        "rollbacks": [python("action", "scale-back", "statefulset.actions", "scale_statefulset", **scale)],
    }
    probe = python("probe", "pods", "pod.probes", "pods_in_phase", phase="Running", **pods)
    yield "hypothesis", "nobody", {
        "steady-state-hypothesis": {"title": "h", "probes": [{**probe, "tolerance": True}]},
        "method": [],
    }
    tolerated = process("probe", "may-not", "kubectl", [*kubectl_of_run, "-n", NAMESPACE, "get", "secrets"])
    yield "tolerated", "nobody", {
        "steady-state-hypothesis": {"title": "h", "probes": [{**tolerated, "tolerance": 1}]},
        "method": [],
    }
    yield "admission", "somebody", {
        "method": [
            python("action", "create", "service.actions", "create_service_endpoint", spec_path="service.json", ns=NAMESPACE),
            process(
                "action",
                "annotate",
                "kubectl",
                [*kubectl_of_run, "-n", NAMESPACE, "annotate", "deployments", "web", "a=b", "--overwrite"],
            ),
            python("action", "scale", "actions", "scale_microservice", **scale),
        ],
    }


def shortened(value, secrets):
    """Leaves out what no test needs: tokens, the host, and the lines of a traceback before the exception."""
    if isinstance(value, dict):
        lines = value.get("exception")
        if isinstance(lines, list):
            value = {**value, "exception": [line for line in lines if not line.startswith(("  File", "    "))]}
        return {key: shortened(item, secrets) for key, item in value.items() if key not in ("node", "platform")}
    if isinstance(value, list):
        return [shortened(item, secrets) for item in value]
    if isinstance(value, str):
        for secret, word in secrets.items():
            value = value.replace(secret, word)
    return value


def main():
    kubectl("apply", "-f", "-", stdin=OBJECTS)
    config = json.loads(kubectl("config", "view", "--raw", "--minify", "-o", "json"))
    cluster = config["clusters"][0]
    server = cluster["cluster"]["server"]
    version = importlib.metadata.version("chaostoolkit-kubernetes")
    chaos = str(pathlib.Path(sys.executable).with_name("chaos"))
    with tempfile.TemporaryDirectory() as home:
        kubeconfig = os.path.join(home, "config")
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}
        pathlib.Path(home, "service.json").write_text(json.dumps(service))
        for name, account, experiment in experiments(kubeconfig, server, "TOKEN"):
            token = kubectl("-n", NAMESPACE, "create", "token", account).strip()
            user = {"name": account, "user": {"token": token}}
            context = {"name": "c", "context": {"cluster": cluster["name"], "user": account}}
            one = {**config, "users": [user], "contexts": [context], "current-context": "c"}
            pathlib.Path(kubeconfig).write_text(json.dumps(one))
            text = json.dumps({"title": name, "description": name, "rollbacks": [], **experiment})
            pathlib.Path(home, "experiment.json").write_text(text.replace("TOKEN", token))
            environment = {**os.environ, "KUBECONFIG": kubeconfig, "HOME": home}
            for key in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
                environment.pop(key, None)
            command = [chaos, "run", "experiment.json"]
            subprocess.run(command, cwd=home, env=environment, stdout=sys.stderr, stderr=sys.stderr, check=False)
            journal = json.loads(pathlib.Path(home, "journal.json").read_text())
            secrets = {token: "TOKEN", home: "HOME", server: "https://kubernetes.default.svc"}
            run = {"chaosk8s": version, "run": name, "journal": shortened(journal, secrets)}
            print(json.dumps(run))


main()
