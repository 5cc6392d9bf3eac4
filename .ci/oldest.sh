#!/usr/bin/env bash
# .ci/oldest.sh PACKAGE…: checks packages with the oldest compiler that `rust-version` promises. Without one it checks core, with
# Debian's 1.85 and the few features that became stable since: stricter than the promise. Exits with 77 if there is neither.
#
# Clippy (incompatible_msrv) knows the age of functions, not that of syntax, and it does not look into dependencies.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")/oldest
oldest=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
args=(check --quiet --locked --all-features --target-dir "$target")

if rustup toolchain list 2>/dev/null | grep -q "^$oldest[.-]"; then
  echo "with rustc $oldest"
  exec cargo "+$oldest" "${args[@]}" "${@/#/--package=}"
fi

# Stable in Rust 1.86 to 1.88. What became stable later must not be added here.
features=float_next_up_down,integer_sign_cast,let_chains,slice_as_chunks,unbounded_shifts,unsigned_is_multiple_of
debian=1.85
compiler=$target/rustc
if ! "$compiler" --version >/dev/null 2>&1; then
  none() { echo "no rustc $oldest, and no $debian from Debian: skipped" >&2; exit 77; }
  command -v apt-get >/dev/null && command -v dpkg >/dev/null || none
  [ "$(id -u)" != 0 ] || apt-get update -q >/dev/null 2>&1 || true
  mkdir -p "$target/debian"
  # Unpacked, not installed: a newer rustc of Debian's may be installed. One suite calls it rustc, another rustc-web.
  for name in rustc-web rustc; do
    version=$(apt-cache madison "$name" 2>/dev/null | awk -v v="$debian" 'index($3, v ".") == 1 { print $3; exit }')
    [ -z "$version" ] || break
  done
  [ -n "$version" ] || none
  std=libstd-${name/rustc/rust}
  llvm=$(apt-cache show "$std-$debian" 2>/dev/null | grep -o 'libllvm[0-9]*' | head -1)
  (cd "$target/debian" && apt-get download "$name=$version" "$std-$debian=$version" "$std-dev=$version" "$llvm") >/dev/null 2>&1 || none
  for package in "$target"/debian/*.deb; do dpkg -x "$package" "$target/debian"; rm "$package"; done
  printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s "$@"\n' "$(dirname "$(find "$target/debian" -name 'librustc_driver-*.so')")" "$target/debian/usr/bin/rustc" > "$compiler"
  chmod +x "$compiler"
  "$compiler" --version >/dev/null || none
fi
for package in "$@"; do
  [ "$package" = openai-shim-core ] || echo "skipped: $package, whose dependencies need a newer compiler than $debian"
done
echo "openai-shim-core with $("$compiler" --version) and $features"
# Only the manifests name a newer version.
RUSTC=$compiler RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zcrate-attr=feature($features)" exec cargo "${args[@]}" --package openai-shim-core --ignore-rust-version
