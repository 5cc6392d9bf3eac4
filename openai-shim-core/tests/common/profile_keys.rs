//! The declarations of a profile's rules to the table of its keys.

use openai_shim_core::accepts::AuxiliaryApi;
use std::fmt::Write as _;
use std::path::Path;

/// The sections of a profile, and the structs that declare them.
const SECTIONS: [(&str, &str); 21] = [
    ("", "Profile"),
    ("auth", "Auth"),
    ("paths", "EndpointPaths"),
    ("params", "ParamRules"),
    ("messages", "MessageRules"),
    ("messages.chat_template", "ChatTemplate"),
    ("media", "MediaRules"),
    ("tools", "ToolRules"),
    ("tools.schema", "SchemaRules"),
    ("tools.strict_schema", "SchemaRules"),
    ("response_format", "ResponseFormatRules"),
    ("response_format.schema", "SchemaRules"),
    ("response_format.strict_schema", "SchemaRules"),
    ("reasoning", "ReasoningRules"),
    ("stream", "StreamingSupport"),
    ("embeddings", "AuxiliaryRules"),
    ("rerank", "AuxiliaryRules"),
    ("speech", "AuxiliaryRules"),
    ("transcription", "AuxiliaryRules"),
    ("images", "AuxiliaryRules"),
    ("responses", "AnswerQuirks"),
];

/// Whether a key has a meaning in its section: some sections share a struct.
fn has_meaning(section: &str, name: &str) -> bool {
    let api = AuxiliaryApi::ALL.into_iter().find(|api| api.section() == section);
    api.is_none_or(|api| ["drop", "rename", "set"].contains(&name) || api.own_rules().contains(&name))
}

/// A table of all keys, with the documentation of each.
pub fn table() -> String {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let source: String = [
        "profile/definition.rs",
        "profile/auth.rs",
        "profile/paths.rs",
        "accepts/params.rs",
        "accepts/messages.rs",
        "accepts/media.rs",
        "accepts/tools.rs",
        "accepts/response_format.rs",
        "accepts/schema.rs",
        "accepts/reasoning.rs",
        "accepts/streaming.rs",
        "accepts/auxiliary.rs",
        "canonical/answer_quirks.rs",
        "canonical/chat_template.rs",
        "canonical/reasoning.rs",
    ]
    .map(|file| std::fs::read_to_string(src.join(file)).unwrap())
    .concat();
    let mut text = String::from("| key | value | meaning |\n|---|---|---|\n");
    for (section, name) in SECTIONS {
        for Field { name, kind, meaning } in fields(&source, name) {
            let is_section = SECTIONS.iter().any(|(_, name)| *name == kind)
                || kind.ends_with("Layer")
                || kind == "Vec<ModelOverride>";
            if is_section || !has_meaning(section, &name) {
                continue;
            }
            let key = if section.is_empty() { name } else { format!("{section}.{name}") };
            let mut meaning = vec![meaning];
            if value(&kind).is_none() {
                let keywords = keywords(&source, &kind);
                meaning.extend(keywords.iter().map(|(keyword, doc)| format!("`{keyword}`: {doc}")));
            }
            let meaning = meaning.join(" ").replace('|', "\\|");
            writeln!(text, "| `{key}` | {} | {meaning} |", value(&kind).unwrap_or("a keyword")).unwrap();
        }
    }
    text
}

/// A public field of a struct.
struct Field {
    name: String,
    kind: String,
    meaning: String,
}

