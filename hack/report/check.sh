#!/usr/bin/env bash
# Writes reports of all journals of the tests, and reads them with the programs of others (see check.py). Needs Python, and the
# network for the packages and the schema of CTRF. CTRF_SCHEMA names a copy of the schema.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-target}
venv=$target/venv/report-check
# The newest schema when this was written.
commit=84ddec55811b6a9bf9db3bf9638c9568cde88bb5

[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet junitparser==5.0.2 jsonschema==4.26.0
if [ -z "${CTRF_SCHEMA:-}" ]; then
  CTRF_SCHEMA=$target/ctrf.schema.json
  [ -s "$CTRF_SCHEMA" ] ||
    curl -fsSL -o "$CTRF_SCHEMA" "https://raw.githubusercontent.com/ctrf-io/ctrf/$commit/schema/ctrf.schema.json"
fi
reports=$target/reports
rm -rf "$reports"
mkdir -p "$reports/journals"
"$venv/bin/python" - "$reports/journals" <<'EOF'
import json, pathlib, sys
for path in sorted(pathlib.Path("tests/journals").glob("*.json")):
    if journal := json.loads(path.read_text()).get("journal"):
        (pathlib.Path(sys.argv[1]) / path.name).write_text(json.dumps(journal))
EOF
cargo build --quiet --locked -p chaostoolkit-report --example render
render=$target/debug/examples/render
"$render" junit --outputs "$reports"/journals/*.json >"$reports/all.xml"
"$render" ctrf --outputs "$reports"/journals/*.json >"$reports/all.ctrf.json"
"$venv/bin/python" hack/report/check.py "$CTRF_SCHEMA" \
  "$reports/all.xml" "$reports/all.ctrf.json" docs/examples/report.xml docs/examples/report.ctrf.json
