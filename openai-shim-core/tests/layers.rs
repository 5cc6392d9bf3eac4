//! The structure of `docs/architecture.md`: a module imports only from lower layers, a dialect imports no other dialect, files
//! do not import each other in circles, and no file is too long to read.
#![allow(clippy::disallowed_methods)] // tests read files

mod rust_source;

use rust_source::closing_quote;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The layer of each top-level module of core.
const LAYERS: &[(&str, u32)] = &[
    ("json", 0),
    ("framing", 1),
    ("error", 1),
    ("overlay", 1),
    ("redact", 2),
    ("state", 2),
    ("canonical", 2),
    ("extract", 2),
    ("accepts", 3),
    ("dialect", 4),
    ("profile", 5),
    ("normalize", 6),
    ("fallback", 6),
    ("exchange", 7),
    ("convert", 8),
    ("upstream", 8),
    ("cassette", 9),
];
const MAX_LINES: usize = 500;

/// The source files of one crate.
struct Sources {
    /// The code of each module, without tests, comments and string literals.
    code: BTreeMap<Module, String>,
    /// What the `use` items of each module bring in: a name, and the path that it stands for.
    imports: BTreeMap<Module, BTreeMap<String, Module>>,
    /// The paths into the crate that each module's code names. Imports that the code itself does not use are for
    /// other files, and do not count.
    named: BTreeMap<Module, BTreeSet<Module>>,
}

/// A path of modules from the crate's root (`["dialect", "openai_chat", "decode"]`), or a path to an item in one.
type Module = Vec<String>;

fn crate_source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name).join("src")
}

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

fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap()
}

/// Code without comments and without the content of string literals.
fn bare_code(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), without_tests(text));
    while let Some(at) = rest.find("//").into_iter().chain(rest.find('"')).min() {
        let (code, from) = rest.split_at(at);
        out.push_str(code);
        let length = match from.as_bytes() {
            [b'/', ..] => from.find('\n').unwrap_or(from.len()),
            _ if code.ends_with('\'') => 1, // the character '"'
            _ => closing_quote(from),
        };
        rest = &from[length..];
    }
    out + rest
}

/// The tokens of some Rust: words, `::`, and single signs.
fn tokens(code: &str) -> Vec<&str> {
    let (mut out, mut rest) = (Vec::new(), code);
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let end = match first {
            ':' if rest.starts_with("::") => 2,
            _ if word > 0 => word,
            _ => first.len_utf8(),
        };
        if !first.is_whitespace() {
            out.push(&rest[..end]);
        }
        rest = &rest[end..];
    }
    out
}

/// The paths into the crate that some code of `module` names, each with the name that it gets here:
/// `crate::a::{b, c::d as e}`, `super::x`, `child::y`.
fn paths(module: &[String], children: &BTreeSet<&str>, code: &str) -> Vec<(Module, String)> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let is_root = at == 0 || !matches!(tokens[at - 1], "::" | "." | "$");
        // `pub(in super::super)` tells who may name an item, not what the file needs.
        let is_visibility = tokens[..at].ends_with(&["pub", "(", "in"]);
        if !is_root || is_visibility || tokens.get(at + 1) != Some(&"::") {
            continue;
        }
        let base = match *token {
            "crate" => Vec::new(),
            "super" => module[..module.len().saturating_sub(1)].to_vec(),
            "self" => module.to_vec(),
            child if children.contains(child) => [module, &[child.to_owned()]].concat(),
            _ => continue,
        };
        expand(&tokens[at + 2..], base, &mut found);
    }
    found
}

/// Follows a path, and each branch of its braces.
fn expand(tokens: &[&str], mut base: Module, found: &mut Vec<(Module, String)>) {
    match tokens.first() {
        Some(&"{") => {
            let (mut depth, mut start) = (0, 1);
            for (at, token) in tokens.iter().enumerate() {
                depth += i32::from(*token == "{") - i32::from(*token == "}");
                if (*token == "," && depth == 1) || depth == 0 {
                    expand(&tokens[start..at], base.clone(), found);
                    start = at + 1;
                }
                if depth == 0 {
                    return;
                }
            }
        }
        Some(word) => {
            match *word {
                "super" => drop(base.pop()),
                "self" => {}
                name => base.push(name.to_owned()),
            }
            match (tokens.get(1), tokens.get(2)) {
                (Some(&"::"), _) => expand(&tokens[2..], base, found),
                (Some(&"as"), Some(alias)) => found.push((base, (*alias).to_owned())),
                _ => {
                    let name = base.last().cloned().unwrap_or_default();
                    found.push((base, name));
                }
            }
        }
        None => {}
    }
}

impl Sources {
    fn of(name: &str) -> Self {
        let (source, mut files) = (crate_source(name), Vec::new());
        rust_files(&source, &mut files);
        assert!(files.len() > 40, "the files of {name} are not found");
        let module = |path: &Path| -> Module {
            let path = path.strip_prefix(&source).unwrap().with_extension("");
            let names = path.iter().map(|name| name.to_string_lossy().into_owned());
            names.filter(|name| name != "mod" && name != "lib").collect()
        };
        let is_code =
            |path: &PathBuf| !path.ends_with("main.rs") && !path.to_string_lossy().ends_with("_tests.rs");
        let files = files.into_iter().filter(is_code);
        Self::read(
            files.map(|path| (module(&path), bare_code(&std::fs::read_to_string(&path).unwrap()))).collect(),
        )
    }

