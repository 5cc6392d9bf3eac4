# Sourced by claude_code.sh and codex.sh: an agent from npm, the shim, and a chat-completions upstream with a script.
# The agent's folder is LAB (default ~/lab); what it may reach is this machine alone, where `unshare` can see to that.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd); root=$(cd "$here/../../.." && pwd)
lab=${LAB:-$HOME/lab}; binary=$root/target/release/openai-shim

# agent PACKAGE@VERSION: installs it, and goes on without a network.
agent() {
  if [ -z "${ALONE:-}" ]; then
    cargo build --release --quiet --manifest-path "$root/Cargo.toml"
    local name=${1%@*}; agents=$lab/npm/$(basename "$name"); mkdir -p "$agents"
    [ "$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$agents/node_modules/$name/package.json" 2>/dev/null)" = "${1##*@}" ] ||
      (cd "$agents" && npm init -y >/dev/null && npm install --no-audit --no-fund --loglevel=error "$1" >/dev/null)
    if unshare --net --map-root-user true 2>/dev/null; then exec unshare --net --map-root-user env ALONE=yes "$0"
    else echo "no network namespace here: the agent may reach other hosts"; fi
  else ip link set lo up; fi
  agents=$lab/npm/$(basename "${1%@*}")
  work=$(mktemp -d); pids=()
  trap 'for p in "${pids[@]}"; do kill "$p" 2>/dev/null || true; done; wait; rm -rf "$work"' EXIT
  mkdir -p "$work/home" "$work/project"; cd "$work/project"
  secret=XYZZY-$RANDOM$RANDOM; echo "The secret word is $secret." > notes.txt; echo "The other file says PLUGH." > more.txt
}

# start ROUND...: the upstream with its script, and the shim in front of it.
start() {
  python3 "$here/scripted.py" 18720 "$work/asked" "$@" > "$work/scripted.log" 2>&1 & pids+=($!)
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
says() { grep -qF -- "$2" "$1"; }
# asked EXPRESSION: holds of the requests that the upstream saw, `requests`, and the last one's `messages`.
asked() {
  python3 - "$work/asked" "$1" <<'P'
import json, sys
requests = [json.loads(line) for line in open(sys.argv[1])]
messages = requests[-1]["messages"]
calls = [m for m in messages if m.get("tool_calls")]
results = [m for m in messages if m["role"] == "tool"]
sys.exit(not eval(sys.argv[2]))
P
}
# Every exchange of the log is complete.
complete() { grep -q ' exchange ' "$work/shim.log" && ! grep ' exchange ' "$work/shim.log" | grep -vq 'outcome="complete"'; }
