#!/usr/bin/env bash
# .ci/features.sh dialects|others|public: the features of core, from its manifest, separated by spaces. A feature adds to the
# library and changes nothing; each must compile beside any dialect.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo metadata --format-version 1 --no-deps | python3 -c '
import json, sys
kind = sys.argv[1]
features = next(p for p in json.load(sys.stdin)["packages"] if p["name"] == "openai-shim-core")["features"]
# The default ones are the dialects, and the typed models of those that are on.
dialects = [f for f in features.get("default", []) if f != "wire"]
names = {
    "dialects": dialects,
    "others": [f for f in features if f not in ("default", *dialects)],
    "public": [f for f in features if f not in ("default", "internals")],
}
print(*sorted(names[kind]))' "$1"
