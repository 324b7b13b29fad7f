#!/usr/bin/env python3
"""Makes schemas for kubeconform.

schemas.py SWAGGER DIRECTORY                     of what an API server publishes
schemas.py --definitions DIRECTORY DEFINITION... of CustomResourceDefinitions; this needs PyYAML

Each definition gets `additionalProperties: false`, so that a field that the API server does not know is a mistake.
"""
import json
import pathlib
import sys

INT_OR_STRING = {"oneOf": [{"type": "integer"}, {"type": "string"}]}
NUMBER_OR_STRING = {"oneOf": [{"type": "number"}, {"type": "string"}]}


def closed(schema):
    """A schema of a CustomResourceDefinition that takes no unknown field."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        return INT_OR_STRING
    made = {key: closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and not schema.get("x-kubernetes-preserve-unknown-fields"):
        made.setdefault("additionalProperties", False)
    return made


def of_definitions(directory: str, *paths: str) -> None:
    import yaml  # pylint: disable=import-outside-toplevel

    out = pathlib.Path(directory)
    out.mkdir(parents=True, exist_ok=True)
    for path in paths:
        spec = yaml.safe_load(pathlib.Path(path).read_text(encoding="utf-8"))["spec"]
        for version in spec["versions"]:
            name = "-".join([spec["names"]["kind"], spec["group"].split(".")[0], version["name"]]).lower()
            (out / f"{name}.json").write_text(json.dumps(closed(version["schema"]["openAPIV3Schema"])))


def main(swagger: str, directory: str) -> None:
    definitions = json.loads(pathlib.Path(swagger).read_text())["definitions"]
    kinds = {}
    for name, definition in definitions.items():
        if "properties" in definition:
            definition.setdefault("additionalProperties", False)
        for identity in definition.pop("x-kubernetes-group-version-kind", []):
            group = identity["group"].split(".")[0]
            parts = [identity["kind"], *([group] if group else []), identity["version"]]
            kinds["-".join(parts).lower()] = name
    definitions["io.k8s.apimachinery.pkg.util.intstr.IntOrString"] = INT_OR_STRING
    definitions["io.k8s.apimachinery.pkg.api.resource.Quantity"] = NUMBER_OR_STRING
    out = pathlib.Path(directory)
    out.mkdir(parents=True, exist_ok=True)
    (out / "_definitions.json").write_text(json.dumps({"definitions": definitions}))
    for kind, name in kinds.items():
        (out / f"{kind}.json").write_text(json.dumps({"$ref": f"_definitions.json#/definitions/{name}"}))


if __name__ == "__main__":
    if sys.argv[1] == "--definitions":
        of_definitions(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
