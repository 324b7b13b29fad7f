#!/usr/bin/env bash
# Copies what the chart has in common with kustomize into the chart: files.sh [DIRECTORY]. A chart can read no file outside of its
# directory. The templates of the chart put the namespace and the labels of the release into the objects.
set -euo pipefail
cd "$(dirname "$0")/../.."

out=${1:-charts/chaostoolkit-operator/files}
rm -rf "$out"
copy() { # DIRECTORY FILE...: files of a directory in kustomize/
  local directory=$1 name; shift
  for name; do install -D -m 644 "kustomize/$directory/$name.yaml" "$out/${directory#components/}/$name.yaml"; done
}
copy base crd runs-crd policy policy-authors policy-authors-bound finalizers-policy unwatched-policy fields-policy templates
copy run namespace
copy tenant rolebinding
copy components/rbac role clusterrole runs grantable everywhere
copy components/people clusterroles
copy components/multi-tenant clusterrole runs
copy components/stamping policy
copy components/cluster-wide clusterrole policy
copy components/grantable-workloads clusterrole
copy components/grantable-cluster clusterrole
copy components/monitoring service servicemonitor prometheusrule
install -m 644 kustomize/components/monitoring/dashboard.json "$out/monitoring/dashboard.json"
