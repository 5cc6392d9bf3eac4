#!/usr/bin/env bash
# Judges what `cargo publish` would upload, compiles core's examples as a crate that depends on the package, and runs core's
# doctests and unit tests from its packaged sources, outside of the workspace. With --suites it also runs the suites there,
# those that need no recordings.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
# The same folder each time: the tests contain the path that they were built in.
work=$target/unpacked packed=$target/packed; rm -rf "$work" "$packed"; mkdir -p "$work" "$packed"

cargo package --workspace --exclude openai-shim-fuzz --allow-dirty --no-verify --quiet --target-dir "$packed" 2> "$packed/warnings" || { cat "$packed/warnings"; exit 1; }
for crate in core server; do
  name=openai-shim-$crate
  file=$(echo "$packed"/package/"$name"-*.crate) folder=$work/$name
  # -m: with the times of the archive, cargo would take changed files for unchanged ones.
  mkdir "$folder"; tar xzmf "$file" -C "$folder" --strip-components=1
  (cd "$folder" && find . -type f | sort) > "$packed/$crate.files"
  for needed in README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE src/lib.rs; do
    grep -qx "./$needed" "$packed/$crate.files" || { echo "$name: the package has no $needed"; exit 1; }
  done
  # Nothing but sources, examples and papers.
  if grep -vE '^\./(src/.*\.(rs|lua)|examples/([a-z]+/)?[a-z_-]+\.(rs|cassette|snap|html|css|js)|guide/[a-z-]+\.md|README\.md|CHANGELOG\.md|LICENSE-(MIT|APACHE)|Cargo\.(toml|lock|toml\.orig)|\.cargo_vcs_info\.json)$' "$packed/$crate.files"; then
    echo "$name: the package has files that no user of it needs"; exit 1
  fi
  size=$(stat -c %s "$file")
  echo "$name: $(wc -l < "$packed/$crate.files") files, $size bytes"
  # Core's is sources: the unit tests inside them are 4 % of it, comments 24 %.
  [ "$size" -lt 1000000 ] || { echo "$name: the package is larger than 1 MB"; exit 1; }
done
python3 .ci/papers.py "$work"/*/

# A crate of a stranger: core's public features, and the dependencies that the examples name.
python3 .ci/outside.py "$work/openai-shim-core" "$work/outside" "$(.ci/features.sh public)"
cp Cargo.lock "$work/outside"
(cd "$work/outside" && cargo check --quiet --examples --target-dir "$target")

# The suites and fixtures stand beside the packaged sources as they stand beside those of the repository.
core=$work/openai-shim-core
cp -r openai-shim-core/tests openai-shim-core/benches "$core"
printf "\n[workspace]\n" >> "$core/Cargo.toml" # apart from the workspace that it lies in
run() { (cd "$core" && INSTA_UPDATE=no cargo test --quiet --locked --all-features --target-dir "$target" "$@"); }
run --lib
run --doc
if [ "${1:-}" = --suites ]; then
  for suite in "$core"/tests/*.rs; do printf '\n[[test]]\nname = "%s"\npath = "tests/%s.rs"\n' "$(basename "$suite" .rs)" "$(basename "$suite" .rs)"; done >> "$core/Cargo.toml"
  cp -r docs README.md "$work"
  OPENAI_SHIM_CORPUS=$work/none CI='' run --no-fail-fast --tests
fi
