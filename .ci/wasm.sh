#!/usr/bin/env bash
# Builds core for wasm32-unknown-unknown and prints the path of the module. Exits with 77 if there is no standard library for it.
set -euo pipefail
cd "$(dirname "$0")/.."
.ci/for-target.sh wasm32-unknown-unknown build --quiet --release --package openai-shim-core --example wasm --target-dir target/wasm
echo "target/wasm/wasm32-unknown-unknown/release/examples/wasm.wasm"
