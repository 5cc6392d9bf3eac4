//! Keywords as older drafts of JSON schema, and Google's language of schemas, spell them, to draft 2020-12. Nothing is lost.
//!
//! <https://json-schema.org/draft/2020-12/release-notes>

use super::changes::Changes;
use super::tree::{Schema, Value};
use std::borrow::Cow;

/// The types.
const TYPES: [&str; 7] = ["string", "number", "integer", "boolean", "object", "array", "null"];

/// Whether a value of a keyword is spelled in an older way, by its first bytes.
type IsOlder = fn(&[u8]) -> bool;

/// The beginnings of keywords that older drafts spell otherwise: each schema is searched for them.
const KEYWORDS: [(&[u8], IsOlder); 4] = [
    (b"items\"", |value| value.starts_with(b"[")),
    (b"type\"", is_older_type),
    (b"required\"", is_boolean),
    (b"exclusiveM", is_boolean),
];

fn is_boolean(value: &[u8]) -> bool {
    value.starts_with(b"true") || value.starts_with(b"false")
}

fn is_older_type(value: &[u8]) -> bool {
    match value.first() {
        Some(b'[') => value.iter().take_while(|byte| **byte != b']').any(u8::is_ascii_uppercase),
        _ => matches!(value, [b'"', b'A'..=b'Z', ..]) || value.starts_with(b"\"any\""),
    }
}

/// Whether the text of a schema may spell something in an older way.
pub(super) fn may_be_older(json: &str) -> bool {
    let bytes = json.as_bytes();
    let names = memchr::memchr_iter(b'"', bytes).filter_map(|quote| bytes.get(quote + 1..));
    let is_older = |name: &[u8]| {
        let keyword = KEYWORDS.iter().find(|(keyword, _)| name.starts_with(keyword));
        let Some((_, is_older)) = keyword else { return false };
        let end = memchr::memchr(b'"', name).map_or(name.len(), |quote| quote + 1);
        let rest = name.get(end..).unwrap_or_default().trim_ascii_start();
        rest.strip_prefix(b":").is_some_and(|value| is_older(value.trim_ascii_start()))
    };
    names.filter(|name| matches!(name.first(), Some(b'i' | b't' | b'r' | b'e'))).any(is_older)
}

/// Respells the keywords of one schema.
pub(super) fn respell(schema: &mut Schema<'_>, changes: &mut Changes) {
    if schema.list_mut("items").is_some() {
        respell_tuple(schema);
        changes.mark();
    }
    respell_types(schema, changes);
    for (exclusive, limit) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        let is_exclusive = match schema.get(exclusive).and_then(Value::as_json) {
            Some("true") => true,
            Some("false") => false,
            _ => continue,
        };
        schema.remove(exclusive);
        if is_exclusive {
            schema.rename(limit, exclusive);
        }
        changes.mark();
    }
    // A mark of a property: draft 3 had it in the property's own schema.
    if matches!(schema.get("required").and_then(Value::as_json), Some("true" | "false")) {
        schema.remove("required");
        changes.mark();
    }
}

/// Requires the properties that say in their own schemas that they are required.
pub(super) fn require_marked(schema: &mut Schema<'_>, changes: &mut Changes) {
    let is_marked = |value: &Value<'_>| {
        value.as_schema().and_then(|schema| schema.get("required")).and_then(Value::as_json) == Some("true")
    };
    let properties = schema.map("properties").into_iter().flatten();
    let marked: Vec<String> =
        properties.filter(|(_, value)| is_marked(value)).map(|(name, _)| name.to_string()).collect();
    if marked.is_empty() {
        return;
    }
    let mut names: Vec<String> = schema.texts("required").into_iter().map(Cow::into_owned).collect();
    for name in marked {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    schema.set("required", Value::List(names.iter().map(|name| Value::string(name)).collect()));
    changes.mark();
}

/// A list of schemas, one for each position, is `prefixItems`, and what follows it `items`.
fn respell_tuple(schema: &mut Schema<'_>) {
    if schema.has("prefixItems") {
        schema.remove("items");
    } else {
        schema.rename("items", "prefixItems");
    }
    schema.rename("additionalItems", "items");
}

fn respell_types(schema: &mut Schema<'_>, changes: &mut Changes) {
    let names = schema.texts("type");
    let respelled: Vec<Cow<'_, str>> = names.iter().map(|name| respelled_type(name)).collect();
    // Any type: draft 3 had a word for it.
    let is_any = respelled.iter().any(|name| name == "any");
    if names == respelled && !is_any {
        return;
    }
    let value = match respelled.as_slice() {
        [name] => Value::string(name),
        names => Value::List(names.iter().map(|name| Value::string(name)).collect()),
    };
    if is_any {
        schema.remove("type");
    } else {
        schema.set("type", value);
    }
    changes.mark();
}

/// A type in lower case, if it is one.
fn respelled_type(name: &str) -> Cow<'_, str> {
    let lower = name.to_ascii_lowercase();
    if lower != name && TYPES.contains(&lower.as_str()) { Cow::Owned(lower) } else { Cow::Borrowed(name) }
}
