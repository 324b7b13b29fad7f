# shellcheck shell=bash
# Network, keys, etcd, kube-apiserver and kube-controller-manager. Sourced by up.sh and control.sh.
# shellcheck disable=SC2034,SC2154  # variables that up.sh uses, and those that it sets
CONTROL_PLANE=(etcd apiserver kcm)

take_index() { # takes the first index whose addresses nothing on this machine uses
  local i taken
  mkdir -p "$RUN"
  exec 8>/run/lock/chaostoolkit-operator.lock; flock 8
  taken=" $({ cat "$RUN"/*/index 2>/dev/null || true; } | tr '\n' ' ')"
  for ((i = ${CLUSTER_INDEX:-0}; i < 50; i++)); do
    addresses "$i"
    [[ $taken == *" $i "* ]] || [ -n "$(ip -4 -o address show to "$LINK.$((i * 4))/30")" ] || break
  done
  ((i < 50)) || die "no free index for another cluster"
  mkdir -p "$STATE"/{pki,pid,log} "$DATA"/etcd
  chmod 700 "$STATE" "$DATA"
  echo "$i" >"$STATE/index"
  exec 8>&-
}

# Creates a network namespace from which only the cluster can be reached.
# Programs enter it with nsenter: `ip netns exec` mounts a new /sys, in which the kubelet finds no cgroups.
network() {
  ip netns add "$NETNS"
  ip link add "$VETH" type veth peer name eth0 netns "$NETNS"
  ip address add "$HOST_IP/30" dev "$VETH"
  ip link set "$VETH" up
  inside ip address add "$IP/30" dev eth0
  inside ip link set eth0 up
  inside ip link set lo up
  inside sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
}

new_key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null ||
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; }

identity() { # FILE SUBJECT [ALTERNATIVE-NAMES]: creates a certificate and a kubeconfig that uses it
  local pki=$STATE/pki
  new_key "$pki/$1.key"
  openssl req -new -key "$pki/$1.key" -subj "$2" -out "$pki/$1.csr"
  # Without extensions openssl makes X.509 v1, which rustls refuses. Python 3.13 and later need more extensions than rustls.
  openssl x509 -req -in "$pki/$1.csr" -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -CAcreateserial -days 365 -out "$pki/$1.crt" \
    -extfile <(printf '%s\n' basicConstraints=CA:FALSE authorityKeyIdentifier=keyid keyUsage=critical,digitalSignature ${3:+"subjectAltName=$3"}) 2>/dev/null
  cat >"$pki/$1.kubeconfig" <<YAML
apiVersion: v1
kind: Config
current-context: $NAME
contexts: [{name: $NAME, context: {cluster: $NAME, user: $1}}]
clusters: [{name: $NAME, cluster: {server: "$API", certificate-authority-data: $(base64 -w0 "$pki/ca.crt")}}]
users: [{name: $1, user: {client-certificate-data: $(base64 -w0 "$pki/$1.crt"), client-key-data: $(base64 -w0 "$pki/$1.key")}}]
YAML
}
identities() {
  local pki=$STATE/pki
  new_key "$pki/ca.key"
  openssl req -x509 -new -key "$pki/ca.key" -days 365 -subj "/CN=$NAME" -addext keyUsage=critical,keyCertSign,cRLSign -out "$pki/ca.crt"
  new_key "$pki/accounts.key"
  openssl pkey -in "$pki/accounts.key" -pubout -out "$pki/accounts.pub"
  identity apiserver /CN=kube-apiserver \
    "IP:$IP,IP:127.0.0.1,IP:${SERVICES%.*}.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
  identity admin /O=system:masters/CN=admin
  identity kcm /CN=system:kube-controller-manager
  if [ "$what" = node ]; then
    identity scheduler /CN=system:kube-scheduler
    identity proxy /CN=system:kube-proxy
    identity kubelet "/O=system:nodes/CN=system:node:$NODE" "IP:$IP,DNS:$NODE"
  fi
  cp "$pki/admin.kubeconfig" "$STATE/kubeconfig"
}

start_etcd() { # does not sync to the disk: the data need not survive a crash
  start etcd etcd --data-dir "$DATA/etcd" --unsafe-no-fsync --log-level warn \
    --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380
  wait_for 30 etcd "answer from etcd" inside curl -fsS http://127.0.0.1:2379/health
}

start_apiserver() {
  local pki=$STATE/pki extra
  read -ra extra <<<"${APISERVER_ARGS:-}"
  # Tests read in the audit log who has written what, and how often. Blocking: an entry is written before the answer is sent.
  cat >"$STATE/audit.yaml" <<'YAML'
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted, Panic]
rules:
  - level: Metadata
    verbs: [create, update, patch, delete, deletecollection]
  # Reads of operators, which show the rights that they use. The system's own accounts read too much.
  - level: None
    userGroups: [system:serviceaccounts:kube-system]
  - level: Metadata
    userGroups: [system:serviceaccounts]
    verbs: [get, list, watch]
  - level: None
YAML
  start apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2379 \
    --bind-address="$IP" --advertise-address="$IP" --secure-port=6443 --service-cluster-ip-range="$SERVICES" \
    --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" --client-ca-file="$pki/ca.crt" \
    --service-account-issuer=https://kubernetes.default.svc \
    --service-account-key-file="$pki/accounts.pub" --service-account-signing-key-file="$pki/accounts.key" \
    --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true \
    --kubelet-client-certificate="$pki/admin.crt" --kubelet-client-key="$pki/admin.key" \
    --kubelet-certificate-authority="$pki/ca.crt" --kubelet-preferred-address-types=InternalIP \
    --audit-policy-file="$STATE/audit.yaml" --audit-log-path="$STATE/audit.log" --audit-log-format=json \
    --audit-log-mode=blocking --audit-log-maxsize=1024 ${extra[@]+"${extra[@]}"}
}

start_controllers() {
  local pki=$STATE/pki extra
  read -ra extra <<<"${KCM_ARGS:-}"
  start kcm kube-controller-manager --kubeconfig="$pki/kcm.kubeconfig" --leader-elect=false --kube-api-qps=500 --kube-api-burst=1000 --use-service-account-credentials=true \
    --service-account-private-key-file="$pki/accounts.key" --root-ca-file="$pki/ca.crt" ${extra[@]+"${extra[@]}"}
}
