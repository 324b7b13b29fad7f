#!/usr/bin/env bash
# Checks the chart without a cluster: that it makes the objects that kustomize makes, for each overlay and component, that Kubernetes
# knows all fields of them, and that its copies, README, versions and annotations are current. Runs helm lint and helm-unittest.
# Needs Go for the tools, and Python with PyYAML.
set -euo pipefail
. "$(dirname "$0")/../cluster/lib.sh"
cd "$ROOT"

chart=charts/chaostoolkit-operator
work=${CARGO_TARGET_DIR:-target}/chart
rm -rf "$work"
mkdir -p "$work"
work=$(realpath "$work")

need python3:python3
python3 -c 'import yaml' 2>/dev/null || need /usr/lib/python3/dist-packages/yaml:python3-yaml
if ! command -v kubectl >/dev/null; then
  programs=$(hack/cluster/programs.sh | paste -sd:)
  PATH=$programs:$PATH
fi
helm=$(hack/tool.sh helm) unittest=$(hack/tool.sh helm-unittest) kubeconform=$(hack/tool.sh kubeconform)
export HELM_CACHE_HOME=$work/helm/cache HELM_CONFIG_HOME=$work/helm/config HELM_DATA_HOME=$work/helm/data

newest=$(sed -n 's,^\s*k8s.io/kubernetes v\([^ ]*\).*,\1,p' hack/cluster/programs/kubernetes/go.mod | head -n 1)
oldest=1.30.14 # of the oldest minor version that the chart is for
grep -q "^kubeVersion: \">=${oldest%.*}.0-0\"" $chart/Chart.yaml || die "kubeVersion in Chart.yaml is not that of $oldest"

current() { # WHAT MADE FOUND: both are the same
  diff -r "$2" "$3" >"$work/diff" || { head -n 20 "$work/diff" >&2; die "$1 is not current: run \`make chart\`"; }
}
hack/chart/files.sh "$work/files"
current "$chart/files" "$work/files" $chart/files
hack/chart/readme.sh "$work/README.md"
current "$chart/README.md" "$work/README.md" $chart/README.md

hack/release/version.sh >/dev/null # the same one in all files

