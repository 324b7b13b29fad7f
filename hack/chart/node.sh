#!/usr/bin/env bash
# Installs the chart on a node with Helm, upgrades an older version of it, and uninstalls it, with an experiment in each state. It
# uses the current context, which has no operator, and the image IMAGE, which its nodes can pull.
set -euo pipefail
. "$(dirname "$0")/../cluster/lib.sh"
cd "$ROOT"

image=${1:-$(hack/image.sh --name)}
helm=$(hack/tool.sh helm)
chart=charts/chaostoolkit-operator ns=chaostoolkit-crd runs=chaostoolkit-run
work=$(mktemp -d)
export HELM_CACHE_HOME=$work/cache HELM_CONFIG_HOME=$work/config HELM_DATA_HOME=$work/data

finish() {
  local code=$?
  [ $code -eq 0 ] || {
    kubectl get pods --all-namespaces --output wide
    kubectl -n $ns get ctk hello --ignore-not-found --output yaml
    kubectl -n $ns get events --sort-by=.lastTimestamp | tail -n 20
    kubectl -n $ns logs deployment/$ns --tail=50
  } >&2 || true
  rm -rf "$work"
  exit $code
}
trap finish EXIT

release() { # COMMAND NAME CHART ARGUMENT...
  local command=$1 name=$2 from=$3; shift 3
  "$helm" "$command" "$name" "$from" --namespace $ns --wait --timeout 180s \
    --set-string "image.repository=${image%:*}" --set-string "image.tag=${image##*:}" "$@"
}
equals() { [ "$2" = "$3" ] || die "$1 is '$2', not '$3'"; } # WHAT FOUND EXPECTED
of() { kubectl -n $ns get ctk hello --output "jsonpath=$1"; }
passed() { # RUNS: the experiment has run so often, and passed each time
  kubectl -n $ns wait --for="jsonpath={.status.counters.runs}=$1" ctk/hello --timeout=180s >/dev/null || die "run $1 has not ended"
  kubectl -n $ns wait --for=condition=Finished ctk/hello --timeout=30s >/dev/null
  equals "the last run" "$(of '{.status.phase} {.status.outcome} {.status.counters.passed}')" "Completed Passed $1"
}
again() { kubectl -n $ns annotate ctk hello --overwrite chaostoolkit.org/rerun="$1" >/dev/null; passed "$1"; } # RUNS
of_helm() { # prints what has the label of the chart, in all namespaces
  local kind kinds
  kinds=$(kubectl api-resources --verbs=list,delete --output name)
  for kind in $kinds; do kubectl get "$kind" --all-namespaces --selector helm.sh/chart --output name 2>/dev/null || true; done | sort -u
}

[ -z "$(kubectl get clusterrole chaostoolkit-crd --ignore-not-found --output name)" ] || die "the cluster has an operator already"

say "installing an older version of the chart"
cp -r $chart "$work/old"
sed -i 's/^\(appV\|v\)ersion: .*/\1ersion: 0.14.9/' "$work/old/Chart.yaml"
sed -i '/^    - ctfs$/d' "$work/old/files/base/crd.yaml"
cmp -s $chart/files/base/crd.yaml "$work/old/files/base/crd.yaml" && die "the older version has the same definitions"
release install chaostoolkit "$work/old" --create-namespace >"$work/notes"

say "doing what the notes say"
# Up to what they say about an uninstallation. The commands are indented, and the one that watches does not end.
sed -n '/^Before you uninstall/q; s/^  //p' "$work/notes" | grep -v -- --watch >"$work/commands"
grep -q 'kubectl apply' "$work/commands" || die "the notes have no command that applies an experiment"
bash -euo pipefail "$work/commands" >"$work/said" 2>&1 || { cat "$work/said" >&2; die "a command in the notes has failed"; }
passed 1
kubectl -n $ns rollout restart deployment/$ns >/dev/null # a pod that the labels for Pod Security let in
kubectl -n $ns rollout status deployment/$ns --timeout=120s >/dev/null

say "a second release is refused"
if "$helm" install second $chart --namespace elsewhere --create-namespace >"$work/second" 2>&1; then die "a second release was installed"; fi
grep -q "has the operator already, as the release chaostoolkit in the namespace $ns" "$work/second" || { cat "$work/second" >&2; die "the refusal does not say why"; }

say "upgrading"
short() { kubectl get crd chaosfreezes.chaostoolkit.org --output 'jsonpath={.spec.names.shortNames}'; }
equals "the definition before" "$(short)" '["ctf"]'
release upgrade chaostoolkit $chart --set replicas=2 >/dev/null
equals "the definition after the upgrade" "$(short)" '["ctf","ctfs"]'
equals "the version of the release" "$("$helm" list --namespace $ns --output json | sed -n 's/.*"app_version":"\([^"]*\)".*/\1/p')" \
  "$(sed -n 's/^appVersion: //p' $chart/Chart.yaml)"
equals "the number of replicas" "$(kubectl -n $ns get deployment $ns --output 'jsonpath={.status.readyReplicas}')" 2
passed 1 # and has not run again
again 2

say "upgrading to an operator for all namespaces"
release upgrade chaostoolkit $chart --set multiTenant.enabled=true >/dev/null
equals "the binding in all namespaces" "$(kubectl get clusterrolebinding chaostoolkit-crd-runs --ignore-not-found --output name)" ''
again 3

say "uninstalling, with an experiment that stays"
"$helm" uninstall chaostoolkit --namespace $ns --wait --timeout 120s >/dev/null
kept=$(printf '%s\n' customresourcedefinition.apiextensions.k8s.io/chaos{experiments,freezes,runs}.chaostoolkit.org namespace/$runs)
equals "what is left of the release" "$(of_helm)" "$kept"
equals "the status of the experiment" "$(of '{.status.phase} {.status.outcome}')" 'Completed Passed'

say "installing again, over what has stayed"
release install chaostoolkit $chart >/dev/null
passed 3
again 4
kubectl -n $ns delete ctk --all --timeout=120s >/dev/null

say "uninstalling everything"
release upgrade chaostoolkit $chart --set crds.keep=false --set runNamespace.keep=false >/dev/null
"$helm" uninstall chaostoolkit --namespace $ns --wait --timeout 120s >/dev/null
# `wait` needs an object that is there.
[ -z "$(kubectl get namespace $runs --ignore-not-found --output name)" ] || kubectl wait --for=delete namespace/$runs --timeout=60s >/dev/null
equals "what is left of the release" "$(of_helm)" ''
kubectl delete namespace $ns --timeout=60s >/dev/null
say "the chart was installed, upgraded and uninstalled"
