#!/usr/bin/env bash
# Writes the bills of materials of the two programs in the operator's image, as CycloneDX, to target/sbom, and checks them.
# SBOM_TARGET is the platform of the image, by default that of this machine.
set -euo pipefail
. "$(dirname "$0")/cluster/lib.sh"
cd "$ROOT"

target=${SBOM_TARGET:-$(rustc -vV | sed -n 's/^host: //p')}
need jq:jq
tool=$(hack/tool.sh cargo-cyclonedx)
out=target/sbom
mkdir -p "$out"
rm -f "$out"/*.cdx.json
# The tool writes beside each Cargo.toml.
remove() { rm -f ./*_bin.cdx.json crates/*/*_bin.cdx.json; }
trap remove EXIT
"$tool" cyclonedx --quiet --format json --spec-version 1.5 --describe binaries --no-build-deps --target "$target"
mv ./chaostoolkit-operator_bin.cdx.json "$out/chaostoolkit-operator.cdx.json"
mv crates/runner/chaos-runner_bin.cdx.json "$out/chaos-runner.cdx.json"

check() { # PACKAGE PROGRAM: fails unless the bill of a program is valid and names all crates that are linked into it
  local file=$out/$2.cdx.json listed linked missing
  jq -e '.bomFormat == "CycloneDX" and .specVersion == "1.5" and .metadata.component.name != null' "$file" >/dev/null ||
    die "$file is not a CycloneDX document of version 1.5"
  jq -e '[.components[] | select((.licenses // []) | length == 0)] | length == 0' "$file" >/dev/null ||
    die "$file has components without a license"
  # Crates of this workspace have no hash: they are what the version of the operator says.
  jq -e '[.components[] | select(has("hashes") == (.name | startswith("chaostoolkit-")))] | length == 0' "$file" >/dev/null ||
    die "$file has components without a hash"
  listed=$(jq -r '.components[] | "\(.name) \(.version)"' "$file" | sort -u)
  linked=$(cargo tree --locked --package "$1" --target "$target" --edges normal,no-proc-macro --prefix none --format '{p}' |
    sed -n 's/^\([^ ]*\) v\([^ ]*\).*/\1 \2/p' | grep -v "^$1 " | sort -u)
  missing=$(comm -13 <(echo "$listed") <(echo "$linked"))
  [ -z "$missing" ] || die "$file lacks crates that are linked: $missing"
  # Nothing that is not locked can be in it.
  missing=$(comm -23 <(echo "$listed") <(sed -n '/^name = /{N;s/^name = "\(.*\)"\nversion = "\(.*\)"/\1 \2/p}' Cargo.lock | sort -u))
  [ -z "$missing" ] || die "$file has what is not in Cargo.lock: $missing"
  say "$file: $(echo "$listed" | wc -l) components, $(echo "$linked" | wc -l) of them linked"
}
check chaostoolkit-operator chaostoolkit-operator
check chaostoolkit-runner chaos-runner
