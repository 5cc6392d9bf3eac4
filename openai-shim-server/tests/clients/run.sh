#!/usr/bin/env bash
# Runs the official SDKs of OpenAI, Anthropic and Ollama, in Python and Node, against the shim, and the embeddings of Vercel's.
#
#   run.sh BINARY echo            upstream: the built-in `echo`; the text of every response is known and checked
#   run.sh BINARY real SHARED     upstream: a small real model, installed by SHARED/upstreams/setup.sh
#
# PYTHON: an interpreter with the packages of ../recordings/requirements.txt (default: python3).
# SDK_DIR: the folder for the npm packages (default: a temporary folder).
set -euo pipefail
binary=$1 upstream=$2 shared=${3:-}
here=$(cd "$(dirname "$0")" && pwd); python=${PYTHON:-python3}
work=$(mktemp -d); pids=()
trap 'for p in "${pids[@]}"; do kill "$p" 2>/dev/null || true; done; rm -rf "$work"' EXIT
export SDK_DIR=${SDK_DIR:-$work/npm}
if ! [ -d "$SDK_DIR/node_modules/ai" ]; then
  mkdir -p "$SDK_DIR"
  (cd "$SDK_DIR" && npm init -y >/dev/null && npm install --no-audit --no-fund --loglevel=error openai@6.49.0 @anthropic-ai/sdk@1.13.0 ollama@0.6.4 \
    ai@6.0.326 @ai-sdk/openai@3.0.141 @ai-sdk/openai-compatible@2.0.92 @ai-sdk/google@3.0.141 >/dev/null)
fi

shim() { # ADDRESS ARGUMENTS...: starts the shim and waits until it is ready
  "$binary" --listen "$@" > "$work/shim.log" 2>&1 & pids+=($!)
  for _ in $(seq 100); do curl -sf -o /dev/null "http://$1/healthz" && return; sleep 0.05; done
  cat "$work/shim.log"; return 1
}
sdks() { # ROOT MODEL echo|real
  "$python" "$here/sdk_openai.py" "$1/v1" "$2" "$3"
  "$python" "$here/sdk_openai_apis.py" "$1/v1" "$2" "$3"
  "$python" "$here/sdk_anthropic.py" "$@"
  "$python" "$here/sdk_ollama.py" "$@"
  node "$here/sdk_openai.mjs" "$1/v1" "$2" "$3"
}

case $upstream in
echo)
  shim 127.0.0.1:18710
  sdks http://127.0.0.1:18710 echo echo
  node "$here/sdk_others.mjs" http://127.0.0.1:18710 echo
  "$python" "$here/embeddings.py" "$binary"
  "$python" "$here/rerank.py" "$binary"
  "$python" "$here/media.py" "$binary"
  ;;
real)
  export UPSTREAMS=${UPSTREAMS:-$HOME/upstreams}
  bash "$shared/upstreams/setup.sh" light
  server=$UPSTREAMS/venvs/small/bin/dasllama-server
  (cd "$work" && exec "$server" -m "$UPSTREAMS/model/smollm2-q8.gguf" -p 18711 --host 127.0.0.1 --gpu off -t 2 --ctx 2048) > "$work/model.log" 2>&1 & pids+=($!)
  for _ in $(seq 240); do curl -sf -o /dev/null http://127.0.0.1:18711/v1/models && break; sleep 0.5; done
  shim 127.0.0.1:18712 --upstream http://127.0.0.1:18711/v1/ --profile dasllama
  sdks http://127.0.0.1:18712 smollm2-q8.gguf real
  ;;
*) echo "unknown upstream: $upstream"; exit 2 ;;
esac
