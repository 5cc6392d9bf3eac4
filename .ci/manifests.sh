#!/usr/bin/env bash
# .ci/manifests.sh BINARY: what docs/deploy and compose.yaml say is valid: units, the configurations in files and manifests,
# Kubernetes objects, the Compose file, alert rules, the dashboard's queries.
set -euo pipefail
cd "$(dirname "$0")/.."
binary=$(realpath "$1") work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
skip() { printf 'skipped: %s\n' "$1"; }

if command -v systemd-analyze >/dev/null; then
  for unit in docs/deploy/*.service docs/deploy/*.timer; do sed "s#ExecStart=openai-shim#ExecStart=$binary#" "$unit" > "$work/$(basename "$unit")"; done
  (cd "$work" && systemd-analyze verify ./*.service ./*.timer)
else skip "no systemd-analyze"; fi
CREDENTIALS_DIRECTORY=$work "$binary" check --config <(sed 's/credential:upstream-key/a-key/' docs/deploy/config.example.toml) > /dev/null

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check kubernetes-validate==1.37.0 jsonschema==4.26.0
# Of this package only the schema of Compose files is used.
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps docker-compose==1.29.2
"$work/venv/bin/kubernetes-validate" --strict --quiet docs/deploy/kubernetes/*.yaml docs/deploy/kubernetes-secret.example.yaml
"$work/venv/bin/python" .ci/manifests.py "$binary" "$work/dashboard.yaml"

if ! command -v promtool >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  { apt-get update -q && apt-get install -y -q --no-install-recommends prometheus; } >/dev/null 2>&1 || true
fi
if command -v promtool >/dev/null; then
  promtool check rules docs/deploy/prometheus/alerts.yaml "$work/dashboard.yaml"
  promtool test rules docs/deploy/prometheus/alerts.test.yaml
else skip "no promtool"; fi
