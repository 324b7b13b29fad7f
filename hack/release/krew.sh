#!/usr/bin/env bash
# Writes the krew manifest with the hashes of the archives that are in a directory, into this directory: krew.sh DIRECTORY [--some].
# With --some, archives may be missing, and their hashes stay zeros.
set -euo pipefail
. "$(dirname "$0")/../cluster/lib.sh"

directory=${1:?krew.sh DIRECTORY [--some]} some=${2:-}
source=$ROOT/plugin/chaostoolkit.yaml out=$directory/chaostoolkit.yaml
cp "$source" "$out"
while read -r archive; do
  if [ ! -f "$directory/$archive" ]; then
    [ "$some" = --some ] || die "$directory has no $archive, which plugin/chaostoolkit.yaml names"
    continue
  fi
  hash=$(sha256sum "$directory/$archive" | cut -d ' ' -f 1)
  # The hash stands in the line after the address of its archive.
  sed -i "/\/$archive\$/{n;s/sha256: .*/sha256: $hash/}" "$out"
  [ "$(grep -c "sha256: $hash\$" "$out")" = 1 ] || die "plugin/chaostoolkit.yaml has no place of its own for the hash of $archive"
done < <(sed -n 's,^ *uri: .*/,,p' "$source")
for archive in "$directory"/kubectl-chaostoolkit-*.tar.gz; do
  grep -q "/${archive##*/}\$" "$source" || die "plugin/chaostoolkit.yaml does not name ${archive##*/}"
done
# This comment is about the source.
sed -i '/^# No version is released yet/d' "$out"
