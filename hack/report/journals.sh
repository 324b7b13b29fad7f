#!/usr/bin/env bash
# Runs the experiment of the example reports four times, and writes the journals to docs/examples/journals. The reports
# follow from these: UPDATE_EXAMPLES=1 cargo test -p chaostoolkit-report --test examples
#
# It needs `chaos` with chaostoolkit-prometheus, prometheus and vegeta on the PATH, and root for a host name of its own.
set -euo pipefail
if [ -z "${SHOP_HOST:-}" ]; then
  SHOP_HOST=shop-rollout exec unshare --uts bash "$0" "$@"
fi
hostname "$SHOP_HOST"
here=$(cd "$(dirname "$0")" && pwd)
journals=$(cd "$here/../../docs/examples/journals" && pwd)
work=$(mktemp -d)
pids=()
stop() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; wait; rm -rf "$work"; }
trap stop EXIT

cat >"$work/prometheus.yml" <<'EOF'
global: {scrape_interval: 1s}
scrape_configs: [{job_name: shop, static_configs: [{targets: ["127.0.0.1:8391"]}]}]
EOF
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" --web.listen-address=127.0.0.1:9391 \
  >"$work/prometheus.log" 2>&1 &
pids+=($!)

until_up() { until curl -fsS -o /dev/null "$1" 2>/dev/null; do sleep 0.1; done; }

until_clean() { # waits until the failures of an earlier shop no longer count
  until curl -fsS http://127.0.0.1:9391/api/v1/query --data-urlencode "$query" 2>/dev/null | grep -q '"0"'; do sleep 0.2; done
}
query='query=(sum(increase(shop_requests_total{code!="200"}[5s])) or vector(0)) + (absent(up == 1) or vector(0))'

run() { # NAME ADMIN_PORT DRAIN [SECONDS UNTIL SIGINT]
  python3 "$here/shop.py" serve 8391 "$2" &
  local shop=$! chaos
  pids+=("$shop")
  until_up http://127.0.0.1:8391/pay
  until_clean
  sed "s/\"DRAIN\"/\"$3\"/" "$here/experiment.json" >"$work/experiment.json"
  (cd "$work" && exec chaos --no-version-check --log-file "$work/chaos.log" run --journal-path "$journals/$1.json" experiment.json) &
  chaos=$!
  if [ -n "${4:-}" ]; then sleep "$4"; kill -INT "$chaos"; fi
  wait "$chaos" || true
  kill "$shop"
  wait "$shop" || true
}

run 1-passed 8392 yes
run 2-deviated 8392 no
run 3-inconclusive 0 yes
run 4-interrupted 8392 yes 9
# The kernel of the machine says nothing here.
sed -i 's/"platform": "[^"]*"/"platform": "Linux-x86_64-with-glibc2.36"/' "$journals"/*.json
