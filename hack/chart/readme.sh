#!/usr/bin/env bash
# Makes the README of the chart from its template and from the comments in values.yaml: readme.sh [FILE]
set -euo pipefail
cd "$(dirname "$0")/../.."

chart=charts/chaostoolkit-operator
tool=$(hack/tool.sh helm-docs)
"$tool" --chart-search-root "$chart" --template-files README.md.gotmpl --sort-values-order file --log-level warning --dry-run |
  sed 's/[[:space:]]*$//' >"${TMPDIR:-/tmp}/chart-readme.$$"
mv "${TMPDIR:-/tmp}/chart-readme.$$" "${1:-$chart/README.md}"
