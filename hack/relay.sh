#!/usr/bin/env bash
# Tries the relay of docs/telemetry.md: sends it an event, and prints what a webhook receives from it. Needs Python and curl.
set -euo pipefail
. "$(dirname "$0")/cluster/lib.sh"
cd "$ROOT"
need python3:python3 curl:curl

work=$(mktemp -d) started=()
finish() {
  for process in ${started[@]+"${started[@]}"}; do kill "$process" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# shellcheck disable=SC2016  # the quotes of Markdown
sed -n '/^```python$/,/^```$/{/^```/d;p}' docs/telemetry.md | sed "s/(\"\", 8080)/(\"127.0.0.1\", $port)/" >"$work/relay.py"
cat >"$work/webhook.py" <<'PY'
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Webhook(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        open(sys.argv[1], "wb").write(body)
        self.send_response(200)
        self.end_headers()

server = HTTPServer(("127.0.0.1", 0), Webhook)
print(server.server_port, flush=True)
server.serve_forever()
PY
event='{"specversion":"1.0","type":"org.chaostoolkit.run.finished.v1","data":{"namespace":"shop","experiment":"checkout","run":1,"outcome":"Deviated","message":"the steady state was not met"}}'
expected='shop/checkout run 1 finished: Deviated the steady state was not met'

python3 "$work/webhook.py" "$work/body" >"$work/port" 2>"$work/log" &
started+=($!)
until [ -s "$work/port" ]; do kill -0 "${started[0]}" 2>/dev/null || { cat "$work/log" >&2; die "the webhook has not started"; }; sleep 0.1; done
webhook=http://127.0.0.1:$(cat "$work/port")/

try() { # FORMAT FIELD: what a message in this format has at this place
  FORMAT=$1 WEBHOOK=$webhook python3 "$work/relay.py" 2>"$work/log" &
  started+=($!)
  local code='' tries
  for ((tries = 0; tries < 50; tries++)); do
    code=$(curl -s --noproxy '*' -o /dev/null -w '%{http_code}' -H 'content-type: application/cloudevents+json' -d "$event" "http://127.0.0.1:$port/") && break
    sleep 0.1
  done
  [ "$code" = 204 ] || { cat "$work/log" >&2; die "the relay answers $code"; }
  local found; found=$(python3 -c "import json,sys; print(json.load(open(sys.argv[1]))$2)" "$work/body")
  [ "$found" = "$expected" ] || die "the message in the format $1 is '$found'"
  kill "${started[-1]}"
  wait "${started[-1]}" 2>/dev/null || true
  unset 'started[-1]'
  say "$1: $(cat "$work/body")"
}
try slack "['text']"
try teams "['attachments'][0]['content']['body'][0]['text']"
