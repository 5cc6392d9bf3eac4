#!/usr/bin/env bash
# Proves that a dialect is one folder and two lines in the registry: adds a toy dialect to a copy of the tree. Every suite that
# iterates over the registry must pass with it and must run it, and nothing may change for the other dialects.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target} CARGO_TERM_COLOR=never RUST_BACKTRACE=0
export OPENAI_SHIM_CORPUS=${OPENAI_SHIM_CORPUS:-$PWD/../shared}
here=$PWD toy=openai-shim-core/tests/toy dialects=openai-shim-core/src/dialect golden=openai-shim-core/tests/golden
copy=$(mktemp -d); trap 'rm -rf "$copy"' EXIT
fail() { echo "toy: $1"; exit 1; }

mkdir "$copy/tree"
tar -c --exclude=./target --exclude=./.git . | tar -x -C "$copy/tree"
cd "$copy/tree"

# All that a dialect needs: its folder, its fixtures, its losses, and the lines in the registry.
cp -r "$toy/dialect" "$dialects/toy"
cp -r "$toy/fixtures" openai-shim-core/tests/fixtures/toy
cat "$toy/losses.toml" >> docs/losses.toml # the features that the toy cannot express, with reasons
sed -i -e 's/^pub mod openai_responses;$/&\npub mod toy;/' -e 's/^    gemini::DIALECT,$/&\n    toy::DIALECT,/' "$dialects/mod.rs"

# With STOP_TOY set, the toy panics: this shows whether a suite runs it.
python3 - "$dialects/toy/mod.rs" <<'P'
import re, sys
text = open(sys.argv[1]).read()
stop = 'if std::env::var_os("STOP_TOY").is_some() { panic!("the toy ran") }\n'
text, count = re.subn(r"(    fn (?:de|en)code(?:r|_request|_response|_error)\b[^;]*?\{\n)", r"\1" + stop, text)
assert count == 8, count
open(sys.argv[1], "w").write(text)
P

# The suites that use the registry or the fixtures. `round_trips` needs recordings, and the toy has none; `depth`,
# `agent_tools`, `auxiliary_door`, `answer_content`, `custom_tools`, `media`, `parameters`, `reasoning_in_text`, `shim` and `typed_payloads` have their own inputs for
# each dialect.
mapfile -t suites < <(cd openai-shim-core/tests && grep -lE '\bDIALECTS\b|\bfixtures\(|\bmutilated\(' -- *.rs fidelity/*.rs | sed 's/\.rs$//; s#/.*##' | grep -vxE 'round_trips|auxiliary_door|depth|agent_tools|answer_content|custom_tools|media|parameters|reasoning_in_text|shim|typed_payloads' | sort -u)
[ -d "$OPENAI_SHIM_CORPUS/captures" ] || mapfile -t suites < <(printf '%s\n' "${suites[@]}" | grep -v captures)
[ "${#suites[@]}" -ge 7 ] || fail "too few suites found: ${suites[*]}"
tests=(); for suite in "${suites[@]}"; do tests+=(--test "$suite"); done

# Golden files and generated pages gain the toy. The checks below compare the rest of them.
export INSTA_UPDATE=always UPDATE_DOCS=1
cargo test --quiet -p openai-shim-core --test layers --test docs "${tests[@]}" > "$copy/core" 2>&1 || { tail -60 "$copy/core"; fail "a suite of core fails"; }
# `--workspace` has the same features as the step "tests" of .ci/run: no dependency is built again.
cargo test --quiet --workspace --test dialects > "$copy/server" 2>&1 || { tail -60 "$copy/server"; fail "the server's suite fails"; }

unset UPDATE_DOCS; export INSTA_UPDATE=no STOP_TOY=1 PROPTEST_CASES=1 PROPTEST_MAX_SHRINK_ITERS=0
runs_toy() { # SUITE PACKAGES...: fails if the suite passes although the toy panics
  if cargo test --quiet "${@:2}" --test "$1" > "$copy/stopped" 2>&1 || ! grep -q "the toy ran" "$copy/stopped"; then
    fail "$1 did not run the toy"
  fi
}
for suite in "${suites[@]}"; do runs_toy "$suite" -p openai-shim-core; done
runs_toy dialects --workspace

# Each golden file gains one section, `toy`. Without it, the file is the same as before.
python3 - "$here/$golden" "$golden" <<'P' || fail "more than the toy's sections changed in golden files"
import pathlib, re, sys
before, after = ({path.relative_to(root): path.read_text() for path in pathlib.Path(root).rglob("*.snap")} for root in sys.argv[1:])
new = {path for path in after if path.parts[0] == "toy"}
wrong = {path for path in before.keys() | after.keys() - new if path not in before or path not in after}
for path in before.keys() & after.keys():
    sections = re.split(r"(?m)^(?===== )", after[path])
    kept = [section for section in sections if not section.startswith("==== toy ====\n")]
    if len(sections) != len(kept) + 1 or "".join(kept).rstrip() != before[path].rstrip():
        wrong.add(path)
for path in sorted(wrong)[:20]:
    print(path)
sys.exit(bool(wrong) or not new or not before)
P

# Other than that, only the registry's lines and pages that list all dialects differ.
differs=$(diff -rq -x target -x .git -x toy -x golden "$here" "$copy/tree" | grep -vE ' docs/|/docs/' || true)
[ "$differs" = "Files $here/$dialects/mod.rs and $copy/tree/$dialects/mod.rs differ" ] || { echo "$differs"; fail "more than the toy changed"; }
lines=$(diff "$here/$dialects/mod.rs" "$copy/tree/$dialects/mod.rs" | grep '^[<>]' || true)
[ "$lines" = $'> pub mod toy;\n>     toy::DIALECT,' ] || { echo "$lines"; fail "the registry needs more than two lines"; }
echo "one folder and two lines; ${#suites[@]} suites of core and the server's suite ran it: ${suites[*]}"
