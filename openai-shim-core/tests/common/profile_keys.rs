//! Everything that a row can say, read from where it is declared.

use std::fmt::Write as _;
use std::path::Path;

/// The sections of a row, and what declares them.
const SECTIONS: [(&str, &str); 11] = [
    ("", "Profile"),
    ("auth", "Auth"),
    ("paths", "Paths"),
    ("params", "Params"),
    ("messages", "Messages"),
    ("messages.template", "Template"),
    ("tools", "Tools"),
    ("format", "Format"),
    ("reasoning", "Thinking"),
    ("stream", "Streaming"),
    ("answers", "AnswerQuirks"),
];

/// A table of all entries; each is said to be what its declaration says.
pub fn table() -> String {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let source: String =
        ["profile/mod.rs", "profile/rules.rs", "canonical/quirks.rs", "canonical/template.rs"]
            .map(|file| std::fs::read_to_string(src.join(file)).unwrap())
            .concat();
    let mut text = String::from("| entry | value | meaning |\n|---|---|---|\n");
    for (section, name) in SECTIONS {
        for (field, kind, meaning) in fields(&source, name) {
            let below = SECTIONS.iter().any(|(_, name)| *name == kind) || kind == "Vec<ModelRules>";
            if below {
                continue;
            }
            let entry = if section.is_empty() { field } else { format!("{section}.{field}") };
            let mut meaning = vec![meaning];
            if value(&kind).is_none() {
                let words = words(&source, &kind);
                meaning.extend(words.iter().map(|(word, said)| format!("`{word}`: {said}")));
            }
            let meaning = meaning.join(" ").replace('|', "\\|");
            writeln!(text, "| `{entry}` | {} | {meaning} |", value(&kind).unwrap_or("a word")).unwrap();
        }
    }
    text
}

/// Name, type and documentation of the public fields of a struct.
fn fields(source: &str, name: &str) -> Vec<(String, String, String)> {
    let body = source.split(&format!("pub struct {name} {{\n")).nth(1).unwrap().split("\n}").next().unwrap();
    let (mut all, mut docs) = (Vec::new(), Vec::new());
    for line in body.lines().map(str::trim) {
        if let Some(doc) = line.strip_prefix("/// ") {
            docs.push(doc);
        } else if let Some((field, kind)) = line.strip_prefix("pub ").and_then(|rest| rest.split_once(": ")) {
            all.push((field.to_owned(), kind.trim_end_matches(',').to_owned(), docs.join(" ")));
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
        "Option<u32>" => Some("a number"),
        "Vec<String>" | "Option<Vec<String>>" => Some("a list of texts"),
        "BTreeMap<String, String>" => Some("pairs, `{ a = \"b\" }`"),
        "BTreeMap<String, [f64; 2]>" => Some("ranges, `{ a = [0, 1] }`"),
        _ => None,
    }
}

/// The words of an enum as they are written, and what is said about each.
fn words(source: &str, name: &str) -> Vec<(String, String)> {
    if let Some(body) = source.split(&format!("    {name} {{")).nth(1) {
        // `Word "what it means.",` for each, up to a brace that is not in quotes.
        let parts: Vec<&str> = body.split('"').collect();
        let pairs = parts.chunks(2).take_while(|pair| !pair[0].contains('}'));
        return pairs
            .map(|pair| (snake_case(pair[0].trim_matches([',', ' ', '\n'])), pair[1].to_owned()))
            .collect();
    }
    let body = source.split(&format!("pub enum {name} {{")).nth(1).unwrap().split("\n}").next().unwrap();
    let lines: Vec<&str> =
        body.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let pairs = lines.chunks(2);
    pairs.map(|pair| (snake_case(pair[1].trim_end_matches(',')), pair[0].replace("/// ", ""))).collect()
}

fn snake_case(word: &str) -> String {
    let mut text = String::new();
    for (i, c) in word.chars().enumerate() {
        if c.is_uppercase() && i > 0 {
            text.push('_');
        }
        text.extend(c.to_lowercase());
    }
    text
}
