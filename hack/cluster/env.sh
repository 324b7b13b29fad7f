#!/usr/bin/env bash
# Prints the variables that a shell needs to use the cluster: eval "$(hack/cluster/env.sh)"
set -euo pipefail
. "$(dirname "$0")/lib.sh"

export_() { printf 'export %s=%q\n' "$1" "$2"; }
down() { echo false; die "the cluster $NAME is not up: start it with hack/cluster/up.sh"; } # prints false, so that eval fails too
case $(mode) in
  current)
    [ -z "${KUBECONFIG:-}" ] || export_ KUBECONFIG "$KUBECONFIG"
    export_ CLUSTER_REGISTRY "${CLUSTER_REGISTRY:-}"
    export_ CLUSTER_AUDIT_LOG "${CLUSTER_AUDIT_LOG:-}" ;;
  kind)
    [ -f "$(kind_kubeconfig)" ] || down
    export_ KUBECONFIG "$(kind_kubeconfig)"
    export_ CLUSTER_REGISTRY "$(docker port "$(kind_registry)" 5000/tcp | head -n 1)"
    export_ CLUSTER_AUDIT_LOG "" ;;
  node)
    [ -f "$STATE/up" ] || down
    addresses "$(<"$STATE/index")"
    export_ KUBECONFIG "$STATE/kubeconfig"
    # shellcheck disable=SC2016  # the shell that evaluates this expands its own PATH
    printf 'export PATH=%q:"$PATH"\n' "$(paste -sd: "$STATE/programs")"
    if [ -f "$STATE/registry.yaml" ]; then export_ CLUSTER_REGISTRY "$REGISTRY"; else export_ CLUSTER_REGISTRY ""; fi
    export_ CLUSTER_AUDIT_LOG "$STATE/audit.log"
    # Only if there is a proxy: a proxy cannot reach the cluster.
    [ -z "${HTTPS_PROXY:-}${https_proxy:-}${HTTP_PROXY:-}${http_proxy:-}${ALL_PROXY:-}" ] ||
      printf 'export %s=%q\n' NO_PROXY "$NO_PROXY" no_proxy "$NO_PROXY" ;;
esac
