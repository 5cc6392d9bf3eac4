//! OpenAPI 3.0 schema to JSON schema.

use super::{Object, ValueKind, decode_string, encode_string, value_kind};
use serde_json::value::RawValue;

/// How many levels of a schema are converted; deeper parts become `{}`, which accepts anything.
const MAX_DEPTH: usize = 32;

/// Keywords whose value is a schema, a list of schemas, or a map of schemas.
const SCHEMA_KEYWORDS: [&str; 2] = ["items", "additionalProperties"];
const SCHEMA_LIST_KEYWORDS: [&str; 4] = ["anyOf", "oneOf", "allOf", "prefixItems"];
const SCHEMA_MAP_KEYWORDS: [&str; 2] = ["properties", "$defs"];

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
    let nullable = object.bool("nullable") == Some(true);
    let mut out = Object::new();
    for (key, value) in object.iter() {
        let converted = match (key, value_kind(value)) {
            ("type", ValueKind::String) => {
                let name = decode_string(value).unwrap_or_default().to_ascii_lowercase();
                if nullable { format!("[{},\"null\"]", encode_string(&name)) } else { encode_string(&name) }
            }
            ("nullable" | "propertyOrdering", _) => continue,
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
            (_, ValueKind::Array) if SCHEMA_LIST_KEYWORDS.contains(&key) => {
                let items: Vec<&RawValue> = serde_json::from_str(value).unwrap_or_default();
                let items: Vec<_> = items.into_iter().map(|item| convert(item.get(), depth + 1)).collect();
                format!("[{}]", items.join(","))
            }
            _ => value.to_owned(),
        };
        out.set(key, converted);
    }
    out.to_json()
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
}
