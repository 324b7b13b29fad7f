#!/usr/bin/env bash
# Prints the notes of a release, which are the section of its version in the changelog: notes.sh VERSION [CHANGELOG].
# Lines of a paragraph are joined, because GitHub shows each line end of a release as one. Links into the repository get the tag.
set -euo pipefail
. "$(dirname "$0")/../cluster/lib.sh"

version=${1:?notes.sh VERSION [CHANGELOG]} changelog=${2:-$ROOT/CHANGELOG.md}
repository=$(sed -n 's/^  homepage: //p' "$ROOT/plugin/chaostoolkit.yaml")
notes=$(awk -v version="$version" '
  function flush() { if (held != "") print held; held = "" }
  /^## / { if (inside) exit; inside = index($0, "## [" version "]") == 1; next }
  /^\[[^]]*\]: / { next } # addresses of links, at the end of the file
  !inside { next }
  /^```/ { flush(); code = !code; print; next }
  code { print; next }
  /^[ \t]*$/ { flush(); print ""; next }
  /^(#|\||[ \t]*[-*] |[ \t]*[0-9]+\. )/ { flush(); held = $0; next }
  { sub(/^[ \t]+/, ""); held = held == "" ? $0 : held " " $0 }
  END { flush() }
' "$changelog" | awk -v tree="$repository/blob/v$version/" '
  { text = $0; out = ""
    while (match(text, /\]\([^)]*\)/)) {
      target = substr(text, RSTART + 2, RLENGTH - 3)
      if (target !~ /^(https?:|#)/) target = tree target
      out = out substr(text, 1, RSTART - 1) "](" target ")"; text = substr(text, RSTART + RLENGTH)
    }
    print out text }')
[ -n "${notes//[[:space:]]/}" ] || die "$changelog has no section [$version], or it is empty"
printf '%s\n' "$notes" | sed '/./,$!d'
