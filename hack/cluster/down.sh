#!/usr/bin/env bash
# Stop the cluster and remove all it left: only processes that up.sh recorded, and the containers of its own containerd.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$HERE/teardown.sh"
. "$HERE/kind.sh"

case $(mode) in
  current) say "the current context's cluster is not ours: left alone"; exit ;;
  kind) kind_down; exit ;;
esac
[ "$(id -u)" = 0 ] || die "must be root"
mkdir -p /run/lock
lock "/run/lock/chaostoolkit-operator-$NAME.lock"
tear_down
say "the cluster $NAME is gone"
