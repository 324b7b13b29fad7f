#!/usr/bin/env bash
# Runs all tests, layer by layer: first those that need nothing, then those that need an API server, then those that need a
# node. For one layer:
# hack/test.sh lint|chart|monitoring|pure|gitops|api|node|chart_node|docs|outcomes|overhead|faults|soak|bad_input|requests|activities|signals|bench|overlays_node|monitoring_node. The
# last twelve run only by name, and chart_node is the end of node.
set -euo pipefail
. "$(dirname "$0")/cluster/lib.sh"
cd "$ROOT"
export RUST_BACKTRACE=${RUST_BACKTRACE:-0}

layer() { printf '\n== %s\n' "$*" >&2; say "$*"; }
lint() {
  layer "lint: formatting, clippy, documentation"
  cargo fmt --all --check
  cargo clippy --locked --workspace --all-targets -- -D warnings
  RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps --document-private-items
  dependencies
  layer "lint: what a release is made with"
  hack/release/check.sh --scripts # `make test-release` checks the rest, which needs Python and Go
}
dependencies() {
  layer "lint: what the dependencies are, by deny.toml"
  if [ -n "${SKIP_DENY:-}" ]; then say "not checked, since SKIP_DENY is set"; return; fi
  local tool deny
  tool=$(hack/tool.sh cargo-deny) || die "cannot get cargo-deny, which checks the dependencies; SKIP_DENY=1 skips this check"
  deny=("$tool" --locked --all-features --log-level error)
  "${deny[@]}" check bans licenses sources ||
    die "deny.toml refuses a dependency, or a crate could not be downloaded; SKIP_DENY=1 skips this check"
  # Nothing of the fuzz targets is shipped, so their licenses do not matter.
  "${deny[@]}" --manifest-path fuzz/Cargo.toml check bans sources
  # The advisories are a Git repository, which not every machine reaches. `make deny` insists on them.
  if GIT_TERMINAL_PROMPT=0 timeout 60 "${deny[@]}" fetch db 2>/dev/null; then
    "${deny[@]}" check --disable-fetch advisories
  else
    say "the advisories cannot be fetched, so they are not checked"
  fi
}
chart() {
  layer "the Helm chart, beside kustomize"
  hack/chart/check.sh
}
monitoring() {
  layer "alerts and the dashboard, with promtool, and the relay of docs/telemetry.md"
  hack/monitoring/check.sh
  hack/relay.sh
}
pure() {
  layer "tests that need nothing"
  INSTA_UPDATE=no cargo test --locked --workspace
}
gitops() {
  layer "what kstatus and Argo CD say of an experiment in every phase"
  hack/gitops/check.sh
}
api() {
  layer "tests that need an API server"
  CLUSTER_NAME=${CLUSTER_NAME:-ctk}-api hack/cluster/up.sh --control-plane
  local variables begin
  variables=$(CLUSTER_NAME=${CLUSTER_NAME:-ctk}-api hack/cluster/env.sh) begin=$(log_size "$variables")
  (eval "$variables"; cargo test --locked --no-fail-fast --test api_server --test control --test drop_in --test leader --test overlays --test policy --test scenarios --test strategic --test uninstall -- --ignored --skip outages::)
  # The layer `faults` has all faults, which take minutes, and the outages, which need a control plane of their own.
  (eval "$variables"; cargo test --locked --test faults in_a_sample -- --ignored)
  (eval "$variables"; cargo test --locked --no-fail-fast --test authors -- --ignored --skip told::)
  # For themselves, since they bind policies for the whole cluster.
  (eval "$variables"; cargo test --locked --no-fail-fast --test shipped -- --ignored)
  # Last, since it looks at what the operators of all tests before have asked for.
  (eval "$variables"; RIGHTS_SINCE=$begin cargo test --locked --test rights -- --ignored --skip the_layer_node)
  emulated 1.33
  emulated 1.35
}
emulated() { # VERSION: runs what depends on the version, with an API server that emulates this one; it cannot name authors
  local cluster=${CLUSTER_NAME:-ctk}-${1#1.} variables
  APISERVER_ARGS=--emulated-version=$1 CLUSTER_NAME=$cluster hack/cluster/up.sh --control-plane
  variables=$(CLUSTER_NAME=$cluster hack/cluster/env.sh)
  (
    eval "$variables"
    cargo test --locked --no-fail-fast --test authors -- --ignored --skip with_both_policies --skip the_stamp_ --skip told::
    cargo test --locked --test overlays the_api_server_accepts -- --ignored
  )
  CLUSTER_NAME=$cluster hack/cluster/down.sh
}
log_size() { # prints how many bytes the audit log has, so that rights are compared with what comes after
  local variables; variables=$1
  (eval "$variables"; stat -c %s "${CLUSTER_AUDIT_LOG:-/dev/null}" 2>/dev/null || echo 0)
}
with_faults() { # CLUSTER PROGRAM TEST: runs one test after the other on a control plane of their own
  local cluster=$1 program=$2 test=$3 variables
  CLUSTER_NAME=$cluster hack/cluster/up.sh --control-plane
  variables=$(CLUSTER_NAME=$cluster hack/cluster/env.sh)
  (eval "$variables"; FAULTS_CLUSTER=$cluster cargo test --locked --test "$program" "$test" -- --ignored --nocapture --test-threads 1)
}
faults() {
  layer "all faults at each call, with an API server in memory"
  PASSES_EVERY=1 cargo test --locked --test passes
  layer "all faults between the operator and the API server, then the faults of the cluster"
  local cluster=${CLUSTER_NAME:-ctk} failed=
  need faketime:faketime # for operators with a wrong clock
  with_faults "$cluster-api" faults in_all_plans || failed=1
  # The tests stop and start the parts of this control plane. Nothing else may use it.
  with_faults "$cluster-bad" faults whatever_becomes || failed=1
  with_faults "$cluster-bad" scenarios outages:: || failed=1
  CLUSTER_NAME=$cluster-bad hack/cluster/down.sh
  [ -z "$failed" ] || die "some plans or outages have failed"
}
bad_input() {
  layer "10,000 bad objects of each kind, in memory"
  BAD_INPUT=10000 cargo test --locked --test bad_input
  BAD_INPUT=10000 cargo test --locked --test passes bad_input
  layer "10,000 bad experiments with an API server"
  # What the image has, since it is the one that has the limit of memory.
  local programs; programs=$(hack/programs.sh)
  OPERATOR_PROGRAM=${programs%%$'\n'*} SCENARIO_FORGERIES=10000 with_faults "${CLUSTER_NAME:-ctk}-api" scenarios bad_objects
}
soak() {
  layer "many experiments at once, with kills and errors"
  with_faults "${CLUSTER_NAME:-ctk}-api" faults soak
}
on_node() { # TEST-ARGUMENT...: runs tests on a node that has the operator's image, then those in RIGHTS about rights
  local image built variables begin rights
  image=$(hack/image.sh --name) built=$(hack/image.sh)
  hack/cluster/up.sh
  variables=$(hack/cluster/env.sh)
  begin=$(log_size "$variables")
  (
    eval "$variables"
    hack/cluster/load.sh "$built" "$image"
    cargo test --locked --no-fail-fast "$@"
    read -ra rights <<<"${RIGHTS:-}"
    [ -z "${RIGHTS:-}" ] || RIGHTS_SINCE=$begin cargo test --locked --test rights -- --ignored "${rights[@]}"
  )
}
more_images() { # KIND: starts the cluster and loads the images that only some tests need
  local made image
  made=$(hack/cluster/images.sh "$1")
  hack/cluster/up.sh
  while read -r image; do hack/cluster/load.sh "$image" </dev/null; done <<<"$made"
}
node() {
  layer "tests that need a node"
  local without=()
  # Other clusters do not find these images under their names.
  if [ "$(mode)" = node ]; then more_images extensions; else without=(--skip ecosystem:: --skip elsewhere::); fi
  # The layer `outcomes` has all outcomes with all versions of the toolkit, which take minutes.
  local kind; for kind in "${WAITING[@]}"; do without+=(--skip "$kind"); done
  RIGHTS="no_operator_has_asked the_layer_node" on_node --test node --test policy_node --test tenants_node --test examples --test outcomes -- --ignored --skip what_runs_find --skip however_the_toolkit --skip chaos_toolkit_1_9 --skip chaos_toolkit_1_21 ${without[@]+"${without[@]}"} --test-threads "${NODE_TEST_THREADS:-4}"
  chart_node
}
chart_node() {
  layer "the Helm chart on a node of its own: install, upgrade, uninstall"
  # It deletes the definitions with all experiments.
  if [ "$(mode)" = current ]; then say "not run, since it is for a cluster of its own: see hack/chart/node.sh"; return; fi
  local image built variables cluster=${CLUSTER_NAME:-ctk}-helm
  image=$(hack/image.sh --name) built=$(hack/image.sh)
  CLUSTER_NAME=$cluster hack/cluster/up.sh --fresh
  variables=$(CLUSTER_NAME=$cluster hack/cluster/env.sh)
  (eval "$variables"; CLUSTER_NAME=$cluster hack/cluster/load.sh "$built" "$image"; hack/chart/node.sh "$image")
  CLUSTER_NAME=$cluster hack/cluster/down.sh
}
# The tests of outcomes that mostly wait, by their modules.
WAITING=(freezes::a_freeze_keeps signals::a_real platform:: schedules:: stalled:: added:: told:: drop_in::)
docs() {
  layer "kubectl chaostoolkit on a node: the examples of docs/cli.md, and each exit code"
  local image built variables
  image=$(hack/image.sh --name) built=$(hack/image.sh)
  hack/cluster/up.sh
  variables=$(hack/cluster/env.sh)
  (
    eval "$variables"
    hack/cluster/load.sh "$built" "$image"
    kubectl apply -k manifests/overlays/generic-rbac >/dev/null
    kubectl -n chaostoolkit-crd rollout status deployment/chaostoolkit-crd --timeout=120s
    cargo test --locked --package chaostoolkit-cli --test docs -- --ignored
    cargo test --locked --package chaostoolkit-cli --test node -- --ignored --test-threads "${NODE_TEST_THREADS:-4}"
  )
}
outcomes() {
  layer "all outcomes, with three versions of the Chaos Toolkit"
  more_images old
  servers_of_signals
  # First, side by side, the tests that mostly wait. Then one version at a time, with the node for itself.
  on_node --test outcomes --test tenants_node -- --ignored "${WAITING[@]}" a_helper_that_never_ends --test-threads "${NODE_TEST_THREADS:-4}"
  on_node --test outcomes what_runs_find -- --ignored --test-threads 1
  on_node --test outcomes however_the_toolkit -- --ignored --test-threads 1
  on_node --test outcomes abort:: -- --ignored --test-threads 2
}
overhead() {
  layer "how much the runner delays the start of the toolkit; on an idle machine"
  on_node --test overhead -- --ignored --nocapture
}
bench() {
  layer "how fast and how small the operator is, beside a bare client; on an idle machine"
  local cluster=${CLUSTER_NAME:-ctk}-bench variables programs
  # What the image has: it is built in another way than the programs of tests.
  programs=$(hack/programs.sh)
  CLUSTER_NAME=$cluster hack/cluster/up.sh --fresh --control-plane
  variables=$(CLUSTER_NAME=$cluster hack/cluster/env.sh)
  (eval "$variables"; export OPERATOR_PROGRAM=${programs%%$'\n'*}; BENCH_TABLE=${BENCH_TABLE:-$ROOT/target/bench.md} cargo test --profile bench --locked --test bench -- --ignored --nocapture)
  CLUSTER_NAME=$cluster hack/cluster/down.sh
}

requests() {
  layer "what the operator says to each request of the table"
  local cluster=${CLUSTER_NAME:-ctk}-api variables
  CLUSTER_NAME=$cluster hack/cluster/up.sh --control-plane
  variables=$(CLUSTER_NAME=$cluster hack/cluster/env.sh)
  (eval "$variables"; cargo test --locked --no-fail-fast --test authors told:: -- --ignored --test-threads 1)
}
activities() {
  layer "the rights of each function of chaosk8s, on an API server"
  local cluster=${CLUSTER_NAME:-ctk}-api variables python
  python=$(hack/chaosk8s/python.sh)
  CLUSTER_NAME=$cluster hack/cluster/up.sh --control-plane
  variables=$(CLUSTER_NAME=$cluster hack/cluster/env.sh)
  (eval "$variables"; CHAOSK8S_PYTHON=$python cargo test --locked --test activities -- --ignored --nocapture)
}
servers_of_signals() {
  need prometheus:prometheus prometheus-alertmanager:prometheus-alertmanager openssl:openssl curl:curl
}
signals() {
  layer "gates and stop conditions, with a real Prometheus and a real Alertmanager"
  servers_of_signals
  cargo test --locked --test signals -- --ignored --test-threads 2
}
overlays_node() {
  layer "each overlay on a node of its own: install, run, uninstall"
  if [ "$(mode)" = current ]; then say "not run, since it is for a cluster of its own: see hack/overlays.sh"; return; fi
  local image built variables cluster=${CLUSTER_NAME:-ctk}-over
  # That of the overlays, whatever IMAGE says.
  image=$(IMAGE='' hack/image.sh --name) built=$(IMAGE='' hack/image.sh)
  CLUSTER_NAME=$cluster hack/cluster/up.sh --fresh
  variables=$(CLUSTER_NAME=$cluster hack/cluster/env.sh)
  (eval "$variables"; CLUSTER_NAME=$cluster hack/cluster/load.sh "$built" "$image"; hack/overlays.sh)
  CLUSTER_NAME=$cluster hack/cluster/down.sh
}
monitoring_node() {
  layer "the queries of alerts and dashboard, with a real Prometheus and runs on a node"
  need prometheus:prometheus curl:curl
  on_node --test monitoring -- --ignored --nocapture
}

[ $# -gt 0 ] || set -- lint chart monitoring pure gitops api node
for part; do
  case $part in
    lint | chart | monitoring | pure | gitops | api | node | chart_node | docs | outcomes | overhead | faults | soak | bad_input | requests | activities | signals | bench | overlays_node | monitoring_node) "$part" ;;
    *) die "unknown layer: $part (known: lint, chart, monitoring, pure, gitops, api, node, chart_node, docs, outcomes, overhead, faults, soak, bad_input, requests, activities, signals, bench, overlays_node, monitoring_node)" ;;
  esac
done
say "all passed: $*"
