//! A dialect spells a request and does not judge it: the code of its folder that writes requests records no diagnostic of a rule of
//! `normalize`, and asks for no model's name.
#![allow(clippy::disallowed_methods)] // tests read files

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The diagnostics that rules of `normalize` record. A dialect that records one of them changes what a request says.
const CODES_OF_RULES: &[&str] = &[
    "ParamClamped",
    "ParamDefaulted",
    "ParamRenamed",
    "MessagesMerged",
    "MessageDropped",
    "BridgeAdded",
    "PrefillRewritten",
    "FieldFilled",
    "SchemaReduced",
    "RoleDemoted",
    "ContentRewritten",
    "ToolChoiceDowngraded",
    "FormatDowngraded",
    "ToolIdRemapped",
    "ReasoningDropped",
    "StopApplied",
    "SignatureSkipped",
];

/// Why a dialect records such a diagnostic nonetheless: its form has one place where others have several, or none.
const SPELLING: &[(&str, &str, &str)] = &[
    ("anthropic/request/params", "ParamRenamed", "the output format has a name of its own here"),
    ("ollama/request/generate", "MessagesMerged", "the conversation is one prompt"),
    ("openai_completions/request", "ContentRewritten", "the conversation is one prompt"),
    (
        "anthropic/request/messages",
        "MessagesMerged",
        "a turn is one message: results stand beside the user's text",
    ),
    ("anthropic/request", "ContentRewritten", "reads a system message in front as the system prompt"),
    ("rerank/request", "ContentRewritten", "a document is one text"),
    ("gemini/contents", "MessagesMerged", "there is one systemInstruction"),
    ("gemini/contents", "FieldFilled", "a functionResponse is found by its name"),
    ("gemini/parts", "FieldFilled", "fileData is not written without a type"),
    ("ollama/request/message", "RoleDemoted", "the form has no role developer"),
    ("ollama/request/message", "ContentRewritten", "content is one string"),
    ("openai_completions/request", "ParamRenamed", "the limit has one name"),
    ("ollama/request/images", "ContentRewritten", "a picture is written as base64 without a type"),
];

fn rust_files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            out.push(path);
        }
    }
}

/// The files that write requests, by their path in `src/dialect`, with their code: no tests, no comments.
fn request_files() -> BTreeMap<String, String> {
    const OF_REQUESTS: [&str; 7] =
        ["contents", "parts", "tools", "generation_config", "content_block", "params", "tool_params"];
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dialect");
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    let read = |path: PathBuf| {
        let name =
            path.strip_prefix(&source).unwrap().with_extension("").to_string_lossy().replace('\\', "/");
        let stem = name.rsplit('/').next().unwrap_or_default();
        // A path is read for the model that it names.
        let is_written = !stem.starts_with("decode")
            && stem != "request_path"
            && (name.contains("/request") || OF_REQUESTS.contains(&stem));
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let code = code
            .lines()
            .map(|line| line.split("//").next().unwrap_or_default())
            .collect::<Vec<_>>()
            .join("\n");
        is_written.then_some((name, code))
    };
    let found: BTreeMap<String, String> = files.into_iter().filter_map(read).collect();
    assert!(found.len() > 20, "the files that write requests are not found: {:?}", found.keys());
    found
}

#[test]
fn dialect_records_no_diagnostic_of_a_rule() {
    let (mut problems, mut used) = (Vec::new(), Vec::new());
    for (file, code) in request_files() {
        for name in CODES_OF_RULES {
            let count = code.matches(&format!("DiagnosticCode::{name}")).count();
            if count == 0 {
                continue;
            }
            let known = SPELLING.iter().map(|(known, of, _)| (*known, *of));
            match known.into_iter().find(|(known, of)| *known == file && of == name) {
                Some(entry) => used.push(entry),
                None => problems.push(format!("{file} records {name}, {count} times")),
            }
        }
    }
    let listed = SPELLING.iter().map(|(file, name, _)| (*file, *name));
    let unused = listed.filter(|entry| !used.contains(entry));
    problems.extend(unused.map(|(file, name)| format!("{file} no longer records {name}")));
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn dialect_asks_for_no_model_s_name() {
    let mut problems = Vec::new();
    for (file, code) in request_files() {
        let bare: String = code.split_whitespace().collect();
        for (at, _) in bare.match_indices("model") {
            let rest = &bare[at + 5..];
            let rest = rest.strip_prefix(".as_str()").unwrap_or(rest);
            let asks = [
                ".contains(",
                ".starts_with(",
                ".ends_with(",
                ".find(",
                ".split",
                ".strip_prefix(",
                ".to_ascii_lowercase(",
            ];
            if asks.iter().any(|call| rest.starts_with(call)) {
                problems.push(format!("{file}: model{}", rest.chars().take(40).collect::<String>()));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
