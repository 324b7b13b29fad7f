#!/usr/bin/env bash
# Prints the version of this source, after it has found the same one in each file that names it: version.sh [--tag TAG].
# With a tag, it also checks that the tag is that of the version, and that the changelog has the section of a release.
set -euo pipefail
. "$(dirname "$0")/../cluster/lib.sh"
cd "${RELEASE_ROOT:-$ROOT}" # the tests look at copies

# The first match is the version of the workspace: versions of dependencies do not begin a line.
version=$(sed -n 's/^version *= *"\(.*\)"/\1/p' Cargo.toml | head -n 1)
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || die "the version in Cargo.toml is no version: $version"
chart=charts/chaostoolkit-operator/Chart.yaml krew=plugin/chaostoolkit.yaml
has() { # FILE LINE
  grep -qxF -- "$2" "$1" || die "$1 has no line '$2', and $version is the version in Cargo.toml"
}
has $chart "version: $version"
has $chart "appVersion: $version"
has $chart "      image: chaostoolkit/chaostoolkit-operator:$version"
has $krew "  version: v$version"
other=$(grep -o '/releases/download/[^/]*/' $krew | grep -vxF "/releases/download/v$version/" | head -n 1) || true
[ -z "$other" ] || die "$krew has an address with $other, and $version is the version in Cargo.toml"
locked=$(sed -n '/^name = "chaostoolkit-operator"$/{n;s/^version = "\(.*\)"/\1/p}' Cargo.lock)
[ "$locked" = "$version" ] || die "Cargo.lock has the version $locked, and $version is the version in Cargo.toml"

case ${1:-} in
  "") # Before a release, the section that collects the changes says what they are for.
    grep -q "^## \[${version//./\\.}\] - " CHANGELOG.md || grep -q "^${version//./\\.}: " CHANGELOG.md ||
      die "CHANGELOG.md has neither a section [$version] nor a line '$version: …' in the section [Unreleased]" ;;
  --tag)
    [ "${2:-}" = "v$version" ] || die "the tag is ${2:-empty}, and v$version is that of the version in Cargo.toml"
    grep -qE "^## \[${version//./\\.}\] - [0-9]{4}-[0-9]{2}-[0-9]{2}$" CHANGELOG.md ||
      die "CHANGELOG.md has no section '## [$version] - YYYY-MM-DD'" ;;
  *) die "unknown argument: $1" ;;
esac
echo "$version"
