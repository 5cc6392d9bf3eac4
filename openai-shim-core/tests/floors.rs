//! The floors of `docs/architecture.md`: a module names only lower ones, a dialect names no other, no file is too long.
#![allow(clippy::disallowed_methods)] // tests read files

use std::path::{Path, PathBuf};

/// The floor of each module of the crate's root.
const FLOORS: &[(&str, u32)] = &[
    ("json", 0),
    ("framing", 0),
    ("error", 0),
    ("redact", 1),
    ("state", 1),
    ("canonical", 1),
    ("filter", 1),
    ("dialect", 2),
    ("profile", 2),
    ("normalize", 3),
    ("fallback", 3),
    ("exchange", 4),
    ("convert", 5),
    ("upstream", 5),
];
/// What stands below the dialects in their folder, for those that share it.
const SHARED: [&str; 6] = ["cite", "passthrough", "openai_error", "openai_headers", "shape", "side"];
const LONGEST: usize = 500;

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

/// Source files as paths of modules (`dialect::openai_chat::mend::chunk`), whether each is a folder's `mod.rs`, and its code
/// without tests and comments.
fn modules() -> Vec<(Vec<String>, bool, String)> {
    let mut paths = Vec::new();
    sources(&src(), &mut paths);
    assert!(paths.len() > 40);
    paths
        .into_iter()
        .map(|path| {
            let relative = path.strip_prefix(src()).unwrap().with_extension("");
            let module =
                relative.iter().map(|p| p.to_string_lossy().into_owned()).filter(|p| p != "mod").collect();
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            let code =
                code.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
            (module, path.ends_with("mod.rs"), code)
        })
        .collect()
}

fn floor(module: &str) -> Option<u32> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

/// The tokens of some Rust: words, `::`, and single signs. Comments are gone before; text in quotes is left out.
fn tokens(code: &str) -> Vec<&str> {
    let (mut out, mut rest) = (Vec::new(), code);
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let end = match first {
            '"' => closing_quote(rest),
            '\'' if rest.starts_with("'\"'") => 3,
            ':' if rest.starts_with("::") => 2,
            _ if word > 0 => word,
            _ => first.len_utf8(),
        };
        if !first.is_whitespace() && first != '"' {
            out.push(&rest[..end]);
        }
        rest = &rest[end..];
    }
    out
}

fn closing_quote(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The paths in the crate that a module's code names, from the root: `crate::a::{b, c::d}`, `super::x`, `super::super::y`.
fn named(module: &[String], is_folder: bool, code: &str) -> Vec<Vec<String>> {
    let tokens = tokens(code);
    let mut paths = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let begins = at == 0 || tokens[at - 1] != "::";
        let base = match *token {
            "crate" => Vec::new(),
            // `super` is the parent of the file's module; of a folder's `mod.rs` the folder's parent.
            "super" => module[..module.len().saturating_sub(1)].to_vec(),
            "self" if is_folder => module.to_vec(),
            _ => continue,
        };
        if begins && tokens.get(at + 1) == Some(&"::") {
            expand(&tokens[at + 2..], base, &mut paths);
        }
    }
    paths
}

/// Follows a path, and each branch of its braces.
fn expand(tokens: &[&str], mut base: Vec<String>, paths: &mut Vec<Vec<String>>) {
    match tokens.first() {
        Some(&"{") => {
            let (mut depth, mut start) = (0, 1);
            for (at, token) in tokens.iter().enumerate() {
                depth += i32::from(*token == "{") - i32::from(*token == "}");
                if (*token == "," && depth == 1) || depth == 0 {
                    expand(&tokens[start..at], base.clone(), paths);
                    start = at + 1;
                }
                if depth == 0 {
                    return;
                }
            }
        }
        Some(word) => {
            if *word == "super" {
                base.pop();
            } else {
                base.push((*word).to_owned());
            }
            if tokens.get(1) == Some(&"::") {
                expand(&tokens[2..], base, paths);
            } else {
                paths.push(base);
            }
        }
        None => {}
    }
}

#[test]
fn a_module_names_only_lower_floors() {
    let mut summary = 0;
    for (module, is_folder, code) in modules() {
        let Some(own) = module.first().and_then(|m| floor(m)) else { continue };
        for path in named(&module, is_folder, &code) {
            let Some(other) = path.first().and_then(|m| floor(m)) else { continue };
            assert!(other < own || path[0] == module[0], "{} names {}", module.join("::"), path.join("::"));
            summary += 1;
        }
    }
    assert!(summary > 200, "paths are no longer found: {summary}");
}

#[test]
fn a_dialect_names_no_other_dialect() {
    let dialects: Vec<String> = modules()
        .into_iter()
        .filter(|(m, ..)| m.len() == 2 && m[0] == "dialect")
        .map(|(m, ..)| m[1].clone())
        .filter(|m| !SHARED.contains(&m.as_str()))
        .collect();
    assert!(!dialects.is_empty());
    for (module, is_folder, code) in modules() {
        if module.len() < 2 || module[0] != "dialect" {
            continue;
        }
        for path in named(&module, is_folder, &code).into_iter().filter(|p| p.len() >= 2) {
            let foreign = path[0] == "dialect" && path[1] != module[1] && dialects.contains(&path[1]);
            assert!(!foreign, "{} names {}", module.join("::"), path.join("::"));
        }
    }
}

#[test]
fn nothing_outside_the_dialects_names_one() {
    for (module, is_folder, code) in modules().into_iter().filter(|(m, ..)| m[0] != "dialect") {
        for path in named(&module, is_folder, &code) {
            let one = path.len() > 1 && path[0] == "dialect" && path[1].starts_with(char::is_lowercase);
            assert!(!one || path[1] == "dialect", "{} names {}", module.join("::"), path.join("::"));
        }
    }
}

#[test]
fn the_reader_of_paths_sees_braces_supers_and_no_comments() {
    let module: Vec<String> = ["dialect", "openai_chat", "encode"].map(str::to_owned).to_vec();
    let code = r#"use crate::{canonical::{Asked, Event}, exchange::Exchange}; use super::super::Encoder;
        fn f() { super::mend::whole(); let x = "crate::upstream"; crate::json::quote(x) }"#;
    let mut found: Vec<String> = named(&module, false, code).iter().map(|p| p.join("::")).collect();
    found.sort();
    assert_eq!(
        found,
        [
            "canonical::Asked",
            "canonical::Event",
            "dialect::Encoder",
            "dialect::openai_chat::mend::whole",
            "exchange::Exchange",
            "json::quote",
        ]
    );
}

#[test]
fn every_module_has_a_floor() {
    for (module, ..) in modules() {
        assert!(module == ["lib"] || floor(&module[0]).is_some(), "{} is on no floor", module.join("::"));
    }
}

#[test]
fn no_file_is_longer_than_can_be_read() {
    let server = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openai-shim-server/src");
    let mut paths = Vec::new();
    sources(&src(), &mut paths);
    sources(&server, &mut paths);
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let lines = text.split("#[cfg(test)]").next().unwrap().lines().count();
        assert!(lines <= LONGEST, "{} has {lines} lines", path.display());
    }
}
