#!/usr/bin/env bash
# Sends all recordings of chat completions through `convert --batch`, twice. Each line must get one line of output, and both
# runs must print the same.
#
#   convert.sh BINARY SHARED
set -euo pipefail
binary=$1 shared=$2
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT

# One input file for each kind of payload.
python3 - "$shared/corpus/openai-chat.jsonl" "$work" <<'P'
import json, sys
files = {kind: open(f"{sys.argv[2]}/{kind}", "w") for kind in ("response", "stream", "error")}
for n, line in enumerate(open(sys.argv[1])):
    r = json.loads(line)
    status, request = r["response"]["status"], r["request"].get("body")
    kind = "error" if status >= 400 else "stream" if r["streaming"] else "response"
    item = {"id": n, "status": status, "body": r["response"]["body"]}
    if request:
        item["request"] = request
    print(json.dumps(item), file=files[kind])
P

for kind in response stream error; do
  lines=$(wc -l < "$work/$kind")
  for pass in 1 2; do
    start=$(date +%s%N)
    "$binary" convert --batch --from openai-chat --to openai-chat --kind "$kind" < "$work/$kind" > "$work/$kind.$pass"
    rate=$(( lines * 1000000000 / ($(date +%s%N) - start) ))
    [ "$(wc -l < "$work/$kind.$pass")" = "$lines" ] || { echo "$kind: the output does not have $lines lines"; exit 1; }
  done
  cmp "$work/$kind.1" "$work/$kind.2"
  echo "$kind: $lines lines converted, twice with the same output, $rate lines a second"
done
