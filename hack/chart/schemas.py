#!/usr/bin/env python3
"""Makes schemas for kubeconform of what an API server publishes: schemas.py SWAGGER DIRECTORY.

Each definition gets `additionalProperties: false`, so that a field that the API server does not know is a mistake.
"""
import json
import pathlib
import sys

INT_OR_STRING = {"oneOf": [{"type": "integer"}, {"type": "string"}]}
NUMBER_OR_STRING = {"oneOf": [{"type": "number"}, {"type": "string"}]}


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
    main(*sys.argv[1:])
