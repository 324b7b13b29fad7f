#!/usr/bin/env bash
# Packs a program kubectl-chaostoolkit and the license into an archive: archive.sh PROGRAM ARCHIVE. The same program makes the same
# archive, whenever it is packed.
set -euo pipefail
. "$(dirname "$0")/../cluster/lib.sh"

program=${1:?archive.sh PROGRAM ARCHIVE} archive=${2:?archive.sh PROGRAM ARCHIVE}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
install -m 755 "$program" "$tmp/kubectl-chaostoolkit"
install -m 644 "$ROOT/LICENSE" "$tmp/LICENSE"
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -C "$tmp" -cf - LICENSE kubectl-chaostoolkit | gzip -9n >"$archive"
