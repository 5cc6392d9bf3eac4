//! The generated documentation is what the code says. `UPDATE_DOCS=1` writes it anew.
#![allow(clippy::disallowed_methods)] // the ban is on core itself: tests read files

use openai_shim_core::canonical::Code;
use std::fmt::Write as _;
use std::path::PathBuf;

fn docs(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)
}

fn is_current(name: &str, text: &str) {
    let path = docs(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == text,
        "docs/{name} is not what the code says: run UPDATE_DOCS=1 cargo test -p openai-shim-core --test docs"
    );
}

#[test]
fn every_diagnostic_code_is_documented() {
    let mut text = String::from(
        "# Diagnostics\n\n\
         Generated from the table in `openai-shim-core/src/canonical/diagnostic.rs`.\n\n\
         Everything that is changed, dropped, filled in or found wrong is reported under one of these codes: in the response\n\
         header `x-openai-shim-diagnostics` (as far as it is known when the head goes out), in the log line, in the metric\n\
         `openai_shim_diagnostics_total{code=…}`, by `openai-shim convert`, and in the `Report` of the library. A diagnostic\n\
         has a path into the payload and says how often it occurred; it never holds message content. Codes are stable.\n\n\
         *info*: the form was mended, nothing of the meaning changed. *warning*: something was filled in, dropped or\n\
         downgraded. *error*: something of the answer is missing or wrong.\n\n\
         | code | severity | meaning |\n|---|---|---|\n",
    );
    for code in Code::ALL {
        writeln!(text, "| `{code}` | {} | {} |", code.severity().as_str(), code.meaning()).unwrap();
    }
    is_current("diagnostics.md", &text);
}

#[test]
fn codes_are_kebab_case_and_unique() {
    let mut names: Vec<_> = Code::ALL.iter().map(|c| c.as_str()).collect();
    assert!(names.iter().all(|n| n.chars().all(|c| c.is_ascii_lowercase() || c == '-')));
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}
