"""The scripts for Argo CD and their tests, in the layout of its repository.

argocd.py files OBJECTS DIRECTORY: writes the ConfigMap and the objects of the tests
argocd.py test OBJECTS: runs the tests, and prints the health of all objects
"""

import copy
import json
import pathlib
import subprocess
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
SCRIPTS = ROOT / "argocd/resource_customizations/chaostoolkit.org/ChaosToolkitExperiment"
KIND = "chaostoolkit.org_ChaosToolkitExperiment"
ACTIONS = ["abort", "rerun", "resume", "suspend"]
# The clock of the tests stands still.
NOW = "2026-01-01T13:00:00Z"
RERUN = "chaostoolkit.org/rerun"


class Text(str):
    """A text that is written as a block."""


yaml.SafeDumper.add_representer(
    Text, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")
)


def dump(value):
    """The YAML of a value, with the keys in their order."""
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120)


def read(path):
    """The value of a YAML file. Times stay texts, as Argo CD has them."""
    loader = type("Loader", (yaml.SafeLoader,), {})
    loader.yaml_implicit_resolvers = {
        first: [(tag, match) for tag, match in found if not tag.endswith(":timestamp")]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return yaml.load(pathlib.Path(path).read_text(), loader)


def patched(experiment, action):
    """What `kubectl chaostoolkit` makes of an experiment by the command with the name of the action.

    `taken`: the operator has taken the request for a rerun. `again`: there is one more request.
    """
    changed = copy.deepcopy(experiment)
    spec = changed["spec"]
    if action == "rerun":
        changed["metadata"].setdefault("annotations", {})[RERUN] = NOW
    elif action == "taken":
        changed["status"]["rerun"] = changed["metadata"]["annotations"][RERUN]
    elif action == "again":
        changed["metadata"]["annotations"][RERUN] = "again"
    elif action == "resume":
        for fields in [spec, spec.get("schedule", {})]:
            fields.update({field: False for field in ["suspend", "abort"] if fields.get(field) is True})
    else:
        spec[action] = True
    return changed


def named(objects, name):
    """The object of this name, or what actions make of it if they are at the end of the name."""
    if name in objects:
        return objects[name]
    before, action = name.rsplit("-", 1)
    return patched(named(objects, before), action)


def config_map():
    """The ConfigMap of Argo CD, as far as it is about experiments."""
    script = lambda path: Text((SCRIPTS / path).read_text())
    actions = {
        "discovery.lua": script("actions/discovery.lua"),
        "definitions": [
            {"name": name, "action.lua": script(f"actions/{name}/action.lua")} for name in ACTIONS
        ],
    }
    data = {
        f"resource.customizations.health.{KIND}": script("health.lua"),
        f"resource.customizations.actions.{KIND}": Text(dump(actions)),
    }
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cm", "namespace": "argocd"}, "data": data}


def write(objects, directory):
    """Writes what follows from the scripts and the objects."""
    def put(path, value):
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(dump(value))

    put("argocd-cm.yaml", config_map())
    base = SCRIPTS.relative_to(ROOT / "argocd")
    for test in read(SCRIPTS / "health_test.yaml")["tests"]:
        put(base / test["inputPath"], named(objects, pathlib.Path(test["inputPath"]).stem))
    tests = read(SCRIPTS / "actions/action_test.yaml")
    for test in tests["discoveryTests"] + tests["actionTests"]:
        experiment = objects[pathlib.Path(test["inputPath"]).stem]
        put(base / "actions" / test["inputPath"], experiment)
        if "action" in test:
            put(base / "actions" / test["expectedOutputPath"], patched(experiment, test["action"]))


def lua(value):
    """A value as a term of Lua."""
    if isinstance(value, dict):
        return "{" + ",".join(f"[{lua(key)}]={lua(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "{" + ",".join(lua(inner) for inner in value) + "}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "nil"
    if isinstance(value, (int, float)):
        return repr(value)
    return '"' + "".join(f"\\{byte:03d}" for byte in value.encode()) + '"'


def run(calls):
    """What each call of a script with an object returns."""
    chunks = [f"call({lua((SCRIPTS / script).read_text())}, {lua(obj)})\n" for script, obj in calls]
    command = ["lua5.1", str(HERE / "argocd.lua"), NOW]
    done = subprocess.run(command, input="".join(chunks), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def differ(what, expected, found):
    """Ends the program if a test has failed."""
    if expected != found:
        sys.exit(f"{what}: {json.dumps(expected)} is expected, and the script says {json.dumps(found)}")


def tests():
    """Runs the tests beside the scripts."""
    health = read(SCRIPTS / "health_test.yaml")["tests"]
    found = run([("health.lua", read(SCRIPTS / test["inputPath"])) for test in health])
    for test, said in zip(health, found, strict=True):
        differ(test["inputPath"], test["healthStatus"], said)
    actions = SCRIPTS / "actions"
    discovery = read(actions / "action_test.yaml")["discoveryTests"]
    found = run([("actions/discovery.lua", read(actions / test["inputPath"])) for test in discovery])
    for test, said in zip(discovery, found, strict=True):
        named = {action["name"]: {"disabled": action.get("disabled", False)} for action in test["result"]}
        differ(f"discovery of {test['inputPath']}", named, said)
    todo = read(actions / "action_test.yaml")["actionTests"]
    calls = [(f"actions/{test['action']}/action.lua", read(actions / test["inputPath"])) for test in todo]
    # Lua has one type for lists and mappings, so an empty mapping comes back as a list.
    same = lambda value: json.loads(json.dumps(value).replace("{}", "[]"))
    for test, said in zip(todo, run(calls), strict=True):
        differ(f"{test['action']} of {test['inputPath']}", same(read(actions / test["expectedOutputPath"])), said)
    return len(health) + len(discovery) + len(todo)


def main():
    """The command line."""
    objects = [json.loads(line) for line in pathlib.Path(sys.argv[2]).read_text().splitlines()]
    if sys.argv[1] == "files":
        write({one["metadata"]["name"]: one for one in objects}, pathlib.Path(sys.argv[3]))
        return
    print(tests(), "tests have passed", file=sys.stderr)
    run([("actions/discovery.lua", one) for one in objects])
    for one, said in zip(objects, run([("health.lua", one) for one in objects]), strict=True):
        print(one["metadata"]["name"], said["status"], said["message"], sep="\t")


main()
