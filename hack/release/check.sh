#!/usr/bin/env bash
# Tests what a release is made with, without releasing anything: the scripts of this directory with made-up programs, the krew
# manifest with krew's own check, and the workflows with the schema of GitHub and with actionlint.
# Needs Go and Python, and the network for what is not fetched yet. --scripts leaves out what needs them.
set -euo pipefail
. "$(dirname "$0")/../cluster/lib.sh"
cd "$ROOT"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
release=hack/release
refused() { # WHAT TEXT COMMAND...: the command fails, and says the text
  local what=$1 text=$2; shift 2
  if "$@" >"$work/log" 2>&1; then die "not refused: $what"; fi
  grep -qF -- "$text" "$work/log" || { cat "$work/log" >&2; die "refused without the words '$text': $what"; }
}
same() { # WHAT FILE FILE
  diff "$2" "$3" >&2 || die "not as expected: $1"
}

# The version.
version=$($release/version.sh)
copy() { # a copy of the files that have the version
  rm -rf "$work/copy"
  for file in Cargo.toml Cargo.lock CHANGELOG.md plugin/chaostoolkit.yaml charts/chaostoolkit-operator/Chart.yaml; do
    install -D -m 644 "$file" "$work/copy/$file"
  done
}
checked() { RELEASE_ROOT=$work/copy $release/version.sh "$@"; }
pattern=${version//./\\.}
for file in Cargo.lock CHANGELOG.md plugin/chaostoolkit.yaml charts/chaostoolkit-operator/Chart.yaml; do
  copy
  sed -i "s/$pattern/9.8.7/g" "$work/copy/$file"
  refused "another version in $file" "${file#charts/chaostoolkit-operator/}" checked
done
copy
sed -i "s/^## \[Unreleased\]$/&\n\n## [$version] - 2026-01-31/" "$work/copy/CHANGELOG.md"
[ "$(checked --tag "v$version")" = "$version" ] || die "the tag of the version is refused"
refused "a tag of another version" "the tag is v9.8.7" checked --tag v9.8.7
refused "a tag without v" "the tag is $version" checked --tag "$version"
sed -i "s/ - 2026-01-31$/ - soon/" "$work/copy/CHANGELOG.md"
refused "a section without a date" "YYYY-MM-DD" checked --tag "v$version"

# The notes.
repository=$(sed -n 's/^  homepage: //p' plugin/chaostoolkit.yaml)
cat >"$work/changelog" <<END
# Changelog

## [Unreleased]

- Later.

## [1.2.3] - 2026-01-31

The first line
and the second.

### Added

- A point that goes
  on ([docs](docs/a.md), [site](https://site.example/)).
- Another.
  - Below it,
    in two lines.

\`\`\`sh
code  stays
  as it is
\`\`\`

## [1.2.30] - 2025-01-31

- Earlier.

[1.2.3]: https://site.example/
END
cat >"$work/expected" <<END
The first line and the second.

### Added

- A point that goes on ([docs]($repository/blob/v1.2.3/docs/a.md), [site](https://site.example/)).
- Another.
  - Below it, in two lines.

\`\`\`sh
code  stays
  as it is
\`\`\`
END
$release/notes.sh 1.2.3 "$work/changelog" >"$work/notes"
same "notes of a release" "$work/expected" "$work/notes"
[ "$($release/notes.sh 1.2.30 "$work/changelog")" = "- Earlier." ] || die "the notes of the last section are wrong"
refused "notes of no section" "no section [1.2]" $release/notes.sh 1.2 "$work/changelog"

# The files, with made-up programs: the same ones whenever they are made.
mkdir -p "$work/made/plugin"
for platform in linux-amd64 linux-arm64 darwin-amd64 darwin-arm64; do
  printf '#!/bin/sh\necho %s\n' "$platform" >"$work/made/plugin/kubectl-chaostoolkit-$platform"
done
refused "a release without bills of materials" "chaostoolkit-operator-amd64.cdx.json" \
  env CHANGELOG="$work/changelog" $release/assemble.sh "$work/made" "$work/without" "$work/notes"
for name in {chaostoolkit-operator,chaos-runner}-{amd64,arm64}.cdx.json "chaostoolkit-operator-$version.tgz"; do
  echo "$name" >"$work/made/$name"
done
sed "s/1\.2\.3\]/$version]/" "$work/changelog" >"$work/current"
for to in first second; do
  CHANGELOG=$work/current $release/assemble.sh "$work/made" "$work/$to" "$work/notes" 2>/dev/null
done
diff -r "$work/first" "$work/second" >&2 || die "the files of a release are not the same if they are made again"
for archive in "$work"/first/kubectl-*.tar.gz; do # gzip has the time of its file there, too
  times=$(TZ=UTC tar -tvzf "$archive" | grep -c ' 1970-01-01 ') packed=$(od -An -tu4 -j4 -N4 "$archive" | tr -d ' ')
  [ "$times $packed" = "2 0" ] || die "${archive##*/} has the time at which it was packed"
done
(cd "$work/first" && sha256sum --quiet --check SHA256SUMS)
[ "$(wc -l <"$work/first/SHA256SUMS")" = 10 ] || die "the sums are not those of 10 files"
mkdir "$work/unpacked"
tar -xzf "$work/first/kubectl-chaostoolkit-darwin-arm64.tar.gz" -C "$work/unpacked"
same "the license in an archive" LICENSE "$work/unpacked/LICENSE"
[ "$("$work/unpacked/kubectl-chaostoolkit")" = darwin-arm64 ] || die "an archive has another program, or one that does not start"
manifest=$work/first/chaostoolkit.yaml
if grep -q '0000000000' "$manifest"; then die "the krew manifest has a hash of zeros"; fi
grep -A1 'darwin-arm64' "$manifest" | grep -q "$(sha256sum <"$work/first/kubectl-chaostoolkit-darwin-arm64.tar.gz" | cut -d ' ' -f 1)" ||
  die "the krew manifest has another hash than the archive"
refused "files in a directory that has some" "is not empty" $release/assemble.sh "$work/made" "$work/first" "$work/notes"
rm "$work/second/kubectl-chaostoolkit-linux-arm64.tar.gz"
refused "a krew manifest without an archive" "kubectl-chaostoolkit-linux-arm64.tar.gz" $release/krew.sh "$work/second"
echo >"$work/second/kubectl-chaostoolkit-plan9-mips.tar.gz"
refused "an archive that no platform is for" "plan9" $release/krew.sh "$work/second" --some

# The programs of the image are built with the version of this source.
rust=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
grep -qE "^FROM [^ ]+ rust:${rust//./\\.}-" Dockerfile || die "the Dockerfile does not build with Rust $rust, which rust-toolchain.toml names"

# The workflows name each action by a commit.
workflows=(.github/workflows/*.yml)
loose=$(grep -nE '^ *(- )?uses: ' "${workflows[@]}" | grep -vE 'uses: (\./|[^@ ]+@[0-9a-f]{40} # v[0-9])' || true)
[ -z "$loose" ] || die "an action is not named by a commit with its version: $loose"
say "the scripts of a release do what they should"
[ "${1:-}" != --scripts ] || exit 0

# What others check.
target=${CARGO_TARGET_DIR:-target}
venv=$target/venv/release
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check check-jsonschema==0.39.0
schema() { "$venv/bin/check-jsonschema" --builtin-schema vendor.github-workflows "$@"; }
actionlint() { (cd "$ROOT" && go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12 -shellcheck="$(command -v shellcheck)" -pyflakes= "$@"); }
krew() { (cd "$work" && go run sigs.k8s.io/krew/cmd/validate-krew-manifest@v0.4.4 -skip-install -manifest "$1"); }
schema "${workflows[@]}" >&2
actionlint "${workflows[@]}"
krew "$manifest" 2>"$work/log" || { cat "$work/log" >&2; die "krew refuses the manifest"; }
sed 's/runs-on:/runs_on:/' .github/workflows/release.yml >"$work/release.yml"
refused "a workflow with a misspelled key" runs_on schema "$work/release.yml"
sed 's/needs.version.outputs.version/needs.image.outputs.version/' .github/workflows/release.yml >"$work/release.yml"
refused "a workflow with an output that no job has" '"version" is not defined' actionlint "$work/release.yml"
mkdir "$work/krew"
sed 's/os: darwin/os: plan9/' "$manifest" >"$work/krew/chaostoolkit.yaml"
refused "a krew manifest for a system that krew does not know" plan9 krew "$work/krew/chaostoolkit.yaml"
say "krew, actionlint and the schema of GitHub take the files of a release"
