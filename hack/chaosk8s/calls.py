"""Prints which calls the functions of chaosk8s make, one function in each line, as JSON.

    python3 -m venv target/chaosk8s
    target/chaosk8s/bin/pip install chaostoolkit-kubernetes==0.39.0 kubernetes==31.0.0
    target/chaosk8s/bin/python hack/chaosk8s/calls.py > tests/generated_roles/chaosk8s-0.39.0.jsonl

Each public function of each module of actions and probes is called, with a server in place of the API server. A function
whose object has an optional name is called twice. The object in a list is named `x-listed`, unless the function asks for
the name `x`. Later clients refuse arguments that are not whole objects before they send anything. `tests/generated_roles.rs` compares the calls with the table of the operator.
"""

import importlib
import inspect
import json
import os
import pkgutil
import re
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

# One certain argument for each parameter that a call needs.
ARGUMENTS = {
    "name": "x",
    "ns": "shop",
    "spec_path": "object.json",
    "label_selector": "app=x",
    "replicas": 1,
    "conditions": [],
    "group": "example.com",
    "version": "v1",
    "plural": "widgets",
    "resource": {},
    "spec": {},
    "meta": {"name": "x"},
    "workers": 1,
    "load": 50,
    "rate": "1mbps",
    "limit": 1,
    "buffer": 1,
    "pattern": ".",
    "cmd": "true",
    "singular": "widget",
    "container_name": "c",
    "timeout": 1,
    "body_as_object": {},
}
# These are given although they have a default.
ALWAYS = {"name", "ns", "spec", "spec_path", "resource", "meta", "timeout", "body_as_object"}
OBJECT = '{"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "x", "namespace": "shop"}, "spec": {}}'
# What no rule for all functions gives.
SPECIAL = {
    "apply_from_json": {"resource": OBJECT},
    "apply_from_yaml": {"resource": OBJECT},
    "exec_in_pods": {"container_name": "c"},
}

PATH = re.compile(
    r"/(?:api/v1|apis/(?P<group>[^/]+)/[^/]+)(?:/namespaces/(?P<ns>[^/]+)(?=/))?"
    r"/(?P<resource>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<sub>[^/]+))?"
)
VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
seen = []


class ApiServer(BaseHTTPRequestHandler):
    """Answers each request with something that the client can read, and notes it as the authorizer would see it."""

    def handle_any(self):
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        part = PATH.fullmatch(url.path).groupdict()
        verb = VERBS.get(self.command) or ("get" if part["name"] else "watch" if "watch" in query else "list")
        resource = "/".join(filter(None, [part["resource"], part["sub"]]))
        call = [verb, part["group"] or "", resource, part["ns"], part["name"]]
        if call not in seen:
            seen.append(call)
        asked = dict(term.split("=", 1) for term in query.get("fieldSelector", [""])[0].split(",") if term)
        item = a(asked.get("metadata.name", "x-listed"), part["ns"])
        answer = {"list": {"items": [item]}, "watch": {"type": "ADDED", "object": item}}.get(verb, item)
        body = json.dumps(answer).encode()
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def log_message(self, *_):
        pass


def a(name, namespace):
    """An object that passes for any kind."""
    numbers = ["replicas", "availableReplicas", "readyReplicas", "currentNumberScheduled", "desiredNumberScheduled"]
    status = dict.fromkeys([*numbers, "numberMisscheduled", "numberReady"], 1)
    spec = {"replicas": 1, "selector": {}, "template": {}, "serviceName": "s", "podSelector": {}}
    return {
        "metadata": {"name": name, "namespace": namespace, "uid": name},
        "spec": {**spec, "nodeName": name, "containers": [{"name": "c"}], "volumes": []},
        "status": {**status, "phase": "Running", "conditions": []},
    }


def functions():
    """All public functions of chaosk8s that an activity can name, whichever module they come from."""
    package = importlib.import_module("chaosk8s")
    for module in pkgutil.walk_packages(package.__path__, "chaosk8s."):
        if module.name.rsplit(".", 1)[-1] in ("actions", "probes"):
            for name, function in inspect.getmembers(importlib.import_module(module.name), inspect.isfunction):
                if function.__module__.startswith("chaosk8s.") and not name.startswith("_"):
                    yield f"{module.name}.{name}".removeprefix("chaosk8s."), function


def arguments(function, without):
    parameters = inspect.signature(function).parameters.values()
    given = {
        p.name: ARGUMENTS[p.name]
        for p in parameters
        if p.name in ARGUMENTS and p.name not in without and (p.default is p.empty or p.name in ALWAYS)
    }
    return {**given, **SPECIAL.get(function.__name__, {})}


def calls(function, given):
    seen.clear()
    try:
        function(**given)
    except Exception:  # Whatever comes of it: the requests count.
        pass
    return sorted(seen, key=str)


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), ApiServer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as home:
        os.chdir(home)
        with open(ARGUMENTS["spec_path"], "w") as file:
            file.write(OBJECT)
        os.environ.update(HOME=home, KUBECONFIG="none", KUBERNETES_HOST=f"http://127.0.0.1:{server.server_port}")
        for name, function in sorted(functions()):
            parameters = inspect.signature(function).parameters
            is_optional = "name" in parameters and parameters["name"].default is None
            for without in [set(), {"name"}] if is_optional else [set()]:
                given = arguments(function, without)
                line = {"function": name, "parameters": [*parameters], "arguments": given, "calls": calls(function, given)}
                print(json.dumps(line))


main()
