#!/usr/bin/env bash
# Puts together the files of a release: assemble.sh FROM TO NOTES. FROM has the programs kubectl-chaostoolkit-OS-ARCH, the bills of
# materials *.cdx.json and the chart *.tgz, in directories of any names. TO gets them with the archives, the krew manifest and
# SHA256SUMS, and the file NOTES the notes of the release.
set -euo pipefail
. "$(dirname "$0")/../cluster/lib.sh"

usage="assemble.sh FROM TO NOTES"
from=${1:?$usage} to=${2:?$usage} notes=${3:?$usage} here=$ROOT/hack/release
version=$("$here/version.sh")
mkdir -p "$to"
[ -z "$(ls -A "$to")" ] || die "$to is not empty"
one() { # NAME: prints the path of the one file of this name
  local found
  found=$(find "$from" -type f -name "$1")
  [ -n "$found" ] || die "$from has no $1"
  [ "$(wc -l <<<"$found")" = 1 ] || die "$from has several files of the name $1"
  echo "$found"
}
while read -r archive; do
  program=$(one "${archive%.tar.gz}")
  "$here/archive.sh" "$program" "$to/$archive"
done < <(sed -n 's,^ *uri: .*/,,p' "$ROOT/plugin/chaostoolkit.yaml")
"$here/krew.sh" "$to"
for platform in amd64 arm64; do
  for program in chaostoolkit-operator chaos-runner; do
    file=$(one "$program-$platform.cdx.json")
    cp "$file" "$to"
  done
done
file=$(one "chaostoolkit-operator-$version.tgz")
cp "$file" "$to"
(cd "$to" && sha256sum -- * >SHA256SUMS)
"$here/notes.sh" "$version" "${CHANGELOG:-$ROOT/CHANGELOG.md}" >"$notes"
say "$to has $(grep -c . "$to/SHA256SUMS") files of version $version"
