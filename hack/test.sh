#!/usr/bin/env bash
# All tests, layer by layer: what needs nothing, what needs an API server, what needs a node.
# One layer alone: hack/test.sh lint|pure|api|node|outcomes|overhead|faults|soak; the last four are not part of all.
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
}
pure() {
  layer "tests that need nothing"
  INSTA_UPDATE=no cargo test --locked --workspace
}
api() {
  layer "tests that need an API server"
  CLUSTER_NAME=${CLUSTER_NAME:-ctk}-api hack/cluster/up.sh --control-plane
  local variables; variables=$(CLUSTER_NAME=${CLUSTER_NAME:-ctk}-api hack/cluster/env.sh)
  (eval "$variables"; cargo test --locked --no-fail-fast --test api_server --test control --test drop_in --test leader --test overlays --test scenarios --test uninstall -- --ignored --skip outages::)
  # All faults take minutes, and outages need a control plane that nobody else uses: the layer `faults`.
  (eval "$variables"; cargo test --locked --test faults in_a_sample -- --ignored)
}
with_faults() { # CLUSTER PROGRAM TEST: on a control plane of its own, one test after the other
  local cluster=$1 program=$2 test=$3 variables
  CLUSTER_NAME=$cluster hack/cluster/up.sh --control-plane
  variables=$(CLUSTER_NAME=$cluster hack/cluster/env.sh)
  (eval "$variables"; FAULTS_CLUSTER=$cluster cargo test --locked --test "$program" "$test" -- --ignored --nocapture --test-threads 1)
}
faults() {
  layer "all faults at each call, against an API server in memory"
  PASSES_EVERY=1 cargo test --locked --test passes
  layer "all faults between the operator and the API server, and then those of the cluster itself"
  local cluster=${CLUSTER_NAME:-ctk} failed=
  need faketime:faketime # for operators whose clock is wrong
  with_faults "$cluster-api" faults in_all_plans || failed=1
  # Its parts are stopped and started: nothing else may use it.
  with_faults "$cluster-bad" faults whatever_becomes || failed=1
  with_faults "$cluster-bad" scenarios outages:: || failed=1
  CLUSTER_NAME=$cluster-bad hack/cluster/down.sh
  [ -z "$failed" ] || die "some plans or outages went wrong"
}
soak() {
  layer "many experiments in bad weather"
  with_faults "${CLUSTER_NAME:-ctk}-api" faults soak
}
on_node() { # TEST-ARGUMENT...: on a node that has the operator's image
  local image built variables
  image=$(hack/image.sh --name) built=$(hack/image.sh)
  hack/cluster/up.sh
  variables=$(hack/cluster/env.sh)
  (
    eval "$variables"
    hack/cluster/load.sh "$built" "$image"
    cargo test --locked --no-fail-fast "$@"
  )
}
node() {
  layer "tests that need a node"
  # All outcomes with all versions of the toolkit take minutes: the layer `outcomes`.
  on_node --test node --test examples --test outcomes -- --ignored --skip what_runs_find --skip platform:: --skip chaos_toolkit_1_21 --test-threads "${NODE_TEST_THREADS:-4}"
}
outcomes() {
  layer "what runs find, in all cases, with two versions of the Chaos Toolkit"
  # First what takes minutes of waiting, side by side, and then each version with the node for itself.
  on_node --test outcomes platform:: -- --ignored
  on_node --test outcomes what_runs_find -- --ignored --test-threads 1
  on_node --test outcomes abort:: -- --ignored --test-threads 2
}
overhead() {
  layer "how much later the toolkit starts for the runner; for a machine that does nothing else"
  on_node --test overhead -- --ignored --nocapture
}

[ $# -gt 0 ] || set -- lint pure api node
for part; do
  case $part in
    lint | pure | api | node | outcomes | overhead | faults | soak) "$part" ;;
    *) die "there is no layer $part; there are lint, pure, api, node, outcomes, overhead, faults and soak" ;;
  esac
done
say "all passed: $*"