    fn read(code: BTreeMap<Module, String>) -> Self {
        let (mut imports, mut named) = (BTreeMap::new(), BTreeMap::new());
        for (module, code_of_it) in &code {
            let is_child = |other: &&Module| other.len() == module.len() + 1 && other.starts_with(module);
            let children =
                code.keys().filter(is_child).filter_map(|other| other.last().map(String::as_str)).collect();
            let (uses, rest) = use_items(code_of_it);
            let mut names = BTreeSet::new();
            let mut imported = BTreeMap::new();
            let used: BTreeSet<_> = tokens(&rest).into_iter().collect();
            for item in uses {
                for (path, name) in paths(module, &children, &item) {
                    if used.contains(name.as_str()) {
                        names.insert(path.clone());
                    }
                    imported.insert(name, path);
                }
            }
            names.extend(paths(module, &children, &rest).into_iter().map(|(path, _)| path));
            imports.insert(module.clone(), imported);
            named.insert(module.clone(), names);
        }
        Self { code, imports, named }
    }

    /// The module that defines what a path names: re-exports are followed.
    fn defining(&self, path: &[String]) -> Option<Module> {
        let mut path = path.to_vec();
        for _ in 0..20 {
            let module =
                (0..=path.len()).rev().map(|n| &path[..n]).find(|part| self.code.contains_key(*part))?;
            let reexport = path.get(module.len()).and_then(|item| self.imports[module].get(item));
            match reexport {
                Some(target) => {
                    let next = [target.as_slice(), &path[module.len() + 1..]].concat();
                    if next == path {
                        return Some(module.to_vec());
                    }
                    path = next;
                }
                None => return Some(module.to_vec()),
            }
        }
        None
    }

    /// Which files each file depends on.
    fn dependencies(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let of = |(module, named): (&Module, &BTreeSet<Module>)| {
            let found = named.iter().filter_map(|path| self.defining(path)).filter(|other| other != module);
            (module.clone(), found.collect())
        };
        self.named.iter().map(of).collect()
    }
}

/// The `use` items of some code, and the code without them.
fn use_items(code: &str) -> (Vec<String>, String) {
    let (mut items, mut others) = (Vec::new(), String::new());
    let mut rest = code;
    while let Some(start) = rest.find("use ") {
        let before = &rest[..start];
        let starts_item = before.trim_end_matches(' ').ends_with(['\n', ')'])
            || before.ends_with("pub ")
            || before.is_empty();
        let Some(end) = rest[start..].find(';').filter(|_| starts_item) else {
            others.push_str(&rest[..start + 4]);
            rest = &rest[start + 4..];
            continue;
        };
        let line = before.rsplit('\n').next().unwrap_or_default();
        others.push_str(&before[..before.len() - line.len()]);
        items.push(rest[start + 4..start + end].to_owned());
        rest = &rest[start + end + 1..];
    }
    others.push_str(rest);
    (items, others)
}

