#!/usr/bin/env bash
# Starts the cluster, unless it is up already. Options: --control-plane (without a node), --fresh (always a new cluster).
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$HERE/teardown.sh"
. "$HERE/control-plane.sh"
. "$HERE/node.sh"
. "$HERE/kind.sh"

what=node fresh=
for option; do
  case $option in
    --control-plane) what=control-plane ;;
    --fresh) fresh=1 ;;
    *) die "unknown option: $option (known: --control-plane, --fresh)" ;;
  esac
done

case $(mode) in
  current)
    kubectl get --raw /readyz >/dev/null || die "CLUSTER=current, but the API server of the current context does not answer"
    say "using the current context, $(kubectl config current-context)"
    exit ;;
  kind) kind_up "$fresh"; exit ;;
esac

if [ "$(uname -s)" != Linux ] || [ "$(id -u)" != 0 ]; then
  die "only root on Linux can start this cluster (or set CLUSTER=kind or CLUSTER=current)"
fi
need ip:iproute2 openssl:openssl curl:curl flock:util-linux nsenter:util-linux pgrep:procps
if [ $what = node ]; then
  need skopeo:skopeo runc:runc nft:nftables docker-registry:docker-registry debootstrap:debootstrap buildah:buildah gcc:gcc
  cni_plugins >/dev/null || need bridge:containernetworking-plugins
fi
mkdir -p /run/lock
lock "/run/lock/chaostoolkit-operator-$NAME.lock"

programs=$("$HERE/programs.sh") images=
[ $what = control-plane ] || images=$("$HERE/images.sh")
PATH=$(paste -sd: <<<"$programs"):$PATH
wanted=$(printf '%s\n' "$what" "$programs" "${APISERVER_ARGS:-}" "${KCM_ARGS:-}" "$(cksum <"$HERE/control-plane.sh")")

healthy() {
  local program parts=("${CONTROL_PLANE[@]}")
  [ $what = control-plane ] || parts+=("${NODE_PROGRAMS[@]}")
  for program in "${parts[@]}"; do
    if ! running "$program" >/dev/null; then say "$program is not running"; return 1; fi
  done
  if ! api /readyz >/dev/null 2>&1; then say "the API server is not ready"; return 1; fi
  [ $what = control-plane ] || node_ready >/dev/null 2>&1 || { say "the node is not ready"; return 1; }
}

if [ -f "$STATE/up" ] && [ -z "$fresh" ]; then
  addresses "$(<"$STATE/index")"
  if [ "$(<"$STATE/up")" != "$wanted" ]; then say "the cluster $NAME is of another kind, or has other programs or flags: replacing it"
  elif healthy; then
    # New images do not need a new cluster.
    [ "$images" = "$(cat "$STATE/images" 2>/dev/null)" ] || publish_images "$images"
    say "the cluster $NAME is up already"; exit
  else say "the cluster $NAME is not healthy: replacing it"; fi
fi
tear_down

take_index
say "starting the cluster $NAME ($what) on $IP"
printf '%s\n' "$programs" >"$STATE/programs"
network
identities
start_etcd
start_apiserver
if [ $what = node ]; then
  start_containerd
  publish_images "$images"
fi
wait_for 60 apiserver "answer from the API server" api /readyz
say "the API server is ready"
start_controllers
[ $what = control-plane ] || start_node
# No pod can be created in a namespace before it has this account. Without this wait, tests would have to wait.
wait_for 60 kcm "default service account" api /api/v1/namespaces/default/serviceaccounts/default
say "the controllers are working"
if [ $what = node ]; then
  wait_for 90 kubelet "ready node" node_ready
  say "the node is ready"
fi
printf '%s\n' "$wanted" >"$STATE/up"
say "the cluster $NAME is up; to use it: eval \"\$(CLUSTER_NAME=$NAME hack/cluster/env.sh)\""
