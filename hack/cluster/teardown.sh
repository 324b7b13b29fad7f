# shellcheck shell=bash
# Stops a cluster in any state and removes everything that it left. Sourced by up.sh, down.sh and control.sh.

stop() { # PROGRAM...: kills them, because there is nothing to save
  local program pid
  for program; do
    pid=$(running "$program") || continue
    kill -KILL "$pid" 2>/dev/null || true
    until [ -z "$(stat_of "$pid")" ]; do sleep .05; done
  done
}

shims() { # prints the process ids of the shims that were started with the socket of our containerd
  local pid
  for pid in $(pgrep -f "^[^ ]*containerd-shim-runc-v2 .*-address $STATE/containerd.sock( |$)" || true); do
    [[ $(readlink "/proc/$pid/exe") != */containerd-shim-runc-v2* ]] || echo "$pid"
  done
}

stop_containers() {
  local shim child children gone=() groups=() group
  for shim in $(shims); do
    children=$(pgrep -P "$shim" || true)
    for child in $children; do
      mapfile -t -O "${#groups[@]}" groups < <(cut -d: -f3 "/proc/$child/cgroup" 2>/dev/null | grep -E '/[0-9a-f]{64}$' | sort -u)
      kill -KILL "$child" 2>/dev/null || true
    done
    kill -KILL "$shim" 2>/dev/null || true
    # shellcheck disable=SC2206  # process ids
    gone+=("$shim" $children)
  done
  for child in ${gone[@]+"${gone[@]}"}; do
    until [ -z "$(stat_of "$child")" ]; do sleep .05; done
  done
  # A killed shim does not remove its socket, nor the control groups and network results of its containers.
  { grep -hoE '/run/containerd/s/[0-9a-f]+' "$STATE"/containerd/io.containerd.runtime.v2.task/*/*/bootstrap.json 2>/dev/null || true; } | xargs -r rm -f
  for group in ${groups[@]+"${groups[@]}"}; do
    rm -f "/var/lib/cni/results/cni-loopback-${group##*/}-lo"
    find /sys/fs/cgroup -depth -type d -path "/sys/fs/cgroup*$group*" -exec rmdir {} + 2>/dev/null || true
  done
}

tear_down() {
  [ ! -d "$STATE" ] || say "removing the cluster $NAME"
  # First the programs that react: the kubelet restarts containers, and containerd cleans up after its shims.
  stop kubelet containerd proxy scheduler kcm
  stop_containers
  stop registry apiserver etcd
  awk -v a="$STATE/" -v b="$DATA/" 'index($2, a) == 1 || index($2, b) == 1 {print $2}' /proc/mounts | sort -r | xargs -r -n 1 umount -l
  if ip netns list | grep -E "^$NETNS( |\$)" >/dev/null; then ip netns delete "$NETNS"; fi
  # It goes with the namespace too, but only at some later time.
  ip link delete "$VETH" 2>/dev/null || true
  rm -f "/var/lib/cni/results/$PODNET-"*
  if [ -d /var/log/containers ]; then find /var/log/containers -lname "$DATA/*" -delete; fi
  rm -rf "$STATE" "$DATA"
  # Other clusters may use these directories. They are removed only if they are empty.
  rmdir "$RUN" "$(dirname "$DATA")" /run/containerd/s /sys/fs/cgroup/{,*/}k8s.io 2>/dev/null || true
}
