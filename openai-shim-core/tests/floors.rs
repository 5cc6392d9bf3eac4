//! The floors of `docs/architecture.md`: a module names only lower ones, a dialect names no other, no file is too long.
#![allow(clippy::disallowed_methods)] // tests read files

use std::path::{Path, PathBuf};

/// The floor of each module of the crate's root.
const FLOORS: &[(&str, u32)] = &[
    ("json", 0),
    ("framing", 0),
    ("error", 0),
    ("canonical", 1),
    ("dialect", 2),
    ("profile", 2),
    ("normalize", 3),
    ("fallback", 3),
    ("exchange", 4),
    ("convert", 5),
    ("upstream", 5),
];
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

/// Source files as paths of modules (`dialect/openai_chat/mend/chunk`) with their code, tests and comments apart.
fn modules() -> Vec<(Vec<String>, String)> {
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
            (module, code)
        })
        .collect()
}

fn floor(module: &str) -> Option<u32> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

/// The modules below the crate's root that a piece of code names.
fn named(code: &str) -> Vec<Vec<String>> {
    code.match_indices("crate::")
        .map(|(at, _)| {
            let rest = &code[at + "crate::".len()..];
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').unwrap_or(rest.len());
            rest[..end].split("::").map(str::to_owned).collect()
        })
        .collect()
}

#[test]
fn a_module_names_only_lower_floors() {
    for (module, code) in modules() {
        let Some(own) = module.first().and_then(|m| floor(m)) else { continue };
        for path in named(&code) {
            let Some(other) = floor(&path[0]) else { continue };
            assert!(other < own || path[0] == module[0], "{} names {}", module.join("::"), path.join("::"));
        }
    }
}

#[test]
fn a_dialect_names_no_other_dialect() {
    let dialects: Vec<String> = modules()
        .into_iter()
        .filter(|(m, _)| m.len() == 2 && m[0] == "dialect")
        .map(|(m, _)| m[1].clone())
        .collect();
    assert!(!dialects.is_empty());
    for (module, code) in modules().into_iter().filter(|(m, _)| m.len() >= 2 && m[0] == "dialect") {
        for other in dialects.iter().filter(|d| **d != module[1]) {
            assert!(!code.contains(&format!("{other}::")), "{} names {other}", module.join("::"));
        }
    }
}

#[test]
fn every_module_has_a_floor() {
    for (module, _) in modules() {
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
