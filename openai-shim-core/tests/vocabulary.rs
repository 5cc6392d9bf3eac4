//! The words of this project: one concept has one word, and a retired word does not come back.
//!
//! Retired are words that only this project used for things that have a common name, and archaic ones. The common names are in
//! *Words* in `docs/contributing.md`.
#![allow(clippy::disallowed_methods)] // tests read files

mod rust_source;

use rust_source::closing_quote;
use std::path::{Path, PathBuf};

/// Words that stand nowhere: not in code, comments, messages, documents, or names of files. Each with what to write instead.
const RETIRED: &[(&str, &str)] = &[
    ("mend", "repair"),
    ("mends", "repairs"),
    ("mended", "repaired"),
    ("mending", "repair"),
    ("mendings", "repairs"),
    ("mender", "repairer"),
    ("hear", "extract, push"),
    ("heard", "extracted"),
    ("hears", "extracts"),
    ("overheard", "logged"),
    ("voiced", "extracted"),
    ("apology", "fallback response"),
    ("whoever", "name who it is"),
    ("nobody", "name what does not"),
    ("somebody", "name who"),
    ("anew", "again"),
    ("wherefrom", "source"),
];

/// Words that are no names in code, since they do not tell what they name: `kept` what? They are fine in sentences.
const NO_NAMES: &[(&str, &str)] = &[
    ("able", "capabilities"),
    ("apart", "inline_reasoning"),
    ("asked", "spec, request"),
    ("aside", "metadata"),
    ("beside", "what it is"),
    ("besides", "what it is"),
    ("came", "input"),
    ("floors", "layers"),
    ("fresh", "new_…"),
    ("gave", "what it is"),
    ("heed", "adapt"),
    ("in_vain", "misses"),
    ("kept", "carry_over, stored_…"),
    ("leftovers", "extra_fields"),
    ("lesson", "adaptation"),
    ("lessons", "adaptations"),
    ("maker", "issuer"),
    ("makers", "issuers"),
    ("notes", "diagnostics"),
    ("overheard", "logged"),
    ("piece", "segment, chunk, delta"),
    ("pieces", "segments, chunks, deltas"),
    ("said", "content, message"),
    ("seen", "summary"),
    ("told", "reported"),
    ("voice", "extractor"),
    ("went", "output"),
    ("wish", "what is requested"),
    ("wishes", "what is requested"),
    ("words", "text"),
    ("FEW", "MAX_…"),
    ("LONGEST", "MAX_…"),
    ("MOST", "MAX_…"),
];

/// Where a retired word is a name that others depend on: a field of the log, or of a payload.
const FOREIGN: &[(&str, &str)] = &[
    ("openai-shim-server/src/state/adaptations.rs", "kept"),
    ("openai-shim-core/src/dialect/openai_chat/wire/choices.rs", "voice"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The project's own texts: sources, documents and configuration. Payloads of fixtures are other people's.
fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    const SKIPPED: &[&str] = &["target", "fixtures", "golden", "found", "corpus", "node_modules"];
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let is_hidden = name.starts_with('.') && name != ".ci";
        if path.is_dir() && !is_hidden && !SKIPPED.contains(&name.as_str()) {
            files(&path, out);
        } else if ["rs", "md", "toml", "py", "sh", "mjs"]
            .iter()
            .any(|ending| name.ends_with(&format!(".{ending}")))
        {
            out.push(path);
        }
    }
}

/// The words of a text, each with the number of its line. A name in snake or camel case is several words.
fn words(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (line, content) in text.lines().enumerate() {
        let mut word = String::new();
        for c in content.chars().chain([' ']) {
            let ends = !c.is_ascii_alphabetic()
                || (c.is_ascii_uppercase() && !word.ends_with(|l: char| l.is_ascii_uppercase()));
            if ends && !word.is_empty() {
                found.push((line + 1, std::mem::take(&mut word).to_ascii_lowercase()));
            }
            if c.is_ascii_alphabetic() {
                word.push(c);
            }
        }
    }
    found
}

/// The names of some Rust, without comments and string literals, each with the number of its line.
fn identifiers(text: &str) -> Vec<(usize, &str)> {
    let (mut found, mut line, mut rest) = (Vec::new(), 1, text);
    while let Some(first) = rest.chars().next() {
        let name = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let end = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '\'' if rest.starts_with("'\"'") => 3,
            '\'' if rest.starts_with("'\\\"'") => 4,
            'r' if rest.starts_with("r#\"") => rest[3..].find("\"#").map_or(rest.len(), |end| end + 5),
            'r' if rest.starts_with("r\"") => rest[2..].find('"').map_or(rest.len(), |end| end + 3),
            '"' => closing_quote(rest),
            _ if name > 0 => {
                found.push((line, &rest[..name]));
                name
            }
            _ => first.len_utf8(),
        };
        line += rest[..end].matches('\n').count();
        rest = &rest[end..];
    }
    found
}

#[test]
fn retired_word_stands_in_no_text_and_no_file_name() {
    let (mut all, mut found) = (Vec::new(), Vec::new());
    files(&root(), &mut all);
    assert!(all.len() > 300, "the files are not found");
    for path in all.iter().filter(|path| !path.ends_with("tests/vocabulary.rs")) {
        let text = std::fs::read_to_string(path).unwrap();
        let path = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        for (line, word) in words(&path).into_iter().map(|(_, word)| (0, word)).chain(words(&text)) {
            if let Some((_, instead)) = RETIRED.iter().find(|(retired, _)| *retired == word)
                && !FOREIGN.contains(&(path.as_str(), word.as_str()))
            {
                found.push(format!("{path}:{line}: {word} ({instead})"));
            }
        }
    }
    assert!(found.is_empty(), "{} retired words:\n{}", found.len(), found.join("\n"));
}

#[test]
fn names_in_code_are_nouns_and_verbs_of_the_field() {
    let (mut all, mut found) = (Vec::new(), Vec::new());
    files(&root(), &mut all);
    for path in all
        .iter()
        .filter(|path| path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests/vocabulary.rs"))
    {
        let text = std::fs::read_to_string(path).unwrap();
        let path = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        for (line, name) in identifiers(&text) {
            if let Some((_, instead)) = NO_NAMES.iter().find(|(retired, _)| *retired == name)
                && !FOREIGN.contains(&(path.as_str(), name))
            {
                found.push(format!("{path}:{line}: {name} ({instead})"));
            }
        }
    }
    assert!(found.is_empty(), "{} names:\n{}", found.len(), found.join("\n"));
}

#[test]
fn readers_of_words_and_names_find_what_is_there() {
    let found: Vec<_> = words("ChatMender::is_mended // Mending\nx")
        .into_iter()
        .map(|(line, word)| format!("{line} {word}"))
        .collect();
    assert_eq!(found, ["1 chat", "1 mender", "1 is", "1 mended", "1 mending", "2 x"]);
    let found = identifiers("let a_b = r#\"no\"#; // no\nf(\"no \\\" no\", '\"', c)");
    let found: Vec<_> = found.into_iter().map(|(line, name)| format!("{line} {name}")).collect();
    assert_eq!(found, ["1 let", "1 a_b", "2 f", "2 c"]);
}
