//! Schemas in OpenAPI's way of writing them, read as JSON schemas.

use super::{Object, ValueKind, decode_string, encode_string, value_kind};
use serde_json::value::RawValue;

/// How deep a schema is followed; deeper parts accept anything.
const DEEPEST: usize = 32;

/// Keywords whose value is a schema, a list of schemas, or schemas by name.
const ONE: [&str; 2] = ["items", "additionalProperties"];
const LIST: [&str; 4] = ["anyOf", "oneOf", "allOf", "prefixItems"];
const NAMED: [&str; 2] = ["properties", "$defs"];

/// Reads OpenAPI's way of writing a schema (`"type": "STRING"`, `nullable`) as JSON schema.
pub fn from_openapi(schema: &str) -> String {
    openapi(schema, 0)
}

fn openapi(schema: &str, depth: usize) -> String {
    let Ok(object) = Object::parse(schema.as_bytes()) else { return schema.to_owned() };
    if depth > DEEPEST {
        return String::from("{}");
    }
    let nullable = object.bool("nullable") == Some(true);
    let mut out = Object::new();
    for (key, value) in object.iter() {
        let written = match (key, value_kind(value)) {
            ("type", ValueKind::String) => {
                let word = decode_string(value).unwrap_or_default().to_ascii_lowercase();
                if nullable { format!("[{},\"null\"]", encode_string(&word)) } else { encode_string(&word) }
            }
            ("nullable" | "propertyOrdering", _) => continue,
            // 64-bit numbers are texts there.
            (
                "minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties" | "maxProperties",
                ValueKind::String,
            ) => decode_string(value).unwrap_or_default().into_owned(),
            (_, ValueKind::Object) if ONE.contains(&key) => openapi(value, depth + 1),
            (_, ValueKind::Object) if NAMED.contains(&key) => {
                let inner = Object::parse(value.as_bytes()).unwrap_or_default();
                let mut named = Object::new();
                for (name, schema) in inner.iter() {
                    named.set(name, openapi(schema, depth + 1));
                }
                named.into_owned().to_json()
            }
            (_, ValueKind::Array) if LIST.contains(&key) => {
                let items: Vec<&RawValue> = serde_json::from_str(value).unwrap_or_default();
                let items: Vec<_> = items.into_iter().map(|item| openapi(item.get(), depth + 1)).collect();
                format!("[{}]", items.join(","))
            }
            _ => value.to_owned(),
        };
        out.set(key, written);
    }
    out.to_json()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openapi_becomes_json_schema() {
        let schema = r#"{"type":"OBJECT","properties":{"type":{"type":"STRING","nullable":true},"l":{"type":"ARRAY","items":{"type":"INTEGER"},"maxItems":"3"}},"propertyOrdering":["l"]}"#;
        assert_eq!(
            from_openapi(schema),
            r#"{"type":"object","properties":{"type":{"type":["string","null"]},"l":{"type":"array","items":{"type":"integer"},"maxItems":3}}}"#
        );
    }
}
