#!/usr/bin/env python3
"""Reads the PrometheusRule and the dashboard.

rules.py extract RULE FILE                 writes the groups of a PrometheusRule as a file of rules for Prometheus
rules.py tested RULE FILE                  the same, but each alert has the annotation `value` alone, for tests that compare it
rules.py queries DASHBOARD FILE            writes the queries of a dashboard as a file of rules, whose expressions promtool checks
rules.py conventions RULE TEST...          fails unless each alert says what it has to, and is tested firing and not firing
rules.py mutations FILE DIRECTORY TEST...  changes one threshold after the other, and fails unless a test notices
"""
import copy
import json
import pathlib
import re
import subprocess
import sys

import yaml

BASE = "https://github.com/chaostoolkit-incubator/kubernetes-crd/blob/main/docs/runbooks.md#"
SEVERITIES = {"critical", "warning"}
# What Grafana puts in for its variables, so that an expression can be parsed.
VARIABLES = {
    "$__rate_interval": "5m", "$__interval": "2m", "$__range": "1h", "$cluster": ".*", "$namespace": ".*", "$job": ".*",
}


def read(path: str):
    return yaml.safe_load(pathlib.Path(path).read_text(encoding="utf-8"))


def write(path: str, groups: list) -> None:
    pathlib.Path(path).write_text(json.dumps({"groups": groups}), encoding="utf-8")


def extract(rule: str, to: str) -> None:
    write(to, read(rule)["spec"]["groups"])


def tested(rule: str, to: str) -> None:
    groups = read(rule)["spec"]["groups"]
    for alert in (alert for group in groups for alert in group["rules"]):
        alert["annotations"] = {"value": "{{ $value }}"}
    write(to, groups)


def expressions(dashboard: dict) -> dict:
    """The queries of a dashboard by their places, with the variables replaced."""
    found = {}
    for annotation in dashboard["annotations"]["list"]:
        found[f"annotation {annotation['name']}"] = annotation["expr"]
    panels = [panel for top in dashboard["panels"] for panel in [top, *top.get("panels", [])]]
    for panel in panels:
        for target in panel.get("targets", []):
            found[f"panel {panel['title']}, {target['refId']}"] = target["expr"]
    for place, expression in found.items():
        for name, value in VARIABLES.items():
            expression = expression.replace(name, value)
        if "$" in expression:
            sys.exit(f"{place}: no value is known for a variable in {expression}")
        found[place] = expression
    return found


def queries(dashboard: str, to: str) -> None:
    found = expressions(json.loads(pathlib.Path(dashboard).read_text(encoding="utf-8")))
    rules = [{"record": f"query:{number}", "expr": text} for number, text in enumerate(found.values())]
    write(to, [{"name": "dashboard", "rules": rules}])


def conventions(rule: str, *tests: str) -> None:
    wrong = []
    fires, rests, severities = set(), set(), set()
    for test in (test for path in tests for test in read(path)["tests"]):
        for one in test.get("alert_rule_test", []):
            (fires if one.get("exp_alerts") else rests).add(one["alertname"])
            severities |= {(one["alertname"], each["exp_labels"]["severity"]) for each in one.get("exp_alerts", [])}
    names, rules = [], []
    for alert in (alert for group in read(rule)["spec"]["groups"] for alert in group["rules"]):
        name, notes = alert["alert"], alert["annotations"]
        names.append(name)
        # Two rules may share a name and a runbook, if they differ in their severity.
        rules.append((name, alert["labels"].get("severity")))
        if alert["labels"].get("severity") not in SEVERITIES:
            wrong.append(f"{name}: the label severity is none of {sorted(SEVERITIES)}")
        wrong += [f"{name}: no annotation {key}" for key in ("summary", "description") if not notes.get(key)]
        if notes.get("runbook_url") != BASE + name.lower():
            wrong.append(f"{name}: runbook_url is not {BASE}{name.lower()}")
        if rules[-1] not in severities:
            wrong.append(f"{name}: no test shows it firing with the severity {rules[-1][1]}")
        if name not in rests:
            wrong.append(f"{name}: no test shows it not firing")
    wrong += [f"{rule[0]}: there are two of this name with the severity {rule[1]}" for rule in rules if rules.count(rule) > 1]
    wrong += [f"{name}: a test names it, and there is no such alert" for name in sorted((fires | rests) - set(names))]
    if wrong or not names:
        sys.exit("\n".join(wrong or ["there are no alerts"]))
    print(f"{len(names)} alerts are as they should be")


def changes(alert: dict):
    """What one could get wrong in an alert: a number or a label that is compared, and how long it has to hold."""
    expression = alert["expr"]
    for found in re.finditer(r"([<>=]=?) (\d+)", expression):
        number = int(found[2])
        for other in {number * 2, number // 2} if number else {number + 1}:
            yield f"{found[0]} becomes {other}", {"expr": expression[: found.start(2)] + str(other) + expression[found.end(2) :]}
    for matcher in set(re.findall(r'(?:=|!=|=~|!~)"[^"]*"', expression)):
        yield f"without {matcher}", {"expr": expression.replace(matcher, '!="none"')}
    if "for" in alert:
        minutes = int(alert["for"].removesuffix("m"))
        yield "without for", {"for": "0m"}
        yield f"for {minutes * 2}m", {"for": f"{minutes * 2}m"}


def mutations(file: str, directory: str, *tests: str) -> None:
    groups = read(file)["groups"]
    survived, count = [], 0
    for group, place in ((group, place) for group in range(len(groups)) for place in range(len(groups[group]["rules"]))):
        for what, change in changes(groups[group]["rules"][place]):
            changed = copy.deepcopy(groups)
            changed[group]["rules"][place].update(change)
            write(f"{directory}/rules.json", changed)
            count += 1
            if subprocess.run(["promtool", "test", "rules", *tests], cwd=directory, capture_output=True, check=False).returncode == 0:
                survived.append(f"{groups[group]['rules'][place]['alert']}: no test fails: {what}")
    write(f"{directory}/rules.json", groups)
    if survived or not count:
        sys.exit("\n".join(survived or ["nothing was changed"]))
    print(f"a test fails for each of {count} changes")


if __name__ == "__main__":
    {each.__name__: each for each in (extract, tested, queries, conventions, mutations)}[sys.argv[1]](*sys.argv[2:])