/// The modules that depend on themselves through others, each with those of its circle that it needs directly.
fn circles(graph: &BTreeMap<Module, BTreeSet<Module>>) -> BTreeMap<Module, BTreeSet<Module>> {
    let reachable = |from: &Module| {
        let (mut found, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(others) = open.pop().and_then(|module| graph.get(module)) {
            open.extend(others.iter().filter(|other| found.insert((*other).clone())));
        }
        found
    };
    let reachable: BTreeMap<_, _> = graph.keys().map(|module| (module, reachable(module))).collect();
    let needs_back =
        |module: &Module, other: &Module| reachable.get(other).is_some_and(|r| r.contains(module));
    graph
        .iter()
        .filter(|(module, _)| needs_back(module, module))
        .map(|(module, others)| {
            (module.clone(), others.iter().filter(|other| needs_back(module, other)).cloned().collect())
        })
        .collect()
}

fn layer(module: &str) -> Option<u32> {
    LAYERS.iter().find(|(name, _)| *name == module).map(|(_, layer)| *layer)
}

#[test]
fn module_imports_only_from_lower_layers() {
    let mut checked = 0;
    for (module, named) in &Sources::of("openai-shim-core").named {
        let Some(own) = module.first().and_then(|name| layer(name)) else { continue };
        for path in named {
            let Some(other) = path.first().and_then(|name| layer(name)) else { continue };
            let (from, to) = (module.join("::"), path.join("::"));
            assert!(other < own || path[0] == module[0], "{from} names {to}, which is not on a lower layer");
            checked += 1;
        }
    }
    assert!(checked > 200, "paths are no longer found: {checked}");
}

#[test]
fn every_module_has_a_layer() {
    for module in Sources::of("openai-shim-core").code.keys().filter(|module| !module.is_empty()) {
        assert!(layer(&module[0]).is_some(), "{} has no layer", module.join("::"));
    }
}

/// The folders of the dialects, as the registry lists them.
fn dialect_folders(sources: &Sources) -> BTreeSet<String> {
    let folders = sources
        .code
        .keys()
        .filter(|module| module.len() == 3 && module[0] == "dialect" && module[2] == "wire");
    let folders: BTreeSet<_> = folders.map(|module| module[1].clone()).collect();
    assert!(folders.len() >= 6, "the dialects are not found: {folders:?}");
    folders
}

#[test]
fn dialect_names_no_other_dialect() {
    let sources = Sources::of("openai-shim-core");
    let folders = dialect_folders(&sources);
    for (module, others) in sources.dependencies() {
        let is_dialect = module.len() >= 2 && module[0] == "dialect" && folders.contains(&module[1]);
        for other in others.iter().filter(|other| is_dialect && other.len() >= 2 && other[0] == "dialect") {
            let foreign = other[1] != module[1] && folders.contains(&other[1]);
            assert!(!foreign, "{} names {}", module.join("::"), other.join("::"));
        }
    }
}

#[test]
fn only_the_registry_names_dialects() {
    let sources = Sources::of("openai-shim-core");
    let folders = dialect_folders(&sources);
    for (module, others) in sources.dependencies() {
        let is_dialect = module.len() >= 2 && module[0] == "dialect" && folders.contains(&module[1]);
        if is_dialect || module == ["dialect"] {
            continue;
        }
        for other in others.iter().filter(|other| other.len() >= 2 && other[0] == "dialect") {
            assert!(!folders.contains(&other[1]), "{} names {}", module.join("::"), other.join("::"));
        }
    }
}

#[test]
fn files_do_not_import_each_other_in_circles() {
    for name in ["openai-shim-core", "openai-shim-server"] {
        let sources = Sources::of(name);
        let mut graph = sources.dependencies();
        // The registry lists the dialects as trait objects: who looks one up there depends on the trait, and not on them.
        if let Some(registry) = graph.get_mut(&names("dialect")) {
            let folders = dialect_folders(&sources);
            registry.retain(|other| other.len() < 2 || !folders.contains(&other[1]));
        }
        assert!(graph.values().map(BTreeSet::len).sum::<usize>() > 100, "dependencies are no longer found");
        let circles: Vec<_> = circles(&graph)
            .into_iter()
            .map(|(module, others)| {
                let others: Vec<_> = others.iter().map(|other| other.join("::")).collect();
                format!("{} needs {}", module.join("::"), others.join(", "))
            })
            .collect();
        assert!(circles.is_empty(), "files of {name} need each other in circles:\n{}", circles.join("\n"));
    }
}

#[test]
fn no_file_is_too_long() {
    let mut files = Vec::new();
    for name in ["openai-shim-core", "openai-shim-server"] {
        rust_files(&crate_source(name), &mut files);
    }
    for path in files.iter().filter(|path| !path.to_string_lossy().ends_with("_tests.rs")) {
        let lines = without_tests(&std::fs::read_to_string(path).unwrap()).lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines", path.display());
    }
}

fn names(path: &str) -> Module {
    path.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[test]
fn paths_are_read_from_braces_supers_and_children_but_not_from_comments() {
    let code = bare_code(
        r#"use crate::{canonical::{Event, Usage as Tokens}, exchange::Exchange}; // crate::upstream
        use super::super::Encoder;
        fn f() { super::wire::Choice; child::parse(); let x = "crate::upstream"; crate::json::encode_string(x) }"#,
    );
    let found = paths(&names("dialect::openai_chat::encode"), &BTreeSet::from(["child"]), &code);
    let mut found: Vec<_> = found.into_iter().map(|(path, name)| (path.join("::"), name)).collect();
    found.sort();
    let expected = [
        ("canonical::Event", "Event"),
        ("canonical::Usage", "Tokens"),
        ("dialect::Encoder", "Encoder"),
        ("dialect::openai_chat::encode::child::parse", "parse"),
        ("dialect::openai_chat::wire::Choice", "Choice"),
        ("exchange::Exchange", "Exchange"),
        ("json::encode_string", "encode_string"),
    ];
    assert_eq!(found, expected.map(|(path, name)| (path.to_owned(), name.to_owned())));
}

#[test]
fn circle_is_found_through_a_reexport_and_a_plain_reexport_is_none() {
    let files = |b: &str| {
        let files = [
            ("folder", "mod a; mod b;\npub use a::A;\npub use b::B;\n"),
            ("folder::a", "use super::B;\nstruct A(B);"),
            ("folder::b", b),
        ];
        Sources::read(files.into_iter().map(|(module, code)| (names(module), code.to_owned())).collect())
    };
    assert!(circles(&files("struct B;").dependencies()).is_empty());
    let found = circles(&files("struct B; fn f() -> super::A {}").dependencies());
    assert_eq!(found.into_keys().collect::<Vec<_>>(), [names("folder::a"), names("folder::b")]);
}
