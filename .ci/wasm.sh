#!/usr/bin/env bash
# Builds core for wasm32-unknown-unknown and prints the path of the module. If rustup does not have the target, builds the
# standard library from Debian's source, with Debian's compiler of the same version. Exits with 77 if it can do neither.
set -euo pipefail
cd "$(dirname "$0")/.."
target=wasm32-unknown-unknown
args=(build --quiet --release --package openai-shim-core --example wasm --target "$target")
if rustc --print target-libdir --target "$target" >/dev/null 2>&1 && [ -d "$(rustc --print target-libdir --target "$target")" ]; then
  cargo "${args[@]}" --target-dir target/wasm
else
  # rustc, cargo, the source of the standard library and a linker must be of one Debian release.
  if ! [ -d /usr/src/rustc-*/library ] || ! [ -x /usr/bin/cargo ] || ! command -v wasm-ld >/dev/null; then
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || { echo "no wasm32 target, and no Debian packages to build it: skipped" >&2; exit 77; }
    { apt-get update -q && apt-get install -y -q --no-install-recommends rustc-web cargo-web rust-web-src lld; } >/dev/null 2>&1 ||
      { echo "no wasm32 target, and Debian's rust-web packages cannot be installed: skipped" >&2; exit 77; }
  fi
  source=$(echo /usr/src/rustc-*)
  sysroot=$(/usr/bin/rustc --print sysroot)
  [ -e "$sysroot/lib/rustlib/src/rust/library" ] || { mkdir -p "$sysroot/lib/rustlib/src"; ln -sfn "$source" "$sysroot/lib/rustlib/src/rust"; }
  PATH=/usr/bin:$PATH RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld \
    /usr/bin/cargo "${args[@]}" -Zbuild-std=std,panic_abort --target-dir target/wasm
fi
echo "target/wasm/$target/release/examples/wasm.wasm"
