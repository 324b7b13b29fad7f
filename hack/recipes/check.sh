#!/usr/bin/env bash
# Compares the recipes of examples/ci with the schemas of the systems that they are for: those of GitHub and GitLab as
# check-jsonschema has them, and the CustomResourceDefinitions of Tekton and Argo Workflows from their Go modules. actionlint
# also reads the expressions of the workflow.
# Needs Python and Go, and the network for what it fetches. Nothing of that is kept in the repository.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-target}
venv=$target/venv/recipes
recipes=examples/ci
work=$target/recipes

[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet check-jsonschema==0.39.0 jsonschema==4.26.0 PyYAML==6.0.3
rm -rf "$work"
mkdir -p "$work"

module() { # MODULE@VERSION: prints the directory with its files
  go mod download -json "$1" | "$venv/bin/python" -c 'import json, sys; print(json.load(sys.stdin)["Dir"])'
}
tekton=$(module github.com/tektoncd/pipeline@v1.9.0)
argo=$(module github.com/argoproj/argo-workflows/v4@v4.0.5)

github() {
  "$venv/bin/check-jsonschema" --builtin-schema vendor.github-workflows "$1"
  go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12 -shellcheck= -pyflakes= "$1"
}
gitlab() { "$venv/bin/check-jsonschema" --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci "$1"; }
tekton() { "$venv/bin/python" hack/recipes/check.py "$tekton/config/300-crds/300-task.yaml" "$1"; }
argo() { "$venv/bin/python" hack/recipes/check.py "$argo/manifests/base/crds/full/argoproj.io_workflows.yaml" "$1"; }

check() { # NAME FILE [WORD MISTAKE]…: the file passes, and does not with the mistake in place of the word
  local name=$1 file=$2
  shift 2
  echo "$recipes/$file"
  "$name" "$recipes/$file"
  while [ $# -gt 0 ]; do
    sed "s/$1/$2/" "$recipes/$file" >"$work/$file"
    if "$name" "$work/$file" >"$work/$file.log" 2>&1; then
      echo "the check passes $work/$file, which has $2 in place of $1" >&2
      exit 1
    fi
    shift 2
  done
}
check github github-actions.yaml runs-on: runs_on: 'cancelled()' 'canceled()'
check gitlab gitlab-ci.yml exit_codes: exit_code: 'when: always' 'when: sometimes'
check tekton tekton-task.yaml workingDir: workDir: 'params:' 'params: 1 #'
check argo argo-workflow.yaml source: sources: serviceAccountName: serviceAccount:
