# Sourced by claude_code.sh and codex.sh: runs an agent from npm against the shim, with scripted.py as the upstream.
# LAB is the folder of the agent (default ~/lab). Where `unshare` works, the agent can reach this machine only.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd); root=$(cd "$here/../../.." && pwd)
lab=${LAB:-$HOME/lab}; binary=$root/target/release/openai-shim

# agent PACKAGE@VERSION: installs the agent, then runs the calling script again without a network.
agent() {
  if [ -z "${OFFLINE:-}" ]; then
    cargo build --release --quiet --manifest-path "$root/Cargo.toml"
    local name=${1%@*}; agents=$lab/npm/$(basename "$name"); mkdir -p "$agents"
    [ "$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$agents/node_modules/$name/package.json" 2>/dev/null)" = "${1##*@}" ] ||
      (cd "$agents" && npm init -y >/dev/null && npm install --no-audit --no-fund --loglevel=error "$1" >/dev/null)
    if unshare --net --map-root-user true 2>/dev/null; then exec unshare --net --map-root-user env OFFLINE=yes "$0"
    else echo "no network namespace here: the agent may reach other hosts"; fi
  else ip link set lo up; fi
  agents=$lab/npm/$(basename "${1%@*}")
  work=$(mktemp -d); pids=()
  trap 'for p in "${pids[@]}"; do kill "$p" 2>/dev/null || true; done; wait; rm -rf "$work"' EXIT
  mkdir -p "$work/home" "$work/project"; cd "$work/project"
  secret=XYZZY-$RANDOM$RANDOM; echo "The secret word is $secret." > notes.txt; echo "The other file says PLUGH." > more.txt
}

# start ROUND...: starts the upstream with this script, and the shim.
start() {
  python3 "$here/scripted.py" 18720 "$work/requests" "$@" > "$work/scripted.log" 2>&1 & pids+=($!)
  OPENAI_SHIM_LOG=${LOG:-debug} "$binary" --listen 127.0.0.1:18721 --upstream http://127.0.0.1:18720/v1 > "$work/shim.log" 2>&1 & pids+=($!)
  local port; for port in 18720/v1/models 18721/healthz; do
    for _ in $(seq 100); do curl -sf -o /dev/null "http://127.0.0.1:$port" && break; sleep 0.05; done
  done
}

passed=0
check() { # NAME COMMAND...
  local name=$1; shift
  if "$@"; then passed=$((passed + 1)); return; fi
  echo "failed: $name"; echo "$passed passed, 1 failed"; [ -z "${KEEP:-}" ] || cp -r "$work" "$KEEP"; exit 1
}
contains() { grep -qF -- "$2" "$1"; }
# received EXPRESSION: evaluates it on the upstream's `requests`, and on the last one's `messages`, `calls` and `results`.
received() {
  python3 - "$work/requests" "$1" <<'P'
import json, sys
requests = [json.loads(line) for line in open(sys.argv[1])]
messages = requests[-1]["messages"]
calls = [m for m in messages if m.get("tool_calls")]
results = [m for m in messages if m["role"] == "tool"]
sys.exit(not eval(sys.argv[2]))
P
}
# Every exchange in the shim's log is complete.
complete() { grep -q ' exchange ' "$work/shim.log" && ! grep ' exchange ' "$work/shim.log" | grep -vq 'outcome="complete"'; }
