#!/usr/bin/env bash
# .ci/for-target.sh TARGET CARGO-ARGUMENTS…: runs cargo for a target. Its standard library is rustup's; or is built from the
# toolchain's own source; or from Debian's, with Debian's compiler. Exits with 77 if there is none.
set -euo pipefail
target=$1; shift
if [ -d "$(rustc --print target-libdir --target "$target" 2>/dev/null)" ]; then exec cargo "$@" --target "$target"; fi
export RUSTC_BOOTSTRAP=1
if [ -d "$(rustc --print sysroot)/lib/rustlib/src/rust/library" ]; then exec cargo "$@" -Zbuild-std=std,panic_abort --target "$target"; fi

# rustc, cargo and the source of the standard library must be of one Debian release. WebAssembly needs the linker.
if ! [ -d /usr/src/rustc-*/library ] || ! [ -x /usr/bin/cargo ] || ! command -v wasm-ld >/dev/null; then
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || { echo "no standard library for $target, and no Debian packages to build it: skipped" >&2; exit 77; }
  { apt-get update -q && apt-get install -y -q --no-install-recommends rustc-web cargo-web rust-web-src lld; } >/dev/null 2>&1 ||
    { echo "no standard library for $target, and Debian's rust-web packages cannot be installed: skipped" >&2; exit 77; }
fi
source=$(echo /usr/src/rustc-*)
sysroot=$(/usr/bin/rustc --print sysroot)
[ -e "$sysroot/lib/rustlib/src/rust/library" ] || { mkdir -p "$sysroot/lib/rustlib/src"; ln -sfn "$source" "$sysroot/lib/rustlib/src/rust"; }
export PATH=/usr/bin:$PATH RUSTC=/usr/bin/rustc CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld
exec /usr/bin/cargo "$@" -Zbuild-std=std,panic_abort --target "$target"
