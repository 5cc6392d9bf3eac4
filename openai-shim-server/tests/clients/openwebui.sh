#!/usr/bin/env bash
# Runs Open WebUI in a real browser. It has an OpenAI, a Responses and an Ollama connection to the shim, whose upstreams are
# echo, a real model, misbehaving.py and failing.py. By hand:
#   openai-shim-server/tests/clients/openwebui.sh [LAB [failing]]
# `failing`: only the answers of failing.py. BINARY: the shim's binary (default: a release build).
# LAB (default ~/lab) is the folder for Open WebUI from PyPI (several GB) and playwright-core from npm; chromium is Debian's.
# The real model is the one of shared/upstreams (setup.sh light), if that exists.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); root=$(cd "$here/../../.." && pwd)
lab=${1:-${LAB:-$HOME/lab}}; shared=${OPENAI_SHIM_CORPUS:-$root/../shared}; run=$lab/run/openwebui; mkdir -p "$run"
pids=(); trap 'for p in "${pids[@]}"; do kill "$p" 2>/dev/null || true; done' EXIT

command -v chromium >/dev/null || { apt-get update -q && apt-get install -y -q chromium; } >/dev/null
[ -x "$lab/venvs/owui/bin/open-webui" ] || { python3 -m venv "$lab/venvs/owui" && "$lab/venvs/owui/bin/pip" install -q open-webui==0.12.4; }
[ -d "$lab/npm/pw/node_modules/playwright-core" ] || { mkdir -p "$lab/npm/pw" && (cd "$lab/npm/pw" && npm init -y >/dev/null && npm i --no-audit --no-fund playwright-core >/dev/null); }

[ -n "${BINARY:-}" ] || { cargo build --release --quiet --manifest-path "$root/Cargo.toml"; BINARY=$root/target/release/openai-shim; }
python3 "$here/misbehaving.py" 18090 & pids+=($!)
python3 "$here/failing.py" 18092 & pids+=($!)
failing=(whole refusal filtered length error-first error-late abort cut broken call-cut)
das=()
if [ "${2:-}" = "" ] && [ -f "$shared/upstreams/setup.sh" ]; then
  # Open WebUI sends 36 tools of its own, which take 7,000 tokens. The context of this model has 8,192.
  export UPSTREAMS=${UPSTREAMS:-$HOME/upstreams}
  bash "$shared/upstreams/setup.sh" light >/dev/null
  (cd "$run" && exec "$UPSTREAMS/venvs/small/bin/dasllama-server" -m "$UPSTREAMS/model/smollm2-q8.gguf" -p 18091 --host 127.0.0.1 --gpu off -t 2 --ctx 8192) > "$run/das.log" 2>&1 & pids+=($!)
  das=('smollm2-q8.gguf=\w{2,}')
fi
cat > "$run/shim.toml" <<T
listen = "127.0.0.1:18080"
client_keys = ["a-key-for-open-webui"]
[[upstream]]
name = "echo"
base_url = "echo"
[[upstream]]
name = "careless"
base_url = "http://127.0.0.1:18090/v1//"
[[upstream]]
name = "failing"
base_url = "http://127.0.0.1:18092/v1"
models = [$(printf '{ id = "failing-%s", upstream = "%s" }, ' $(printf '%s\n' "${failing[@]}" | sed 'p'))]
[retry]
backoff = "200ms"
T
[ ${#das[@]} = 0 ] || printf '[[upstream]]\nname = "das"\nbase_url = "http://127.0.0.1:18091/v1"\nprofile = "dasllama"\n' >> "$run/shim.toml"
"$BINARY" --config "$run/shim.toml" > "$run/shim.log" 2>&1 & pids+=($!)

data=$run/data; mkdir -p "$data"
(cd "$data" && DATA_DIR=$data WEBUI_AUTH=False WEBUI_SECRET_KEY=x OFFLINE_MODE=True HF_HUB_OFFLINE=1 ENABLE_VERSION_UPDATE_CHECK=False \
  ANONYMIZED_TELEMETRY=False DO_NOT_TRACK=1 SCARF_NO_ANALYTICS=true RAG_EMBEDDING_ENGINE=openai BYPASS_EMBEDDING_AND_RETRIEVAL=True \
  ENABLE_PERSISTENT_CONFIG=False ENABLE_EVALUATION_ARENA_MODELS=False CORS_ALLOW_ORIGIN=http://127.0.0.1:18081 \
  OPENAI_API_BASE_URLS='http://127.0.0.1:18080/v1/;http://127.0.0.1:18080/v1' OPENAI_API_KEYS='a-key-for-open-webui;a-key-for-open-webui' \
  OPENAI_API_CONFIGS='{"1":{"prefix_id":"responses","api_type":"responses"}}' ENABLE_OLLAMA_API=True OLLAMA_BASE_URLS=http://127.0.0.1:18080 \
  OLLAMA_API_CONFIGS='{"0":{"prefix_id":"ollama","key":"a-key-for-open-webui"}}' no_proxy=127.0.0.1 \
  exec "$lab/venvs/owui/bin/open-webui" serve --host 127.0.0.1 --port 18081) > "$run/owui.log" 2>&1 & pids+=($!)
for _ in $(seq 400); do curl -sf -o /dev/null http://127.0.0.1:18081/health && break; sleep 1; done

# What a person must see of each answer of failing.py. Open WebUI shows no reason why an answer ended, and no refusal that is one.
# An error late in a stream of Ollama's, or behind a call in chat, is one of the connection; behind a call in Responses the error
# is shown while it asks again.
checks=() half='Paris is the' cut='not complete'
for connection in '' responses. ollama.; do
  c=${connection}failing-
  fire="$half.*on fire" aborted="$half.*ended with .abort" refusal='' called="^(?!.*Tool-call limit).*$cut"
  case $connection in
  ollama.) fire=$cut aborted=$cut refusal='I cannot help with that\.' ;;
  responses.) called='cut before' ;;
  esac
  checks+=("${c}whole=Paris is the capital of France\." "${c}refusal=$refusal" "${c}filtered=$half" "${c}length=$half" "${c}error-first=on fire"
    "${c}error-late=$fire" "${c}abort=$aborted" "${c}cut=cut before|$cut" "${c}broken=cut before|$cut" "${c}call-cut=$called")
done
drive() { PW_DIR=$lab/npm/pw node "$here/openwebui.mjs" http://127.0.0.1:18081 "$run/screenshots" "$@"; }
[ "${2:-}" != failing ] || { drive "${checks[@]}"; exit; }
pong='PONG says the careless server'
checks+=('echo=Please answer PONG')
for connection in '' responses. ollama.; do
  checks+=("${connection}good=$pong" "${connection}thinker=$pong" "${connection}tool=PONG the tool said" "${connection}html=could not be read"
    "${connection}empty=without any content" "${connection}error-first=on fire")
done
checks+=('cut=cut before it was complete' 'responses.cut=cut before it was complete' 'ollama.cut=not completed')
drive "${checks[@]}" "${das[@]}" "crlf=$pong" "no-done=$pong" "json=$pong"
for path in /v1/chat/completions /v1/responses /api/chat; do grep -q "path=\"$path\".*outcome=\"complete\"" "$run/shim.log" || { echo "no complete request on $path"; exit 1; }; done
grep -q 'path="/api/chat".*outcome="truncated"' "$run/shim.log" || { echo "the log does not report the truncated response"; exit 1; }
echo "screenshots in $run/screenshots, logs in $run"