/// The public fields of a struct, declared by itself or in `rules!`.
fn fields(source: &str, name: &str) -> Vec<Field> {
    let declarations = [format!("pub struct {name} {{\n"), format!("pub struct {name},")];
    let body = declarations.iter().find_map(|start| source.split(start.as_str()).nth(1)).unwrap();
    // The documentation of the layer stands between the name of the struct and the first field.
    let body = body
        .split_once("Layer {\n")
        .filter(|(before, _)| !before.contains("pub "))
        .map_or(body, |(_, fields)| fields);
    // The brace that closes it is indented in `rules!`.
    let body = body.split("\n}").next().unwrap().split("\n    }").next().unwrap();
    let (mut all, mut docs) = (Vec::new(), Vec::new());
    for line in body.lines().map(str::trim) {
        if let Some(doc) = line.strip_prefix("/// ") {
            docs.push(doc);
        } else if let Some((field, kind)) = line.strip_prefix("pub ").and_then(|rest| rest.split_once(": ")) {
            let kind = kind.split(" as ").next().unwrap().split(" => ").next().unwrap();
            all.push(Field {
                name: field.to_owned(),
                kind: kind.trim_end_matches(',').to_owned(),
                meaning: docs.join(" "),
            });
            docs.clear();
        }
    }
    assert!(!all.is_empty(), "{name}");
    all
}

/// What can be written for a type; nothing for one of our own.
fn value(kind: &str) -> Option<&'static str> {
    match kind {
        "bool" => Some("`true` or `false`"),
        "String" | "Option<String>" => Some("text"),
        "Option<u32>" | "Option<u64>" => Some("a number"),
        "BTreeMap<String, u32>" => Some("numbers, `{ a = 1 }`"),
        "Vec<String>" | "Option<Vec<String>>" | "SharedList" => Some("a list of texts"),
        "BTreeMap<String, String>" => Some("pairs, `{ a = \"b\" }`"),
        "BTreeMap<String, Vec<String>>" => Some("lists, `{ a = [\"b\"] }`"),
        "BTreeMap<String, Value>" => Some("values of any kind, `{ a = 1 }`"),
        "BTreeMap<String, [f64; 2]>" => Some("ranges, `{ a = [0, 1] }`"),
        _ => None,
    }
}

/// The keywords of an enum in TOML, and the documentation of each.
fn keywords(source: &str, name: &str) -> Vec<(String, String)> {
    if let Some(body) = source.split(&format!("    {name} {{")).nth(1) {
        // `Keyword "meaning.",` or `Keyword = "keyword" "meaning.",`, up to a brace that is not in quotes.
        let mut parts = body.split('"');
        let mut all = Vec::new();
        while let Some(head) = parts.next().filter(|head| !head.contains('}')) {
            let head = head.trim_matches([',', ' ', '\n']);
            let keyword = match head.strip_suffix(" =") {
                Some(_) => {
                    let spelling = parts.next().unwrap().to_owned();
                    parts.next();
                    spelling
                }
                None => snake_case(head),
            };
            // Quotes inside the text are escaped.
            let mut doc = parts.next().unwrap().to_owned();
            while doc.ends_with('\\') {
                doc.pop();
                doc = format!("{doc}\"{}", parts.next().unwrap());
            }
            all.push((keyword, doc));
        }
        return all;
    }
    let body = source.split(&format!("pub enum {name} {{")).nth(1).unwrap().split("\n}").next().unwrap();
    // Variants at the end cannot be written.
    let body = match body.split_once("#[serde(skip)]") {
        Some((written, _)) => written.rsplit_once("    ///").unwrap().0,
        None => body,
    };
    let lines: Vec<&str> =
        body.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let pairs = lines.chunks(2);
    let spelling = |variant: &str| match variant.trim_end_matches(',') {
        "Own(Box<TagPair>)" => String::from("{ open = \"…\", close = \"…\" }"),
        keyword => snake_case(keyword),
    };
    pairs.map(|pair| (spelling(pair[1]), pair[0].replace("/// ", ""))).collect()
}

/// `ReasoningEffort` as `reasoning_effort`.
fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for (i, c) in name.chars().enumerate() {
        if c.is_uppercase() && i > 0 {
            text.push('_');
        }
        text.extend(c.to_lowercase());
    }
    text
}
