//! OpenAPI 3.0 schema to JSON schema.

use super::{Object, ValueKind, decode_string, encode_array, encode_string, items, value_kind};

/// How many levels of a schema are converted; deeper parts become `{}`, which accepts anything.
const MAX_DEPTH: usize = 32;

/// Keywords whose value is a schema, a list of schemas, or a map of schemas.
const SCHEMA_KEYWORDS: [&str; 2] = ["items", "additionalProperties"];
const SCHEMA_LIST_KEYWORDS: [&str; 4] = ["anyOf", "oneOf", "allOf", "prefixItems"];
const SCHEMA_MAP_KEYWORDS: [&str; 2] = ["properties", "$defs"];

/// Keywords that JSON schema spells otherwise: protocol buffers also have names in snake case, and Google's references no `$`.
const SPELLINGS: [(&str, &str); 13] = [
    ("any_of", "anyOf"),
    ("prefix_items", "prefixItems"),
    ("additional_properties", "additionalProperties"),
    ("min_items", "minItems"),
    ("max_items", "maxItems"),
    ("min_length", "minLength"),
    ("max_length", "maxLength"),
    ("min_properties", "minProperties"),
    ("max_properties", "maxProperties"),
    ("property_ordering", "propertyOrdering"),
    ("defs", "$defs"),
    ("ref", "$ref"),
    ("TYPE_UNSPECIFIED", ""),
];

/// The types by their number in Google's protocol buffers.
const TYPE_NAMES: [&str; 8] = ["", "string", "number", "integer", "boolean", "array", "object", "null"];

fn spelling(name: &str) -> &str {
    SPELLINGS.iter().find(|(known, _)| *known == name).map_or(name, |(_, json_schema)| json_schema)
}

/// Converts OpenAPI's form of a schema (`"type": "STRING"`, `nullable`) to JSON schema. Text that is not an object is
/// returned as it is.
pub fn from_openapi(schema: &str) -> String {
    convert(schema, 0)
}

fn convert(schema: &str, depth: usize) -> String {
    let Ok(object) = Object::parse(schema.as_bytes()) else { return schema.to_owned() };
    if depth > MAX_DEPTH {
        return String::from("{}");
    }
    let is_nullable = object.bool("nullable") == Some(true);
    let mut out = Object::new();
    for (key, value) in object.iter().map(|(key, value)| (spelling(key), value)) {
        let converted = match (key, value_kind(value)) {
            ("type", ValueKind::String) => {
                let name = decode_string(value).unwrap_or_default();
                let name = spelling(&name).to_ascii_lowercase();
                if name.is_empty() {
                    continue;
                }
                if is_nullable {
                    format!("[{},\"null\"]", encode_string(&name))
                } else {
                    encode_string(&name)
                }
            }
            // Protocol buffers also have the numbers of types.
            ("type", ValueKind::Number) => {
                let name = value.trim().parse().ok().and_then(|number: usize| TYPE_NAMES.get(number));
                let Some(name) = name.filter(|name| !name.is_empty()) else { continue };
                if is_nullable { format!("[\"{name}\",\"null\"]") } else { encode_string(name) }
            }
            ("nullable" | "propertyOrdering", _) => continue,
            // Google's own name for a text with an `enum`.
            ("format", ValueKind::String) if value.trim() == "\"enum\"" => continue,
            ("$ref", ValueKind::String) => {
                let target = decode_string(value).unwrap_or_default();
                encode_string(&target.replacen("#/defs/", "#/$defs/", 1))
            }
            // JSON schema accepts null only if it is one of the values.
            ("enum", ValueKind::Array) if is_nullable => with_null(value, "null"),
            ("anyOf", ValueKind::Array) if is_nullable => {
                with_null(&convert_list(value, depth), r#"{"type":"null"}"#)
            }
            // OpenAPI's int64 format is a JSON string.
            (
                "minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties" | "maxProperties",
                ValueKind::String,
            ) => decode_string(value).unwrap_or_default().into_owned(),
            (_, ValueKind::Object) if SCHEMA_KEYWORDS.contains(&key) => convert(value, depth + 1),
            (_, ValueKind::Object) if SCHEMA_MAP_KEYWORDS.contains(&key) => {
                let inner = Object::parse(value.as_bytes()).unwrap_or_default();
                let mut schemas = Object::new();
                for (name, schema) in inner.iter() {
                    schemas.set(name, convert(schema, depth + 1));
                }
                schemas.into_owned().to_json()
            }
            (_, ValueKind::Array) if SCHEMA_LIST_KEYWORDS.contains(&key) => convert_list(value, depth),
            _ => value.to_owned(),
        };
        out.set(key, converted);
    }
    out.to_json()
}

fn convert_list(list: &str, depth: usize) -> String {
    let items = items(list).unwrap_or_default();
    let items: Vec<_> = items.into_iter().map(|item| convert(item, depth + 1)).collect();
    encode_array(&items)
}

/// Adds `null`, or the schema of it, to a list that does not have it.
fn with_null(list: &str, null: &str) -> String {
    let mut items = items(list).unwrap_or_default();
    if items.iter().all(|item| item.trim() != null) {
        items.push(null);
    }
    encode_array(&items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openapi_keywords_become_json_schema_keywords() {
        let schema = r#"{"type":"OBJECT","properties":{"type":{"type":"STRING","nullable":true},"l":{"type":"ARRAY","items":{"type":"INTEGER"},"maxItems":"3"}},"propertyOrdering":["l"]}"#;
        assert_eq!(
            from_openapi(schema),
            r#"{"type":"object","properties":{"type":{"type":["string","null"]},"l":{"type":"array","items":{"type":"integer"},"maxItems":3}}}"#
        );
    }

    #[test]
    fn null_is_among_the_values_of_what_is_nullable() {
        for (schema, expected) in [
            (
                r#"{"type":"STRING","format":"enum","enum":["a"],"nullable":true}"#,
                r#"{"type":["string","null"],"enum":["a",null]}"#,
            ),
            (r#"{"enum":["a",null],"nullable":true}"#, r#"{"enum":["a",null]}"#),
            (
                r#"{"any_of":[{"type":"STRING"}],"nullable":true}"#,
                r#"{"anyOf":[{"type":"string"},{"type":"null"}]}"#,
            ),
            (
                r##"{"ref":"#/defs/A","defs":{"A":{"type":"INTEGER","nullable":false}}}"##,
                r##"{"$ref":"#/$defs/A","$defs":{"A":{"type":"integer"}}}"##,
            ),
            (r#"{"type":"TYPE_UNSPECIFIED","title":"t"}"#, r#"{"title":"t"}"#),
            (
                r#"{"type":6,"properties":{"a":{"type":1}}}"#,
                r#"{"type":"object","properties":{"a":{"type":"string"}}}"#,
            ),
        ] {
            assert_eq!(from_openapi(schema), expected);
        }
    }
}
