#!/usr/bin/env bash
# Checks the text of the metrics with promtool: what a leader shows that has 10,000 experiments, by their names too. Prints how
# long it took to render. PROFILE=--release measures what is shipped.
set -euo pipefail
. "$(dirname "$0")/cluster/lib.sh"
cd "$ROOT"
need promtool:prometheus

file=$(mktemp)
trap 'rm -f "$file"' EXIT
# shellcheck disable=SC2086  # several words, or none
METRICS_FILE=$file cargo test --locked ${PROFILE:-} -p chaostoolkit-operator --lib census::tests::many_experiments -- --nocapture |
  grep experiments,
[ "$(wc -l <"$file")" -gt 70000 ] || die "the test has written no metrics"
# promtool says nothing if it finds nothing, and fails if it does.
promtool check metrics <"$file" || die "promtool finds mistakes in the metrics"
if sed '/^# HELP/d' "$file" | promtool check metrics >/dev/null 2>&1; then die "promtool does not see that the help is missing"; fi
say "promtool finds no mistake in $(wc -l <"$file") lines of metrics"
