#!/usr/bin/env bash
# All tests, layer by layer: what needs nothing, what needs an API server, what needs a node.
# One layer alone: hack/test.sh lint|pure|api|node|outcomes|overhead; the last two are not part of all.
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
  (eval "$variables"; cargo test --locked --no-fail-fast --test api_server --test control --test drop_in --test leader --test overlays --test uninstall -- --ignored)
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
  on_node --test node --test examples --test outcomes -- --ignored --skip what_runs_find --skip platform:: --test-threads "${NODE_TEST_THREADS:-4}"
}
outcomes() {
  layer "what runs find, in all cases, with two versions of the Chaos Toolkit"
  # First what takes minutes of waiting, side by side, and then each version with the node for itself.
  on_node --test outcomes platform:: -- --ignored
  on_node --test outcomes what_runs_find -- --ignored --test-threads 1
}

overhead() {
  layer "how much later the toolkit starts for the runner; for a machine that does nothing else"
  on_node --test overhead -- --ignored --nocapture
}

[ $# -gt 0 ] || set -- lint pure api node
for part; do
  case $part in
    lint | pure | api | node | outcomes | overhead) "$part" ;;
    *) die "there is no layer $part; there are lint, pure, api, node, outcomes and overhead" ;;
  esac
done
say "all passed: $*"
