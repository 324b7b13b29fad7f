#!/usr/bin/env bash
# Asks kstatus, by which Flux waits, and the scripts for Argo CD about an experiment in every phase for every reason, and compares
# what they say with the table in docs/reference.md. The objects are those that the operator writes. Also checks that the files in
# argocd/ are current (`make gitops` writes them). Needs Go, Lua 5.1, and Python with PyYAML.
set -euo pipefail
. "$(dirname "$0")/../cluster/lib.sh"
cd "$ROOT"

work=${CARGO_TARGET_DIR:-target}/gitops
rm -rf "$work"
mkdir -p "$work"
work=$(realpath "$work")

need python3:python3 lua5.1:lua5.1
python3 -c 'import yaml' 2>/dev/null || need /usr/lib/python3/dist-packages/yaml:python3-yaml
command -v go >/dev/null || die "go is missing: it builds kstatus (see tests/kstatus/go.mod for the version)"

GITOPS_OBJECTS=$work cargo test --quiet --locked --lib objects_are_written_for_other_programs -- --ignored >"$work/log" ||
  { cat "$work/log" >&2; die "the objects cannot be written"; }
if [ "${1:-}" = --files ]; then
  rm -rf argocd/resource_customizations/*/*/testdata argocd/resource_customizations/*/*/actions/testdata
  python3 hack/gitops/argocd.py files "$work/objects.jsonl" argocd
  exit
fi
mkdir "$work/files"
python3 hack/gitops/argocd.py files "$work/objects.jsonl" "$work/files"
# What is made has all data of tests that there is, and the rest is written by hand.
diff -r "$work/files" argocd >"$work/diff" || true
if grep -vE '^Only in argocd/resource_customizations/[^:]*: [a-z_]+\.(lua|yaml)$|^Only in argocd/[^:]*/actions: [a-z]+$' "$work/diff" >&2; then
  die "argocd/ is not current: run make gitops"
fi

compare() { # WHAT FIELD SAID: what was said of each object is what the table says
  cut -f "1,$2" "$work/expected.tsv" >"$work/wanted"
  cut -f 1,2 "$3" | diff "$work/wanted" - >"$work/diff" || { head -n 20 "$work/diff" >&2; die "$1 says something else than the table"; }
}
(cd tests/kstatus && go run . <"$work/objects.jsonl") >"$work/kstatus.tsv"
python3 hack/gitops/argocd.py test "$work/objects.jsonl" >"$work/argocd.tsv"
# A freeze has no conditions, so its generations say all. The first one is as the API server makes it.
freeze() { printf '{"apiVersion":"chaostoolkit.org/v1","kind":"ChaosToolkitFreeze","metadata":{"name":"%s","generation":%s},"status":{"observedGeneration":%s}}\n' "$@"; }
{ freeze new 1 -1; freeze seen 1 1; freeze edited 2 1; } >"$work/freezes.jsonl"
(cd tests/kstatus && go run . <"$work/freezes.jsonl") | cut -f 1,2 >"$work/freezes.tsv"
printf '%s\t%s\n' new InProgress seen Current edited InProgress | diff - "$work/freezes.tsv" >&2 || die "kstatus says something else of freezes"
compare kstatus 2 "$work/kstatus.tsv"
compare "the script for Argo CD" 3 "$work/argocd.tsv"
grep -c . "$work/expected.tsv" >"$work/count"
say "kstatus and the scripts for Argo CD say of $(cat "$work/count") experiments what the table says"
