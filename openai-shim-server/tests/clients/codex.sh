#!/usr/bin/env bash
# Codex through the shim in front of a chat-completions upstream, with tools. By hand: codex.sh
set -euo pipefail
. "$(dirname "$0")/agents.sh"
agent @openai/codex@0.169.0
start 'exec_command={"cmd":"cat notes.txt"}' 'exec_command={"cmd":"cat more.txt"} && exec_command={"cmd":"false"}'
cat > "$work/home/config.toml" <<T
model_provider = "shim"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false
analytics = { enabled = false }
feedback = { enabled = false }
[model_providers.shim]
name = "openai-shim"
base_url = "http://127.0.0.1:18721/v1"
wire_api = "responses"
env_key = "SHIM_KEY"
request_max_retries = 0
stream_max_retries = 0
T
codex() { # MODEL ARGUMENTS...
  local model=$1; shift
  env -i PATH="$PATH" HOME="$work/home" CODEX_HOME="$work/home" TERM=dumb SHIM_KEY=dummy NO_PROXY=127.0.0.1 \
    timeout 120 "$agents/node_modules/.bin/codex" exec --model "$model" --skip-git-repo-check --color never "$@" < /dev/null
}

codex scripted --json 'Follow the script: tell me the secret word.' > "$work/said" 2> "$work/err"
result() { # EXPRESSION of the finished `items`, the `last` line, and the `answer`
  python3 - "$work/said" "$1" <<'P'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
items = [line["item"] for line in lines if line["type"] == "item.completed" and line["item"]["type"] != "error"]
last, answer = lines[-1], items[-1].get("text", "")
sys.exit(not eval(sys.argv[2]))
P
}
check 'it ends well' result 'last["type"] == "turn.completed"'
check 'the answer has the words of both files' result "'$secret' in answer and 'PLUGH' in answer"
check 'thoughts, words, commands and an answer are seen' \
  result '[i["type"] for i in items] == ["reasoning", "agent_message", "command_execution", "reasoning", "agent_message", "command_execution", "command_execution", "agent_message"]'
check 'usage arrives' result 'last["usage"]["input_tokens"] == 300 and last["usage"]["output_tokens"] > 30'
check 'the upstream was asked three times, and no more' asked 'len(requests) == 3'
check 'a call came back with its words and its thought' asked 'calls[0]["content"] == "Let me look." and calls[0]["reasoning_content"] == "A thought of round 1."'
check 'and with its result' asked "results[0]['tool_call_id'] == 'call_1_1' and '$secret' in results[0]['content']"
check 'two calls came back with two results' asked 'len(calls[1]["tool_calls"]) == 2 and [r["tool_call_id"] for r in results[1:]] == ["call_2_1", "call_2_2"]'
check 'every exchange is complete' complete
# An upstream whose calls have the same ids in every answer.
codex repeating --json 'Follow the script: tell me the secret word.' > "$work/said" 2> "$work/err"
check 'ids that come again mix up nothing' result "'$secret' in answer and 'PLUGH' in answer"
check 'no result is missing' asked 'len(requests) == 6 and len({r["tool_call_id"] for r in results}) == 3 and "missing" not in str(results)'
if codex refusing 'Say PONG' > "$work/said" 2> "$work/err"; then check 'a refusal is a failure' false; fi
check 'a refusal is read' says "$work/err" 'the script refuses this'
echo "codex: $passed passed, 0 failed"
