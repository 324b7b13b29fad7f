#!/usr/bin/env bash
# Checks the alerts and the dashboard without a cluster: the syntax of all queries, what each alert has to say, and when it fires, by
# tests/monitoring. With --mutations, also whether a test fails for each threshold that is changed. Needs Python with PyYAML.
set -euo pipefail
. "$(dirname "$0")/../cluster/lib.sh"
cd "$ROOT"

need python3:python3 promtool:prometheus
python3 -c 'import yaml' 2>/dev/null || need /usr/lib/python3/dist-packages/yaml:python3-yaml
component=kustomize/components/monitoring
work=${CARGO_TARGET_DIR:-target}/monitoring
rm -rf "$work"
mkdir -p "$work"

rules() { python3 hack/monitoring/rules.py "$@"; }
quiet() { "$@" >"$work/said" 2>&1 || { cat "$work/said" >&2; die "failed: $*"; }; }
rules extract $component/prometheusrule.yaml "$work/all.json"
quiet promtool check rules --lint=all --lint-fatal "$work/all.json"
rules queries $component/dashboard.json "$work/queries.json"
quiet promtool check rules --lint=none "$work/queries.json"
said=$(rules conventions $component/prometheusrule.yaml tests/monitoring/*.yaml)
# A test names the file of rules beside it.
rules tested $component/prometheusrule.yaml "$work/rules.json"
cp tests/monitoring/*.yaml "$work"
tests=("$work"/*.yaml)
quiet promtool test rules "${tests[@]}"
say "$said"
if [ "${1:-}" = --mutations ]; then rules mutations "$work/rules.json" "$work" "${tests[@]##*/}"; fi
