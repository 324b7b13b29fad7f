#!/usr/bin/env bash
# Builds kubectl-chaostoolkit as a static program into target/plugin, with the link kubectl-ctk, the completion that kubectl
# calls, an archive for krew, and the krew manifest with the hash of that archive. PLUGIN_PROFILE chooses another profile.
set -euo pipefail
. "$(dirname "$0")/cluster/lib.sh"
cd "$ROOT"

command -v cargo >/dev/null || die "missing: cargo"
profile=${PLUGIN_PROFILE:-release}
target=$(rustc -vV | sed -n 's/^host: //p')
target_dir=$(cargo metadata --format-version 1 --no-deps --locked | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
out=$target_dir/plugin

say "building kubectl-chaostoolkit for $target"
# Static, so that it runs on any Linux. An explicit --target keeps the flag away from build scripts and macros.
RUSTFLAGS="${RUSTFLAGS:-} -C target-feature=+crt-static" \
  cargo build --locked --profile "$profile" --target "$target" --package chaostoolkit-cli --bin kubectl-chaostoolkit
directory=$profile
[ "$profile" != dev ] || directory=debug

mkdir -p "$out"
install -m 755 "$target_dir/$target/$directory/kubectl-chaostoolkit" "$out/kubectl-chaostoolkit"
ln -sf kubectl-chaostoolkit "$out/kubectl-ctk"
"$out/kubectl-chaostoolkit" completion install --directory "$out" --quiet >/dev/null 2>&1

case $target in
  x86_64-*-linux-*) platform=linux-amd64 ;;
  aarch64-*-linux-*) platform=linux-arm64 ;;
  *) say "there is no krew archive for $target"; echo "$out"; exit ;;
esac
archive=kubectl-chaostoolkit-$platform.tar.gz
hack/release/archive.sh "$out/kubectl-chaostoolkit" "$out/$archive"
hack/release/krew.sh "$out" --some
say "built kubectl-chaostoolkit, $(awk -v bytes="$(stat -c %s "$out/kubectl-chaostoolkit")" 'BEGIN {printf "%.1f MB", bytes / 1e6}')"
echo "$out"
