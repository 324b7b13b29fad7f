#!/usr/bin/env bash
# Stops a part of a control plane, or starts it again with its data: control.sh stop|start etcd|apiserver|kcm.
# For tests of outages.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$HERE/teardown.sh"
. "$HERE/control-plane.sh"

[ $# = 2 ] || die "usage: control.sh stop|start etcd|apiserver|kcm"
case $2 in etcd | apiserver | kcm) ;; *) die "unknown part: $2 (known: etcd, apiserver, kcm)" ;; esac
[ "$(mode)" = node ] || die "only the parts of a cluster with CLUSTER=node can be stopped"
[ -f "$STATE/up" ] || die "the cluster $NAME is not up"
addresses "$(<"$STATE/index")"
PATH=$(paste -sd: "$STATE/programs"):$PATH

case $1 in
  stop) stop "$2" ;;
  start)
    if running "$2" >/dev/null; then die "$2 is running already"; fi
    case $2 in
      etcd) start_etcd ;;
      apiserver) start_apiserver; wait_for 60 apiserver "answer from the API server" api /readyz ;;
      kcm) start_controllers ;;
    esac ;;
  *) die "unknown: $1" ;;
esac
