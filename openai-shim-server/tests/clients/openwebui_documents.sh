#!/usr/bin/env bash
# Runs Open WebUI's documents, speech and transcription through the shim, in a real browser: embeddings by its engine `openai`, then by
# its engine `ollama`. The upstream is documents.py, which takes little. By hand:
#   openai-shim-server/tests/clients/openwebui_documents.sh [LAB]
# BINARY: the shim's binary (default: a release build). LAB: as for openwebui.sh, which installs what is needed; ffmpeg is Debian's.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); root=$(cd "$here/../../.." && pwd)
lab=${1:-${LAB:-$HOME/lab}}; run=$lab/run/documents; rm -rf "$run"; mkdir -p "$run"
pids=(); trap 'for p in "${pids[@]}"; do kill "$p" 2>/dev/null || true; done' EXIT
command -v chromium >/dev/null && command -v ffmpeg >/dev/null || { apt-get update -q && apt-get install -y -q chromium ffmpeg; } >/dev/null
[ -x "$lab/venvs/owui/bin/open-webui" ] || { python3 -m venv "$lab/venvs/owui" && "$lab/venvs/owui/bin/pip" install -q open-webui==0.12.4; }
[ -d "$lab/npm/pw/node_modules/playwright-core" ] || { mkdir -p "$lab/npm/pw" && (cd "$lab/npm/pw" && npm init -y >/dev/null && npm i --no-audit --no-fund playwright-core >/dev/null); }
[ -n "${BINARY:-}" ] || { cargo build --release --quiet --manifest-path "$root/Cargo.toml"; BINARY=$root/target/release/openai-shim; }

key=a-key-for-open-webui
python3 "$here/documents.py" 18093 "$run/requests.jsonl" & pids+=($!)
cat > "$run/shim.toml" <<T
listen = "127.0.0.1:18082"
client_keys = ["$key"]
[[upstream]]
name = "documents"
base_url = "http://127.0.0.1:18093/v1"
models = [$(printf '{ id = "%s", upstream = "their/%s" }, ' chat chat embedder embedder voice voice listener listener)]
T
"$BINARY" --config "$run/shim.toml" > "$run/shim.log" 2>&1 & pids+=($!)
# Some sixty parts: an index of so few is searched whole.
{ for i in $(seq 60); do echo "Line $i of the keeper's diary: the sea was grey, the lamp was lit, and nothing happened on day $i."; done
  echo "The secret of the lighthouse is heliotrope."
  for i in $(seq 60); do echo "Line $i of the second diary: fog came in over rock $i, and the horn was sounded."; done; } > "$run/lighthouse.txt"

for engine in openai ollama; do
  data=$run/$engine; mkdir -p "$data"; : > "$run/requests.jsonl"
  (cd "$data" && DATA_DIR=$data WEBUI_AUTH=False WEBUI_SECRET_KEY=x OFFLINE_MODE=True HF_HUB_OFFLINE=1 ENABLE_VERSION_UPDATE_CHECK=False \
    ANONYMIZED_TELEMETRY=False DO_NOT_TRACK=1 SCARF_NO_ANALYTICS=true ENABLE_PERSISTENT_CONFIG=False ENABLE_EVALUATION_ARENA_MODELS=False \
    CORS_ALLOW_ORIGIN=http://127.0.0.1:18083 OPENAI_API_BASE_URL=http://127.0.0.1:18082/v1 OPENAI_API_KEY=$key ENABLE_OLLAMA_API=False \
    DEFAULT_MODELS=chat TASK_MODEL_EXTERNAL=chat ENABLE_TITLE_GENERATION=False ENABLE_TAGS_GENERATION=False ENABLE_FOLLOW_UP_GENERATION=False \
    RAG_EMBEDDING_ENGINE=$engine RAG_EMBEDDING_MODEL=embedder RAG_EMBEDDING_BATCH_SIZE=25 CHUNK_SIZE=200 CHUNK_OVERLAP=0 ENABLE_RETRIEVAL_QUERY_GENERATION=False \
    RAG_OPENAI_API_BASE_URL=http://127.0.0.1:18082/v1 RAG_OPENAI_API_KEY=$key RAG_OLLAMA_BASE_URL=http://127.0.0.1:18082 RAG_OLLAMA_API_KEY=$key \
    AUDIO_TTS_OPENAI_API_BASE_URL=http://127.0.0.1:18082/v1 AUDIO_TTS_OPENAI_API_KEY=$key \
    AUDIO_STT_OPENAI_API_BASE_URL=http://127.0.0.1:18082/v1 AUDIO_STT_OPENAI_API_KEY=$key \
    AUDIO_TTS_ENGINE=openai AUDIO_TTS_MODEL=voice AUDIO_TTS_VOICE=alloy AUDIO_STT_ENGINE=openai AUDIO_STT_MODEL=listener no_proxy=127.0.0.1 \
    exec "$lab/venvs/owui/bin/open-webui" serve --host 127.0.0.1 --port 18083) > "$run/owui-$engine.log" 2>&1 & server=$!; pids+=($server)
  for _ in $(seq 400); do curl -sf -o /dev/null http://127.0.0.1:18083/health && break; sleep 1; done
  echo "engine $engine"
  PW_DIR=$lab/npm/pw node "$here/openwebui_documents.mjs" http://127.0.0.1:18083 "$run/screenshots-$engine" "$run/lighthouse.txt"
  python3 - "$run/requests.jsonl" <<'P'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
taken = [l["texts"] for l in lines if l["path"].endswith("/embeddings") and l["texts"] <= 10 and l["members"] == ["input", "model"]]
assert sum(n == 10 for n in taken) >= 2, f"documents were not embedded in batches: {lines}"
assert any("heliotrope" in l.get("answer", "") for l in lines) and any("voice" in l for l in lines) and any("file" in l for l in lines), lines
print(f"{len(taken)} requests of embeddings, {sum(taken)} texts; {len(lines) - len(taken)} others")
P
  kill "$server"; wait "$server" 2>/dev/null || true
done
echo "screenshots and logs in $run"
