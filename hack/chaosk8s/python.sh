#!/usr/bin/env bash
# Makes a Python with the chaosk8s of the table, once, and prints the path of the program. The tests in tests/activities use it.
set -euo pipefail
. "$(dirname "$0")/../cluster/lib.sh"

package=chaostoolkit-kubernetes==0.39.0 client=kubernetes==31.0.0
directory=$CACHE/python/$(printf '%s' "$package $client $(python3 --version)" | sha256sum | cut -c 1-12)
if [ ! -x "$directory/bin/python" ]; then
  rm -rf "$directory.new"
  python3 -m venv "$directory.new" >&2
  "$directory.new/bin/pip" install --quiet "$package" "$client" >&2
  mv "$directory.new" "$directory"
fi
printf '%s\n' "$directory/bin/python"
