#!/usr/bin/env bash
# Stop a part of a control plane, or start it again where it left off: control.sh stop|start etcd|apiserver|kcm.
# For tests of what an outage does.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$HERE/teardown.sh"
. "$HERE/control-plane.sh"

[ $# = 2 ] || die "usage: control.sh stop|start etcd|apiserver|kcm"
case $2 in etcd | apiserver | kcm) ;; *) die "there is no part $2; there are etcd, apiserver and kcm" ;; esac
[ "$(mode)" = node ] || die "only a cluster of up.sh's own making (CLUSTER=node) can be taken apart"
[ -f "$STATE/up" ] || die "the cluster $NAME is not up"
addresses "$(<"$STATE/index")"
PATH=$(paste -sd: "$STATE/programs"):$PATH

case $1 in
  stop) stop "$2" ;;
  start)
    if running "$2" >/dev/null; then die "$2 runs already"; fi
    case $2 in
      etcd) start_etcd ;;
      apiserver) start_apiserver; wait_for 60 apiserver "answer from the API server" api /readyz ;;
      kcm) start_controllers ;;
    esac ;;
  *) die "unknown: $1" ;;
esac
