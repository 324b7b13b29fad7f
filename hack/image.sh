#!/usr/bin/env bash
# Builds the operator's image with Docker or podman. If neither answers, builds it with cargo and buildah.
# IMAGE is the image's name. Prints the argument for cluster/load.sh: the image's name, or the path of an archive.
set -euo pipefail
. "$(dirname "$0")/cluster/lib.sh"
cd "$ROOT"

# The first match is the version of the package or the workspace: versions of dependencies do not begin a line.
version=$(sed -n 's/^version *= *"\(.*\)"/\1/p' Cargo.toml | head -n 1)
[ -n "$version" ] || die "there is no version in Cargo.toml"
IMAGE=${IMAGE:-chaostoolkit/chaostoolkit-operator:$version}
[ "${1:-}" != --name ] || { echo "$IMAGE"; exit; }
size() { awk -v bytes="$1" 'BEGIN {printf "%.1f MB", bytes / 1e6}'; }

for engine in docker podman; do
  "$engine" info >/dev/null 2>&1 || continue
  say "building $IMAGE with $engine"
  "$engine" build --tag "$IMAGE" . >&2
  say "built $IMAGE, $(size "$("$engine" image inspect --format '{{.Size}}' "$IMAGE")")"
  echo "$IMAGE"
  exit
done

command -v cargo >/dev/null || die "missing: docker or podman that answers, or cargo"
built=$(hack/programs.sh)
mapfile -t programs <<<"$built"
out=$(dirname "${programs[0]}")/../../image
mkdir -p "$out"
out=$(realpath "$out")
key=$(printf '%s\n' "$IMAGE" | key_of - "${programs[@]}" "${BASH_SOURCE[0]}")
if [ -f "$out/operator.tar" ] && [ "$(cat "$out/key" 2>/dev/null)" = "$key" ]; then
  say "$IMAGE is up to date, $(size "$(stat -c %s "$out/operator.tar")")"
  echo "$out/operator.tar"
  exit
fi
need buildah:buildah
[ "$(id -u)" = 0 ] || [ -n "${BUILDAH_ISOLATION:-}" ] || export BUILDAH_ISOLATION=chroot
tmp=$(mktemp -d "$out/tmp.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
# A separate store: nothing stays in the store of a user of buildah.
buildah=(buildah --root "$tmp/store" --runroot "$tmp/run" --storage-driver vfs)
container=$("${buildah[@]}" from scratch)
"${buildah[@]}" copy -q --chmod 755 "$container" "${programs[@]}" / >/dev/null
"${buildah[@]}" config --user 65532:65532 --entrypoint '["/chaostoolkit-operator"]' "$container"
id=$("${buildah[@]}" commit -q "$container") # without a name: buildah would add localhost/ to it
"${buildah[@]}" push -q "$id" "docker-archive:$tmp/operator.tar:$IMAGE"
mv "$tmp/operator.tar" "$out/operator.tar"
echo "$key" >"$out/key"
say "built $IMAGE, $(size "$(stat -c %s "$out/operator.tar")")"
echo "$out/operator.tar"