"$helm" lint --strict --quiet $chart
for values in "$chart"/ci/*-values.yaml; do "$helm" lint --strict --quiet --kube-version "$newest" --values "$values" $chart; done
"$unittest" $chart >"$work/unittest" || { cat "$work/unittest" >&2; die "helm-unittest has failed"; }

render() { # VALUES NAMESPACE VERSION
  "$helm" template chaostoolkit $chart --namespace "$2" --kube-version "$3" --values "$chart/ci/$1-values.yaml"
}
compare() { # VALUES NAMESPACE KUSTOMIZATION: the chart with these values makes what the kustomization makes
  local values=$1 namespace=$2 kustomization=$3
  render "$values" "$namespace" "$newest" >"$work/$values-$namespace.yaml"
  kubectl kustomize "$kustomization" >"$work/kustomize.yaml"
  python3 hack/chart/compare.py "$work/$values-$namespace.yaml" "$work/kustomize.yaml" "$namespace" ||
    die "with the values $values, the chart and $kustomization make different objects"
}
with() { # OVERLAY COMPONENT...: makes a kustomization of both, and prints its directory
  local directory up name
  directory=$(mktemp -d "$work/kustomization.XXXXXX")
  up=$(realpath --relative-to "$directory" "$ROOT") # kustomize takes no absolute paths
  { echo "resources: [$up/manifests/overlays/$1]"; echo components:; shift
    for name; do echo "- $up/kustomize/components/$name"; done; } >"$directory/kustomization.yaml"
  echo "$directory"
}
# Each overlay and component is in one of these lists, or a check below fails.
overlays=(generic generic-rbac generic-rbac-podsec generic-rbac-podsec-netsec multi-tenant)
same=(no-rbac psp)                      # other names of overlays, says tests/overlays.rs
in_overlays=(rbac people podsec netsec) # compared with them; multi-tenant is an overlay, too
components=(stamping grantable-workloads grantable-cluster cluster-wide openshift monitoring)
all() { # DIRECTORY NAME...: the directory has these and nothing else
  diff <(printf '%s\n' "${@:2}" | sort) <(find "$1" -mindepth 1 -maxdepth 1 -printf '%f\n' | sed 's/-values\.yaml$//' | sort) >&2 ||
    die "hack/chart/check.sh does not compare these of $1"
}
all manifests/overlays "${overlays[@]}" "${same[@]}" example-other-namespace
all kustomize/components "${components[@]}" "${in_overlays[@]}" multi-tenant
all "$chart/ci" "${overlays[@]}" "${components[@]}" everything ports

for overlay in "${overlays[@]}"; do compare "$overlay" chaostoolkit-crd "manifests/overlays/$overlay"; done
compare generic-rbac my-chaos manifests/overlays/example-other-namespace
for component in "${components[@]}"; do compare "$component" chaostoolkit-crd "$(with generic-rbac "$component")"; done
compare everything chaostoolkit-crd "$(with multi-tenant podsec netsec "${components[@]}")"
ports=$(with generic-rbac-podsec-netsec)
sed '/^components:$/d' -i "$ports/kustomization.yaml"
# shellcheck disable=SC2016  # the marks of a block of code
sed -n '/<!-- tested by hack\/chart\/check.sh -->/,/^```$/{/^<!--/d; /^```/d; p}' docs/operations.md >>"$ports/kustomization.yaml"
grep -q NetworkPolicy "$ports/kustomization.yaml" || die "docs/operations.md has no patch of the ports"
compare ports chaostoolkit-crd "$ports"
if python3 hack/chart/compare.py "$work"/generic-rbac{,-podsec}-chaostoolkit-crd.yaml chaostoolkit-crd 2>/dev/null; then
  die "the comparison finds no difference between two overlays"
fi

listed=$(sed -n 's/^      name: \(.*\.chaostoolkit\.org\)$/\1/p' $chart/Chart.yaml | sort)
made=$(sed -n 's/^  name: \([a-z]*\.chaostoolkit\.org\)$/\1/p' "$work/generic-rbac-chaostoolkit-crd.yaml" | sort)
[ "$listed" = "$made" ] || die "Chart.yaml lists these definitions for Artifact Hub: ${listed//$'\n'/ }; the chart makes ${made//$'\n'/ }"

# Schemas from the OpenAPI of the API server, in the Go module that it is built of.
for kubernetes in "$newest" "$oldest"; do
  downloaded=$(cd / && go mod download -json "k8s.io/kubernetes@v$kubernetes") || die "cannot get k8s.io/kubernetes $kubernetes: $downloaded"
  python3 hack/chart/schemas.py "$(sed -n 's/^\t"Dir": "\(.*\)",$/\1/p' <<<"$downloaded")/api/openapi-spec/swagger.json" "$work/schemas-$kubernetes"
done
# The kinds of the Prometheus operator, from the definitions in its Go module.
downloaded=$(cd / && go mod download -json github.com/prometheus-operator/prometheus-operator@v0.85.0) || die "cannot get the Prometheus operator: $downloaded"
definitions=$(sed -n 's/^\t"Dir": "\(.*\)",$/\1/p' <<<"$downloaded")/example/prometheus-operator-crd
python3 hack/chart/schemas.py --definitions "$work/schemas-monitoring" "$definitions"/monitoring.coreos.com_{servicemonitors,prometheusrules}.yaml
known() { # VERSION FILE...: Kubernetes knows all kinds and fields in the files
  "$kubeconform" -strict -schema-location "$work/schemas-$1/{{ .ResourceKind }}{{ .KindSuffix }}.json" \
    -schema-location "$work/schemas-monitoring/{{ .ResourceKind }}{{ .KindSuffix }}.json" "${@:2}"
}
known "$newest" "$work"/*-chaostoolkit-crd.yaml
for overlay in "${overlays[@]}"; do render "$overlay" chaostoolkit-crd "$oldest" >"$work/$overlay-$oldest.yaml"; done
known "$oldest" "$work"/*-"$oldest.yaml"
sed 's/^  replicas:/  replicass:/' "$work/generic-rbac-chaostoolkit-crd.yaml" >"$work/mistake.yaml"
if known "$newest" "$work/mistake.yaml" >/dev/null; then die "kubeconform passes a field that Kubernetes does not know"; fi

say "the chart makes what kustomize makes, and passes $(sed -n 's/^Tests: *\([0-9]*\) passed.*/\1/p' "$work/unittest") tests of its own"
