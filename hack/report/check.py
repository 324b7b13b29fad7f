#!/usr/bin/env python3
"""Reads reports as others do: JUnit with junitparser, CTRF with its schema.

check.py SCHEMA REPORT…     REPORT is a file that ends in .xml or .json
"""

import json
import sys

import jsonschema
import junitparser


def junit(path):
    suites = junitparser.JUnitXml.fromfile(path)
    cases = [case for suite in suites for case in suite]
    results = [result for case in cases for result in case.result]
    kinds = {"failures": junitparser.Failure, "errors": junitparser.Error, "skipped": junitparser.Skipped}
    for name, kind in kinds.items():
        declared = int(suites._elem.get(name))
        found = sum(isinstance(result, kind) for result in results)
        assert declared == found, f"{path}: {name} is {declared}, but there are {found}"
    assert int(suites._elem.get("tests")) == len(cases), path
    names = [(case.classname, case.name) for case in cases]
    assert len(set(names)) == len(names), f"{path}: two cases have the same name"
    return f"{len(list(suites))} suites, {len(cases)} cases, {len(results)} of them not passed"


def ctrf(path, schema):
    report = json.load(open(path))
    jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker()).validate(report)
    return f"{report['results']['summary']['tests']} tests"


def main(schema, *paths):
    schema = json.load(open(schema))
    jsonschema.Draft7Validator.check_schema(schema)
    for path in paths:
        print(path, junit(path) if path.endswith(".xml") else ctrf(path, schema))


if __name__ == "__main__":
    main(*sys.argv[1:])
