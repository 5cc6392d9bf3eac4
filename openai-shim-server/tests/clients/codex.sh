#!/usr/bin/env bash
# Runs Codex against the shim, with a chat-completions upstream and tools. By hand: codex.sh
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

codex scripted --json 'Follow the script: tell me the secret word.' > "$work/output" 2> "$work/err"
result() { # EXPRESSION: evaluates it on the completed `items`, the `last` line and the `answer`
  python3 - "$work/output" "$1" <<'P'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
items = [line["item"] for line in lines if line["type"] == "item.completed" and line["item"]["type"] != "error"]
last, answer = lines[-1], items[-1].get("text", "")
sys.exit(not eval(sys.argv[2]))
P
}
check 'the run succeeds' result 'last["type"] == "turn.completed"'
check 'the answer contains both files' result "'$secret' in answer and 'PLUGH' in answer"
check 'reasoning, text, commands and the answer are in the output' \
  result '[i["type"] for i in items] == ["reasoning", "agent_message", "command_execution", "reasoning", "agent_message", "command_execution", "command_execution", "agent_message"]'
check 'usage is reported' result 'last["usage"]["input_tokens"] == 300 and last["usage"]["output_tokens"] > 30'
check 'the upstream gets three requests' received 'len(requests) == 3'
check 'the first call returns with its text and reasoning' received 'calls[0]["content"] == "Let me look." and calls[0]["reasoning_content"] == "Reasoning of round 1."'
check 'its result is in the request' received "results[0]['tool_call_id'] == 'call_1_1' and '$secret' in results[0]['content']"
check 'two calls return with two results' received 'len(calls[1]["tool_calls"]) == 2 and [r["tool_call_id"] for r in results[1:]] == ["call_2_1", "call_2_2"]'
check 'all exchanges are complete' complete
# This upstream repeats its call ids in every response.
codex repeating --json 'Follow the script: tell me the secret word.' > "$work/output" 2> "$work/err"
check 'repeated ids do not mix up results' result "'$secret' in answer and 'PLUGH' in answer"
check 'no result is missing' received 'len(requests) == 6 and len({r["tool_call_id"] for r in results}) == 3 and "missing" not in str(results)'
if codex refusing 'Say PONG' > "$work/output" 2> "$work/err"; then check 'an upstream error is a failure' false; fi
check 'the error message is shown' contains "$work/err" 'the script refuses this'
echo "codex: $passed passed, 0 failed"
