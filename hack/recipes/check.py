#!/usr/bin/env python3
"""Checks objects with the schema of their CustomResourceDefinition, as `kubectl apply --validate=strict` does it.

check.py DEFINITION OBJECT…     both are YAML files
"""

import sys

import jsonschema
import yaml


def strict(schema):
    """The schema in which an unknown field is a mistake, and with what is Kubernetes' own as JSON Schema says it."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {}
    for key, value in schema.items():
        # The values of these are names of fields.
        named = key == "properties" and isinstance(value, dict)
        found[key] = {name: strict(field) for name, field in value.items()} if named else strict(value)
    is_open = found.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in found
    if "properties" in found and not is_open:
        found["additionalProperties"] = False
    if found.pop("x-kubernetes-int-or-string", False):
        found.pop("type", None)
        found["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    if found.pop("nullable", False) and "type" in found:
        found["type"] = [found["type"], "null"]
    return found


def schema_of(definition, document):
    group, _, version = document["apiVersion"].partition("/")
    spec = definition["spec"]
    assert (spec["group"], spec["names"]["kind"]) == (group, document["kind"]), f"{group} {document['kind']}"
    served = {one["name"]: one for one in spec["versions"] if one["served"]}
    schema = strict(served[version]["schema"]["openAPIV3Schema"])
    # The definition leaves the metadata to the API server.
    schema["properties"]["metadata"] = {"type": "object"}
    assert schema["properties"]["spec"].get("properties"), "the definition says nothing of the spec"
    return schema


def main(definition, *paths):
    definition = yaml.safe_load(open(definition))
    for path in paths:
        for document in yaml.safe_load_all(open(path)):
            schema = schema_of(definition, document)
            jsonschema.Draft202012Validator.check_schema(schema)
            problems = list(jsonschema.Draft202012Validator(schema).iter_errors(document))
            for problem in problems:
                print(f"{path}: {problem.json_path}: {problem.message[:300]}", file=sys.stderr)
            if problems:
                sys.exit(1)
            print(f"{path}: {document['kind']} is as its definition says")


if __name__ == "__main__":
    main(*sys.argv[1:])
