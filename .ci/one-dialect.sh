#!/usr/bin/env bash
# Shows that a feature of core changes nothing for the rest: builds a program with each dialect alone, converts that dialect's
# fixtures, and compares with what a build with all dialects writes.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")/one-dialect here=$PWD/openai-shim-core
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
mkdir -p "$work/src" "$target"

# A crate of its own: in the workspace, the suites' features would be on.
cat > "$work/Cargo.toml" <<T
[package]
name = "one-dialect"
version = "0.0.0"
edition = "2024"

[dependencies]
openai-shim-core = { path = "$here", default-features = false }

[features]
openai-chat = ["openai-shim-core/openai-chat"]
openai-completions = ["openai-shim-core/openai-completions"]
openai-responses = ["openai-shim-core/openai-responses"]
anthropic = ["openai-shim-core/anthropic"]
gemini = ["openai-shim-core/gemini"]
ollama = ["openai-shim-core/ollama"]

[workspace]
T
cp Cargo.lock "$work"
cat > "$work/src/main.rs" <<'R'
use openai_shim_core::profile::{ProfileLayer, profiles};
use openai_shim_core::{PayloadKind, convert::ConversionInput, dialect, profile};

/// The arguments are the folder of the fixtures and the dialects' names.
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut conversions = 0;
    for name in &args[1..] {
        let dialect = dialect(name).unwrap();
        // Built-in profiles of the dialect are valid, also those with further dialects.
        for row in profiles().iter().filter(|row| row.dialect == *name) {
            ProfileLayer::inherit(&*row.name).build().unwrap();
        }
        for (folder, kind) in [
            ("requests", PayloadKind::Request),
            ("responses", PayloadKind::Response),
            ("streams", PayloadKind::Stream),
            ("errors", PayloadKind::Error),
        ] {
            let Ok(files) = std::fs::read_dir(format!("{}/{name}/{folder}", args[0])) else { continue };
            let mut files: Vec<_> = files.map(|file| file.unwrap().path()).filter(|path| path.is_file()).collect();
            files.sort();
            for file in files {
                let body = std::fs::read(&file).unwrap();
                // Two with rules for several dialects, and one with hardly any.
                for upstream in ["openai", "ollama", "compatible"] {
                    let conversion = ConversionInput::new(kind, dialect, &body).profile(profile(upstream).unwrap()).convert();
                    println!("== {} {upstream}\n{conversion}", file.display());
                    conversions += 1;
                }
            }
        }
    }
    eprintln!("{}: {conversions} conversions", args[1..].join(", "));
}
R
build() { cargo build --quiet --manifest-path "$work/Cargo.toml" --target-dir "$target" --features "$1" && cp "$target/debug/one-dialect" "$work/$2"; }
names() { case $1 in anthropic) echo anthropic-messages ;; ollama) echo ollama-chat ollama-generate ;; *) echo "$1" ;; esac; }

dialects="openai-chat openai-completions openai-responses anthropic gemini ollama"
build "$dialects" all
for dialect in $dialects; do
  build "$dialect" one
  # shellcheck disable=SC2046 # several names are several arguments
  "$work/all" "$here/tests/fixtures" $(names "$dialect") > "$work/expected" 2> /dev/null
  "$work/one" "$here/tests/fixtures" $(names "$dialect") > "$work/written"
  cmp "$work/expected" "$work/written" || { diff "$work/expected" "$work/written" | head -20; echo "$dialect: alone it writes something else"; exit 1; }
done
