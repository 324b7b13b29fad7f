#!/usr/bin/env bash
# Installs each overlay on a node, one after the other, as the README says: installs, runs the smallest experiment, uninstalls, and
# looks at what is left. It uses the current context, which has no operator, and whose nodes can pull the image of the overlays.
# The network of the test cluster enforces no policies, so those of `netsec` are only applied.
# Usage: overlays.sh [OVERLAY]...   default: all of manifests/overlays
set -euo pipefail
. "$(dirname "$0")/cluster/lib.sh"
cd "$ROOT"

experiment=my-chaos-exp
ns=chaostoolkit-crd
work=$(mktemp -d)
finish() {
  local code=$?
  [ $code -eq 0 ] || {
    kubectl get pods --all-namespaces --output wide
    kubectl -n "$ns" get ctk --ignore-not-found --output yaml
    kubectl -n "$ns" get events --sort-by=.lastTimestamp | tail -n 20
    kubectl -n "$ns" logs --selector app=chaostoolkit-crd --prefix --tail=50
  } >&2 || true
  rm -rf "$work"
  exit $code
}
trap finish EXIT

# The overlays without rights leave them to the administrator. This one is generous.
binding() { kubectl create clusterrolebinding chaostoolkit-crd-of-ours --clusterrole=cluster-admin "--serviceaccount=$ns:chaostoolkit-crd" >/dev/null; }

try() { # OVERLAY
  local overlay=manifests/overlays/$1
  say "installing $1"
  kubectl apply -k "$overlay" >"$work/applied"
  ns=$(kubectl get deployments --all-namespaces --field-selector metadata.name=chaostoolkit-crd --output 'jsonpath={.items[*].metadata.namespace}')
  case $1 in
    example-*) [ "$ns" != chaostoolkit-crd ] || die "$1 does not move the operator" ;;
    *) [ "$ns" = chaostoolkit-crd ] || die "$1 installs the operator in '$ns'" ;;
  esac
  case $1 in generic | no-rbac) binding ;; esac
  kubectl -n "$ns" rollout status deployment/chaostoolkit-crd --timeout=120s >/dev/null
  sed "s/^  namespace: chaostoolkit-crd$/  namespace: $ns/" examples/basic.yaml >"$work/basic.yaml"
  # The policies are in force a little later than they are there.
  until kubectl apply -f "$work/basic.yaml" >"$work/said" 2>&1; do
    grep -q 'not yet ready' "$work/said" || { cat "$work/said" >&2; die "the experiment was refused"; }
    sleep 1
  done
  kubectl -n "$ns" wait --for=condition=Finished ctk/$experiment --timeout=180s >/dev/null
  local found; found=$(kubectl -n "$ns" get ctk $experiment --output 'jsonpath={.status.phase} {.status.outcome}')
  [ "$found" = 'Completed Passed' ] || die "the experiment is $found"
  kubectl delete ctk --all --namespace "$ns" --timeout=120s >/dev/null
  kubectl delete -k "$overlay" --timeout=120s >/dev/null
  case $1 in generic | no-rbac) kubectl delete clusterrolebinding chaostoolkit-crd-of-ours >/dev/null ;; esac
  found=$(kubectl get namespaces,crds,clusterroles,clusterrolebindings,validatingadmissionpolicies,validatingadmissionpolicybindings \
    --output name | grep -i chaos || true)
  [ -z "$found" ] || die "$1 leaves behind: $found"
}

[ -z "$(kubectl get clusterrole chaostoolkit-crd --ignore-not-found --output name)" ] || die "the cluster has an operator already"
[ $# -gt 0 ] || set -- manifests/overlays/*
for overlay; do try "${overlay##*/}"; done
say "all were installed, have run an experiment, and have left nothing: $*"
