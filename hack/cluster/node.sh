# shellcheck shell=bash
# Starts the only node: registry, containerd, scheduler, kubelet and kube-proxy. Sourced by up.sh.
# shellcheck disable=SC2034  # up.sh uses it
NODE_PROGRAMS=(registry containerd scheduler kubelet proxy)

cni_plugins() { # prints their directory on this machine
  local directory
  for directory in /usr/lib/cni /opt/cni/bin /usr/libexec/cni; do
    [ ! -x "$directory/bridge" ] || { echo "$directory"; return; }
  done
  return 1
}

start_containerd() {
  mkdir -p "$STATE"/{cni,certs.d/_default} "$DATA"/{containerd,registry,kubelet}
  # One registry stands in for all registries. So images have their public names, and the node really pulls them.
  cat >"$STATE/registry.yaml" <<YAML
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: "$DATA/registry"}}
http: {addr: "$REGISTRY"}
YAML
  cat >"$STATE/certs.d/_default/hosts.toml" <<TOML
[host."http://$REGISTRY"]
  capabilities = ["pull", "resolve"]
TOML
  start registry docker-registry serve "$STATE/registry.yaml"

  cat >"$STATE/cni/10-pods.conflist" <<JSON
{"cniVersion": "1.0.0", "name": "$PODNET", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "$STATE/leases", "ranges": [[{"subnet": "$PODS"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
JSON
  # restrict_oom_score_adj: without CAP_SYS_RESOURCE runc cannot lower the score, and fails with an obscure message.
  # netns_mounts_under_state_dir: keeps the network namespaces of pods out of /run/netns, so that they are easy to remove.
  cat >"$STATE/containerd.toml" <<TOML
version = 3
root = "$DATA/containerd"
state = "$STATE/containerd"
[grpc]
  address = "$STATE/containerd.sock"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "localhost/pause:1"
[plugins.'io.containerd.cri.v1.images'.registry]
  config_path = "$STATE/certs.d"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ["$(cni_plugins)"]
  conf_dir = "$STATE/cni"
TOML
  start containerd containerd --config "$STATE/containerd.toml"
}

publish_images() { # IMAGES, as images.sh prints them
  local image name
  wait_for 30 registry "answer from the registry" curl -fsS "http://$REGISTRY/v2/"
  while read -r image name; do "$HERE/load.sh" "$image" ${name:+"$name"} </dev/null; done <<<"$1"
  printf '%s\n' "$1" >"$STATE/images"
}

start_node() {
  start scheduler kube-scheduler --kubeconfig="$STATE/pki/scheduler.kubeconfig" --leader-elect=false
  # There is no DNS server. As clusterDNS, the node itself refuses queries at once. With a service that does not exist,
  # kube-proxy would drop them, and each look-up would take 10 s.
  # On cgroup v1 the kubelet starts only with these values of failCgroupV1, cgroupsPerQOS and enforceNodeAllocatable.
  cat >"$STATE/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix://$STATE/containerd.sock
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $STATE/pki/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $STATE/pki/kubelet.crt
tlsPrivateKeyFile: $STATE/pki/kubelet.key
clusterDNS: [$IP]
clusterDomain: cluster.local
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
failCgroupV1: false
failSwapOn: false
evictionHard: {}
imageGCHighThresholdPercent: 100
maxPods: 250
podLogsDir: $DATA/pod-logs
volumePluginDir: $DATA/volume-plugins
YAML
  wait_for 30 containerd "socket of containerd" test -S "$STATE/containerd.sock"
  start kubelet kubelet --kubeconfig="$STATE/pki/kubelet.kubeconfig" --config="$STATE/kubelet.yaml" \
    --root-dir="$DATA/kubelet" --hostname-override="$NODE" --node-ip="$IP"
  # Does not change the limits of conntrack: they belong to the whole machine.
  start proxy kube-proxy --kubeconfig="$STATE/pki/proxy.kubeconfig" --proxy-mode=nftables --hostname-override="$NODE" --cluster-cidr="$PODS" \
    --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0s --conntrack-tcp-timeout-close-wait=0s
}

node_ready() { api "/api/v1/nodes/$NODE" | tr -d ' \n' | grep -F '"type":"Ready","status":"True"'; }
