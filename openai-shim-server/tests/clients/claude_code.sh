#!/usr/bin/env bash
# Claude Code through the shim in front of a chat-completions upstream, with tools. By hand: claude_code.sh
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

claude scripted -p 'Follow the script: tell me the secret word.' --allowedTools Read Bash --output-format stream-json --verbose > "$work/said" 2> "$work/err"
result() { # EXPRESSION of the last line, `result`, and of the assistant's `blocks`
  python3 - "$work/said" "$1" <<'P'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1]) if line.startswith("{")]
result = lines[-1]
blocks = [b for l in lines if l["type"] == "assistant" for b in l["message"]["content"]]
sys.exit(not eval(sys.argv[2]))
P
}
check 'it ends well' result 'result["subtype"] == "success" and not result["is_error"] and result["num_turns"] >= 3'
check 'the answer has the words of both files' result "'$secret' in result['result'] and 'PLUGH' in result['result']"
check 'a thought, words, calls and an answer are seen' \
  result '[b["type"] for b in blocks] == ["thinking", "text", "tool_use", "thinking", "text", "tool_use", "tool_use", "text"]'
check 'usage arrives' result 'result["usage"]["input_tokens"] == 300 and result["usage"]["output_tokens"] > 30'
check 'the upstream was asked three times, and no more' asked 'len(requests) == 3'
check 'a call came back with its words and its thought' asked 'calls[0]["content"] == "Let me look." and calls[0]["reasoning_content"] == "A thought of round 1."'
check 'and with its result' asked "results[0]['tool_call_id'] == 'call_1_1' and '$secret' in str(results[0]['content'])"
check 'two calls came back with two results' asked 'len(calls[1]["tool_calls"]) == 2 and {r["tool_call_id"] for r in results[1:]} == {"call_2_1", "call_2_2"}'
check 'results are texts' asked 'all(isinstance(r["content"], str) for r in results)'
check 'every exchange is complete' complete

# An upstream whose calls have the same ids in every answer.
claude repeating -p 'Follow the script: tell me the secret word.' --allowedTools Read Bash --output-format stream-json --verbose > "$work/said" 2> "$work/err"
check 'ids that come again mix up nothing' result "'$secret' in result['result'] and 'PLUGH' in result['result']"
check 'no result is missing' asked 'len(requests) == 6 and len({r["tool_call_id"] for r in results}) == 3 and "missing" not in str(results)'
if claude refusing -p 'Say PONG' > "$work/said" 2> "$work/err"; then check 'a refusal is a failure' false; fi
check 'a refusal is read' says "$work/said" 'the script refuses this'
echo "claude code: $passed passed, 0 failed"
