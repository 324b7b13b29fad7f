#!/usr/bin/env bash
# Stops the cluster and removes it without a trace. Ends only processes that up.sh recorded and the containers of its
# containerd.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$HERE/teardown.sh"
. "$HERE/kind.sh"

case $(mode) in
  current) say "the cluster of the current context is not ours: nothing is removed"; exit ;;
  kind) kind_down; exit ;;
esac
[ "$(id -u)" = 0 ] || die "must be root"
mkdir -p /run/lock
lock "/run/lock/chaostoolkit-operator-$NAME.lock"
tear_down
say "the cluster $NAME is gone"
