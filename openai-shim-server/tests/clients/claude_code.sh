#!/usr/bin/env bash
# Runs Claude Code against the shim, with a chat-completions upstream and tools. By hand: claude_code.sh
set -euo pipefail
. "$(dirname "$0")/agents.sh"
agent @anthropic-ai/claude-code@2.1.331
file=$work/project/notes.txt; other=$work/project/more.txt
start "Read={\"file_path\":\"$file\"}" "Bash={\"command\":\"cat more.txt\",\"description\":\"another file\"} && Read={\"file_path\":\"$other\"}"
claude() { # MODEL ARGUMENTS...
  local model=$1; shift
  env -i PATH="$PATH" HOME="$work/home" TERM=dumb ANTHROPIC_BASE_URL=http://127.0.0.1:18721 ANTHROPIC_API_KEY=dummy ANTHROPIC_MODEL="$model" \
    ANTHROPIC_SMALL_FAST_MODEL="$model" CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 DISABLE_TELEMETRY=1 DISABLE_ERROR_REPORTING=1 \
    DISABLE_AUTOUPDATER=1 DO_NOT_TRACK=1 CLAUDE_CODE_MAX_RETRIES=0 NO_PROXY=127.0.0.1 \
    timeout 120 "$agents/node_modules/.bin/claude" "$@" < /dev/null
}

claude scripted -p 'Follow the script: tell me the secret word.' --allowedTools Read Bash --output-format stream-json --verbose > "$work/output" 2> "$work/err"
result() { # EXPRESSION: evaluates it on the last line, `result`, and on the assistant's `blocks`
  python3 - "$work/output" "$1" <<'P'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1]) if line.startswith("{")]
result = lines[-1]
blocks = [b for l in lines if l["type"] == "assistant" for b in l["message"]["content"]]
sys.exit(not eval(sys.argv[2]))
P
}
check 'the run succeeds' result 'result["subtype"] == "success" and not result["is_error"] and result["num_turns"] >= 3'
check 'the answer contains both files' result "'$secret' in result['result'] and 'PLUGH' in result['result']"
check 'reasoning, text, tool calls and the answer are in the output' \
  result '[b["type"] for b in blocks] == ["thinking", "text", "tool_use", "thinking", "text", "tool_use", "tool_use", "text"]'
check 'usage is reported' result 'result["usage"]["input_tokens"] == 300 and result["usage"]["output_tokens"] > 30'
check 'the upstream gets three requests' received 'len(requests) == 3'
check 'the first call returns with its text and reasoning' received 'calls[0]["content"] == "Let me look." and calls[0]["reasoning_content"] == "Reasoning of round 1."'
check 'its result is in the request' received "results[0]['tool_call_id'] == 'call_1_1' and '$secret' in str(results[0]['content'])"
check 'two calls return with two results' received 'len(calls[1]["tool_calls"]) == 2 and {r["tool_call_id"] for r in results[1:]} == {"call_2_1", "call_2_2"}'
check 'results are strings' received 'all(isinstance(r["content"], str) for r in results)'
check 'all exchanges are complete' complete

# This upstream repeats its call ids in every response.
claude repeating -p 'Follow the script: tell me the secret word.' --allowedTools Read Bash --output-format stream-json --verbose > "$work/output" 2> "$work/err"
check 'repeated ids do not mix up results' result "'$secret' in result['result'] and 'PLUGH' in result['result']"
check 'no result is missing' received 'len(requests) == 6 and len({r["tool_call_id"] for r in results}) == 3 and "missing" not in str(results)'
if claude refusing -p 'Say PONG' > "$work/output" 2> "$work/err"; then check 'an upstream error is a failure' false; fi
check 'the error message is shown' contains "$work/output" 'the script refuses this'
echo "claude code: $passed passed, 0 failed"
