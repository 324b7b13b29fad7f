#!/usr/bin/env bash
# Runs each fuzz target for FUZZ_SECONDS (120), one after the other, and prints what each run did. FUZZ_TARGETS chooses
# some of them. With arguments, passes them on to cargo-fuzz: hack/fuzz.sh run|tmin TARGET FILE...
set -euo pipefail
. "$(dirname "$0")/cluster/lib.sh"
cd "$ROOT"

tool=$(hack/tool.sh cargo-fuzz)
need g++:g++ # builds libFuzzer
unset CARGO_TARGET_DIR # the instrumented crates are no use to other builds
# The sanitizers need a nightly toolchain. They watch unsafe code, which this project forbids.
fuzz() { "$tool" "$1" --sanitizer none --fuzz-dir fuzz "${@:2}"; }
if [ $# -gt 0 ]; then fuzz "$@"; exit; fi

read -ra targets <<<"${FUZZ_TARGETS:-$(sed -n 's/^name = "\([a-z]*\)"$/\1/p' fuzz/Cargo.toml | tr '\n' ' ')}"
say "building ${#targets[@]} targets, which takes minutes the first time"
fuzz build >&2
BAD_INPUT_SEEDS=$ROOT/fuzz/corpus cargo test --quiet --locked --test bad_input seeds -- --ignored >&2
failed=()
for target in "${targets[@]}"; do
  say "running $target for ${FUZZ_SECONDS:-120} s"
  log=fuzz/target/$target.log
  fuzz run "$target" -- -max_total_time="${FUZZ_SECONDS:-120}" -timeout=10 -rss_limit_mb=512 -max_len=16384 \
    -print_final_stats=1 >"$log" 2>&1 || failed+=("$target")
  # The last line with the coverage, and the statistics at the end.
  { grep -E 'cov: ' "$log" | tail -n 1; grep -E '^stat::|SUMMARY|panicked at|Test unit written' "$log"; } >&2 || true
done
[ ${#failed[@]} -eq 0 ] || die "found something: ${failed[*]}; see fuzz/artifacts and fuzz/target/*.log"
