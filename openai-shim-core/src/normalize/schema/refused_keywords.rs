//! Keywords that an upstream refuses: they leave the schema, and its description states them.

use super::changes::Changes;
use super::tree::{Schema, Value};
use crate::accepts::SchemaRules;

/// Keywords that do not restrict values: dropping them loses nothing.
const WITHOUT_EFFECT: [&str; 25] = [
    "$schema",
    "$id",
    "id",
    "$comment",
    "$anchor",
    "$dynamicAnchor",
    "$vocabulary",
    "$defs",
    "definitions",
    "title",
    "description",
    "default",
    "example",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "discriminator",
    "xml",
    "externalDocs",
    "contentEncoding",
    "contentMediaType",
    "nullable",
    "propertyOrdering",
    "markdownDescription",
];

/// Those of them that help the model.
const HELPFUL: [&str; 3] = ["default", "example", "examples"];

/// The longest value of a keyword that a description states.
const MAX_STATED_BYTES: usize = 200;

/// Whether the rules refuse a keyword, whatever its value.
pub(super) fn is_refused(keyword: &str, rules: &SchemaRules) -> bool {
    rules.drop_keywords.iter().any(|dropped| dropped == keyword)
        || !rules.keywords.is_empty() && !rules.keywords.iter().any(|known| known == keyword)
}

/// Whether the rules refuse a keyword with this value. `is_number`: the schema is one of numbers.
fn is_value_refused(keyword: &str, value: &Value<'_>, is_number: bool, rules: &SchemaRules) -> bool {
    let json = value.as_json().unwrap_or_default();
    match keyword {
        "format" if is_number => !rules.number_formats,
        "format" => {
            let name = crate::json::decode_string(json);
            let is_known = |known: &String| Some(known.as_str()) == name.as_deref();
            !rules.formats.is_empty() && !rules.formats.iter().any(is_known)
        }
        "minItems" => match (rules.max_min_items, json.parse::<u64>()) {
            (Some(max), Ok(count)) => count > u64::from(max),
            _ => false,
        },
        "pattern" => rules.plain_patterns && !is_plain_pattern(json),
        _ => false,
    }
}

/// Whether a regular expression, as JSON, has no look-around, back reference or word boundary.
fn is_plain_pattern(json: &str) -> bool {
    let pattern = crate::json::decode_string(json).unwrap_or_default();
    let has_group = ["(?=", "(?!", "(?<"].iter().any(|group| pattern.contains(group));
    let mut is_escaped = false;
    let has_refused_escape = pattern.chars().any(|c| {
        let is_refused = is_escaped && matches!(c, '1'..='9' | 'b' | 'B' | 'k');
        is_escaped = c == '\\' && !is_escaped;
        is_refused
    });
    !has_group && !has_refused_escape
}

/// Removes the refused keywords of one schema.
pub(super) fn drop_refused(schema: &mut Schema<'_>, rules: &SchemaRules, changes: &mut Changes) {
    let is_number = schema.has("format") && (schema.has_type("integer") || schema.has_type("number"));
    let removed = schema.extract(|keyword, value| {
        !is_refused(keyword, rules) && !is_value_refused(keyword, value, is_number, rules)
    });
    let mut stated = Vec::new();
    for (keyword, value) in removed {
        let has_effect = !WITHOUT_EFFECT.contains(&keyword.as_ref());
        if has_effect {
            changes.lose(&keyword);
        }
        changes.mark();
        if has_effect || HELPFUL.contains(&keyword.as_ref()) {
            stated.push((keyword.to_string(), value.to_json()));
        }
        if keyword == "minItems"
            && let Some(max) = rules.max_min_items.filter(|_| !is_refused(&keyword, rules))
        {
            schema.set("minItems", Value::Json(max.to_string().into()));
        }
    }
    if !is_refused("description", rules) {
        state(schema, &stated);
    }
}

/// Adds keywords and their values to the description.
pub(super) fn state(schema: &mut Schema<'_>, keywords: &[(String, String)]) {
    let short = keywords.iter().filter(|(_, json)| json.len() <= MAX_STATED_BYTES);
    let texts: Vec<_> = short.map(|(keyword, json)| format!("{keyword}: {json}")).collect();
    if texts.is_empty() {
        return;
    }
    let added = texts.join("; ");
    let description = match schema.text("description") {
        Some(description) if !description.is_empty() => format!("{description} ({added})"),
        _ => added,
    };
    schema.set("description", Value::string(&description));
}
