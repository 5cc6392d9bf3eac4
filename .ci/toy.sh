#!/usr/bin/env bash
# A dialect is one folder and one registry line: a toy is added to a copy so, and every suite that iterates the registry
# must hold for it, must have spoken it, and must leave what other dialects do as it was.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target} CARGO_TERM_COLOR=never RUST_BACKTRACE=0
export OPENAI_SHIM_CORPUS=${OPENAI_SHIM_CORPUS:-$PWD/../shared}
here=$PWD toy=openai-shim-core/tests/toy core=openai-shim-core/src/dialect
copy=$(mktemp -d); trap 'rm -rf "$copy"' EXIT
fail() { echo "toy: $1"; exit 1; }

mkdir "$copy/tree"
tar -c --exclude=./target --exclude=./.git . | tar -x -C "$copy/tree"
cd "$copy/tree"

# All that it takes: the folder, its payloads, and the line.
cp -r "$toy/dialect" "$core/toy"
cp -r "$toy/fixtures" openai-shim-core/tests/fixtures/toy
cat "$toy/losses.toml" >> docs/losses.toml # what it cannot say, with the reason
sed -i -e 's/^pub mod openai_responses;$/&\npub mod toy;/' -e 's/^    &gemini::Gemini,$/&\n    \&toy::Toy,/' "$core/mod.rs"

# Who speaks the toy can be stopped from outside, which shows that a suite does.
python3 - "$core/toy/mod.rs" <<'P'
import re, sys
text = open(sys.argv[1]).read()
stop = 'if std::env::var_os("STOP_TOY").is_some() { panic!("the toy was spoken") }\n'
text, found = re.subn(r"(    fn (?:de|en)code(?:r|_request|_response|_error)\b[^;]*?\{\n)", r"\1" + stop, text)
assert found == 8, found
open(sys.argv[1], "w").write(text)
P

# The suites that iterate the registry, or what was recorded of it; nobody recorded the toy, and the deep inputs of `depth` are
# written for each dialect.
mapfile -t suites < <(cd openai-shim-core/tests && grep -lE '\bDIALECTS\b|\bfixtures\(|\bmutilated\(' -- *.rs fidelity/*.rs | sed 's/\.rs$//; s#/.*##' | grep -vxE 'round_trips|depth' | sort -u)
[ -d "$OPENAI_SHIM_CORPUS/captures" ] || mapfile -t suites < <(printf '%s\n' "${suites[@]}" | grep -v captures)
[ "${#suites[@]}" -ge 7 ] || fail "the suites are no longer found: ${suites[*]}"
tests=(); for suite in "${suites[@]}"; do tests+=(--test "$suite"); done

# Snapshots and generated pages gain the toy's; that the others' stay is looked at below.
export INSTA_UPDATE=always UPDATE_DOCS=1
cargo test --quiet -p openai-shim-core --test floors --test docs "${tests[@]}" > "$copy/core" 2>&1 || { tail -60 "$copy/core"; fail "a suite of core does not hold"; }
cargo test --quiet -p openai-shim-server --test dialects > "$copy/server" 2>&1 || { tail -60 "$copy/server"; fail "the sockets' suite does not hold"; }

unset UPDATE_DOCS; export INSTA_UPDATE=no STOP_TOY=1 PROPTEST_CASES=1 PROPTEST_MAX_SHRINK_ITERS=0
spoken() { # PACKAGE SUITE: fails if the suite holds although nobody can speak the toy
  if cargo test --quiet -p "$1" --test "$2" > "$copy/stopped" 2>&1 || ! grep -q "the toy was spoken" "$copy/stopped"; then
    fail "$2 did not run on the toy"
  fi
}
for suite in "${suites[@]}"; do spoken openai-shim-core "$suite"; done
spoken openai-shim-server dialects

# What differs now from the repository is the toy's own, one line, and pages that list all dialects.
differs=$(diff -rq -x target -x .git -x toy -x '*.toy.snap' "$here" "$copy/tree" | grep -vE ' docs/|/docs/|[.]snap[.]new' || true)
[ "$differs" = "Files $here/$core/mod.rs and $copy/tree/$core/mod.rs differ" ] || { echo "$differs"; fail "more than the toy changed"; }
lines=$(diff "$here/$core/mod.rs" "$copy/tree/$core/mod.rs" | grep '^[<>]' || true)
[ "$lines" = $'> pub mod toy;\n>     &toy::Toy,' ] || { echo "$lines"; fail "the registry needs more than a line"; }
echo "one folder and one line; ${#suites[@]} suites of core and the sockets' suite spoke it: ${suites[*]}"
