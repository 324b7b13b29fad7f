# shellcheck shell=bash
# Starts and removes a cluster with kind, which needs Docker. Sourced by up.sh and down.sh.

kind_up() { # FRESH
  local registry node
  command -v kubectl >/dev/null || die "kubectl is missing"
  [ -z "$1" ] || kind_down
  mkdir -p "$(dirname "$(kind_kubeconfig)")"
  if kind get clusters 2>/dev/null | grep -x "$NAME" >/dev/null && kubectl --kubeconfig "$(kind_kubeconfig)" get --raw /readyz >/dev/null 2>&1; then
    say "the cluster $NAME is up already"
  else
    kind delete cluster --name "$NAME" --kubeconfig "$(kind_kubeconfig)" 2>/dev/null || true
    say "creating the kind cluster $NAME"
    kind create cluster --name "$NAME" --kubeconfig "$(kind_kubeconfig)" --wait 180s
  fi
  registry=$(kind_registry)
  if [ "$(docker container inspect -f '{{.State.Running}}' "$registry" 2>/dev/null)" != true ]; then
    docker rm -f "$registry" >/dev/null 2>&1 || true
    docker run -d --restart=always -p 127.0.0.1::5000 --name "$registry" registry:2 >/dev/null
  fi
  docker network connect kind "$registry" 2>/dev/null || true # fails if it is connected already
  # For names of Docker Hub, nodes ask this registry first. They find a loaded image there, and pull the others from the hub.
  for node in $(kind get nodes --name "$NAME"); do
    docker exec -i "$node" sh -c 'mkdir -p /etc/containerd/certs.d/docker.io && cat >/etc/containerd/certs.d/docker.io/hosts.toml' <<TOML
server = "https://registry-1.docker.io"
[host."http://$registry:5000"]
  capabilities = ["pull", "resolve"]
TOML
  done
  say "the cluster $NAME is up; to use it: eval \"\$(CLUSTER_NAME=$NAME hack/cluster/env.sh)\""
}

kind_down() {
  kind delete cluster --name "$NAME" --kubeconfig "$(kind_kubeconfig)"
  docker rm -f "$(kind_registry)" >/dev/null 2>&1 || true
  rm -f "$(kind_kubeconfig)"
  say "the kind cluster $NAME is gone"
}
