#!/usr/bin/env bash
# .ci/static.sh: builds the program for Linux without any shared library, and prints its path. It runs on every distribution,
# and alone in an image. Needs the target's standard library (rustup's) and musl's compiler (Debian's musl-tools); installs
# both. Exits with 77 where they cannot be had.
set -euo pipefail
cd "$(dirname "$0")/.."
triple=$(uname -m)-unknown-linux-musl target=${CARGO_TARGET_DIR:-target}
[ -d "$(rustc --print target-libdir --target "$triple")" ] || rustup target add "$triple" >&2 ||
  { echo "no standard library for $triple: skipped" >&2; exit 77; }
if ! command -v musl-gcc >/dev/null; then
  { apt-get update -q && apt-get install -y -q --no-install-recommends musl-tools; } >/dev/null 2>&1 ||
    { echo "no musl-gcc, and Debian's musl-tools cannot be installed: skipped" >&2; exit 77; }
fi
cargo build --release --locked --quiet --package openai-shim-server --target "$triple" >&2
binary=$target/$triple/release/openai-shim
if readelf --program-headers "$binary" | grep -q INTERP; then echo "$binary needs a loader: it is not static" >&2; exit 1; fi
realpath "$binary"
