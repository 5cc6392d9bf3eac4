#!/usr/bin/env bash
# Compares core with the most similar crate. Prints one table. See README.md.
set -euo pipefail
cd "$(dirname "$0")"
wanted=1.96.1
newest= toolchain=
for name in $(rustup toolchain list 2>/dev/null | awk '{print $1}'); do
  version=$(rustc "+$name" --version | awk '{print $2}')
  if [ "$(printf '%s\n' "$wanted" "${version%-*}" "${newest%-*}" | sort -V | tail -1)" = "${version%-*}" ]; then newest=$version toolchain=$name; fi
done
[ -n "$toolchain" ] || { echo "skipped: switchyard-translation requires rustc $wanted or newer, which is not installed (rustup toolchain install 1.97)"; exit 0; }
command -v valgrind > /dev/null || { echo "skipped: no valgrind"; exit 0; }
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$(cd ../../.. && pwd)/target/peers}
cargo "+$toolchain" build --release --quiet
echo "rustc $newest; $(cargo "+$toolchain" tree --quiet --depth 1 --prefix none | grep -o '^switchyard-translation v[0-9.]*')"
"$CARGO_TARGET_DIR/release/openai-shim-peers"
