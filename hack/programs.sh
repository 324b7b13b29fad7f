#!/usr/bin/env bash
# Builds the programs of the image, and prints their paths: first that of the operator, then that of the runner.
set -euo pipefail
. "$(dirname "$0")/cluster/lib.sh"
cd "$ROOT"

command -v cargo >/dev/null || die "missing: cargo"
target=$(rustc -vV | sed -n 's/^host: //p')
say "building the programs for $target"
# Static, because the image has no C library. An explicit --target keeps the flag away from build scripts and macros.
build() { RUSTFLAGS="${RUSTFLAGS:-} -C target-feature=+crt-static" cargo build --locked --target "$target" "$@"; }
build --release --package chaostoolkit-operator --bin chaostoolkit-operator >&2
build --profile runner --package chaostoolkit-runner --bin chaos-runner >&2 # the program that starts the Chaos Toolkit in a run's pod
target_dir=$(cargo metadata --format-version 1 --no-deps --locked | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
printf '%s\n' "$target_dir/$target"/{release/chaostoolkit-operator,runner/chaos-runner}
