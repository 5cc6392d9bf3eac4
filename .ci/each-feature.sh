#!/usr/bin/env bash
# Checks core with each of its dialects alone, and with each other feature beside one dialect. `.ci/release` checks pairs, too.
set -euo pipefail
cd "$(dirname "$0")/.."
dialects=$(.ci/features.sh dialects) others=$(.ci/features.sh others)
check() { cargo check --quiet --locked --package openai-shim-core --no-default-features --features "$1"; }
for feature in $dialects; do check "$feature"; done
for feature in $others; do check "${dialects%% *} $feature"; done
echo "each alone: ${dialects:-no dialects}; beside one: ${others:-nothing}"
