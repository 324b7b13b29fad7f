#!/usr/bin/env python3
"""Compares what the chart makes with what kustomize makes: compare.py CHART KUSTOMIZE NAMESPACE.

Both are files with objects. Fails, and prints each difference with its path, unless only these differ:
- the labels of Helm, on all objects
- the annotation that keeps an object when a release is uninstalled
- the namespace of the operator, which Helm creates
- how the templates of runs are written: they are compared as what they mean
- the namespace that older versions of kustomize give to policies, which have none. The API server ignores it
"""
import sys

import yaml

LABELS = {"helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/instance", "app.kubernetes.io/version"}
KEEP = "helm.sh/resource-policy"
TEMPLATES = "chaostoolkit-resources-templates"


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    pass


def take(metadata: dict, part: str, keys: set) -> set:
    """Removes these keys, and the part if nothing else is in it. Returns those that were there."""
    pairs = metadata.get(part) or {}
    taken = {key for key in keys if pairs.pop(key, None) is not None}
    if not pairs:
        metadata.pop(part, None)
    return taken


def load(path: str, of_chart: bool) -> dict:
    objects = {}
    with open(path, encoding="utf-8") as file:
        for thing in yaml.load_all(file, Loader):
            if thing is None:
                continue
            metadata = thing["metadata"]
            if "AdmissionPolicy" in thing["kind"] and not of_chart:
                metadata.pop("namespace", None)
            identity = f'{thing["apiVersion"]} {thing["kind"]} {metadata.get("namespace", "-")}/{metadata["name"]}'
            assert identity not in objects, f"{path} has {identity} twice"
            if metadata["name"] == TEMPLATES:
                thing["data"] = {key: yaml.load(text, Loader) for key, text in thing["data"].items()}
            objects[identity] = thing
    return objects


def differences(path: str, chart, kustomize) -> list:
    if isinstance(chart, dict) and isinstance(kustomize, dict):
        return [
            one
            for key in sorted({*chart, *kustomize})
            for one in differences(f"{path}.{key}", chart.get(key, "(missing)"), kustomize.get(key, "(missing)"))
        ]
    if isinstance(chart, list) and isinstance(kustomize, list) and len(chart) == len(kustomize):
        pairs = enumerate(zip(chart, kustomize))
        return [one for index, (left, right) in pairs for one in differences(f"{path}[{index}]", left, right)]
    same = type(chart) is type(kustomize) and chart == kustomize
    return [] if same else [f"{path}\n    chart:     {chart}\n    kustomize: {kustomize}"]


def main(chart_file: str, kustomize_file: str, namespace: str) -> None:
    chart, kustomize = load(chart_file, True), load(kustomize_file, False)
    kustomize.pop(f"v1 Namespace -/{namespace}")
    wrong = []
    for identity, thing in chart.items():
        metadata = thing["metadata"]
        if missing := LABELS - take(metadata, "labels", LABELS):
            wrong.append(f"{identity}: the chart sets no label {sorted(missing)}")
        kept = take(metadata, "annotations", {KEEP})
        if bool(kept) != (thing["kind"] in ("CustomResourceDefinition", "Namespace")):
            wrong.append(f"{identity}: {KEEP} is {'set' if kept else 'missing'}")
    wrong += [f"{identity}: kustomize does not make it" for identity in chart if identity not in kustomize]
    wrong += [f"{identity}: the chart does not make it" for identity in kustomize if identity not in chart]
    for identity in sorted({*chart} & {*kustomize}):
        wrong += differences(identity, chart[identity], kustomize[identity])
    if wrong or not chart:
        sys.exit("\n".join(wrong or ["the chart makes nothing"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
