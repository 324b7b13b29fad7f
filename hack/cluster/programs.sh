#!/usr/bin/env bash
# Builds the cluster's programs from the Go modules pinned in programs/, into the cache. Prints their directories.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

command -v go >/dev/null || die "go is missing: it builds the cluster's programs (see $HERE/programs/*/go.mod for the version)"
mkdir -p "$CACHE/programs"
lock "$CACHE/programs/.lock"

build() { # MODULE PACKAGE... [-- GO-BUILD-FLAG...]: builds a directory of programs. Its name has a hash of everything that
  # decides the contents
  local module=$1 packages=() dir out; shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do packages+=("$1"); shift; done
  [ $# -eq 0 ] || shift
  cd "$HERE/programs/$module"
  dir=$CACHE/programs/$module-$( (cat go.mod go.sum; go env GOVERSION; echo "${packages[*]} $*") | key_of -)
  if [ ! -d "$dir" ]; then
    say "building $module"
    rm -rf "$CACHE/programs/$module".tmp.*
    out=$(mktemp -d "$CACHE/programs/$module.tmp.XXXXXX")
    CGO_ENABLED=0 go build -mod=readonly -trimpath -buildvcs=false -o "$out/" "$@" "${packages[@]}" >&2
    [ ! -f "$out/server" ] || mv "$out/server" "$out/etcd" # go takes the name from the last part of the path
    mv "$out" "$dir" # last, so that an interrupted build does not look finished
    say "built $module"
  fi
  echo "$dir"
}

version=$(sed -n 's,^\s*k8s.io/kubernetes \(v[^ ]*\).*,\1,p' "$HERE/programs/kubernetes/go.mod" | head -n 1)
IFS=. read -r major minor _ <<<"${version#v}"
v=k8s.io/component-base/version
build kubernetes k8s.io/kubernetes/cmd/{kube-apiserver,kube-controller-manager,kube-scheduler,kubelet,kube-proxy,kubectl} \
  -- -ldflags "-s -w -X $v.gitVersion=$version -X $v.gitMajor=$major -X $v.gitMinor=$minor"
build etcd go.etcd.io/etcd/server/v3 -- -ldflags '-s -w'
build containerd github.com/containerd/containerd/v2/cmd/{containerd,containerd-shim-runc-v2,ctr} \
  -- -tags no_btrfs,no_zfs,no_devmapper -ldflags '-s -w'
