"""Prints how the lists and mappings of a pod are patched, as JSON.

    { kubectl version -o json; kubectl get --raw /openapi/v2; } | python3 hack/strategic/merge_keys.py > src/strategic/pod.json

`make merge-keys` does that. The input is the version of the API server, and its OpenAPI document. The output has each
type below Pod in which a field has a merge key or a strategy, or leads to such a type. All other fields have the default:
mappings are merged, and lists and other values are replaced. `tests/strategic.rs` compares the output with the file.
"""

import json
import sys

ROOT = "io.k8s.api.core.v1.Pod"
PREFIX = "#/definitions/"


def reference(schema):
    """Returns the type that a schema refers to, straight or as the items of a list."""
    return schema.get("$ref", schema.get("items", {}).get("$ref", "")).removeprefix(PREFIX)


def field(schema):
    """Returns what is known of a field, without what is the default."""
    known = {
        "of": reference(schema),
        "strategy": schema.get("x-kubernetes-patch-strategy"),
        "key": schema.get("x-kubernetes-patch-merge-key"),
    }
    return {name: value for name, value in known.items() if value}


def reachable(definitions):
    """Returns all types below the root, with their fields."""
    found, waiting = {}, [ROOT]
    while waiting:
        name = waiting.pop()
        if name not in found:
            properties = definitions[name].get("properties", {})
            found[name] = {key: field(schema) for key, schema in properties.items()}
            waiting += [known["of"] for known in found[name].values() if "of" in known]
    return found


def relevant(types):
    """Returns the types that have a strategy, or lead to one that has, and the fields that do."""
    kept = set()
    while True:
        matters = lambda known: "strategy" in known or known.get("of") in kept
        grown = {name for name, fields in types.items() if any(matters(known) for known in fields.values())}
        if grown == kept:
            break
        kept = grown
    result = {}
    for name in kept:
        fields = {}
        for key, known in types[name].items():
            if not matters(known):
                continue
            if known.get("of") in kept:
                known = known | {"of": short(known["of"])}
            else:
                known = {part: value for part, value in known.items() if part != "of"}
            fields[key] = known
        result[short(name)] = fields
    if len(result) != len(kept):
        sys.exit("two types have the same short name")
    return result


def short(name):
    return name.rsplit(".", 1)[-1]


def main():
    text, decoder = sys.stdin.read(), json.JSONDecoder()
    version, end = decoder.raw_decode(text)
    document, _ = decoder.raw_decode(text[end:].lstrip())
    result = {
        "kubernetes": version["serverVersion"]["gitVersion"],
        "types": relevant(reachable(document["definitions"])),
    }
    print(json.dumps(result, indent=1, sort_keys=True))


main()
