#!/usr/bin/env bash
# .ci/deb.sh: builds the Debian package around a static binary, looks into it, and runs the program in it. Needs cargo-deb
# (installed below target/tools). Exits with 77 where the static binary cannot be built.
set -euo pipefail
cd "$(dirname "$0")/.."
binary=$(.ci/static.sh)
target=$(realpath -m "${CARGO_TARGET_DIR:-target}") files=target/package-files
[ -x "$target/tools/bin/cargo-deb" ] || cargo install --quiet --locked cargo-deb --version 3.8.0 --no-default-features --root "$target/tools"
mkdir -p "$files"
"$binary" man | gzip -9n > "$files/openai-shim.1.gz"
"$binary" completions bash > "$files/openai-shim.bash"
"$binary" completions zsh > "$files/_openai-shim"
"$binary" completions fish > "$files/openai-shim.fish"
deb=$("$target/tools/bin/cargo-deb" --quiet --no-build --no-strip --locked --package openai-shim-server --target "$(uname -m)-unknown-linux-musl")
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
dpkg-deb --extract "$deb" "$work/unpacked"
dpkg-deb --control "$deb" "$work/control"
for file in usr/bin/openai-shim usr/lib/systemd/system/openai-shim.service etc/openai-shim/config.toml usr/share/man/man1/openai-shim.1.gz usr/share/doc/openai-shim/copyright; do
  [ -e "$work/unpacked/$file" ] || { echo "$deb has no $file"; dpkg-deb --contents "$deb"; exit 1; }
done
grep -qx /etc/openai-shim/config.toml "$work/control/conffiles" # an upgrade keeps what was edited
! grep '^Depends: .' "$work/control/control" || { echo "the package depends on others"; exit 1; }
"$work/unpacked/usr/bin/openai-shim" --version
CREDENTIALS_DIRECTORY=$work "$work/unpacked/usr/bin/openai-shim" check --config <(sed 's/credential:upstream-key/a-key/' "$work/unpacked/etc/openai-shim/config.toml") > /dev/null
echo "$deb: $(stat -c %s "$deb") bytes"
