//! JSON schemas rewritten for upstreams that accept only a part of the language: pure, bounded, and with a list of what was
//! left out.

use super::{Kind, Object, peek, quote, text};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What an upstream accepts. The default accepts everything.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Rules {
    /// The keywords that are accepted; `None`: all.
    pub keep: Option<&'static [&'static str]>,
    /// Keywords that are left out, whatever `keep` says.
    pub drop: &'static [&'static str],
    /// `$ref` into the schema itself is replaced by what it points to, and definitions are left out.
    pub inline: bool,
    /// `const` is written as an `enum` of one value.
    pub const_to_enum: bool,
    /// Every object gets `additionalProperties: false` and requires all of its properties.
    pub close: bool,
}

impl Rules {
    /// Accepts only these keywords.
    pub const fn keeping(keep: &'static [&'static str]) -> Self {
        Self { keep: Some(keep), drop: &[], inline: false, const_to_enum: false, close: false }
    }

    /// Leaves these keywords out.
    pub const fn dropping(drop: &'static [&'static str]) -> Self {
        Self { keep: None, drop, inline: false, const_to_enum: false, close: false }
    }

    /// Replaces references by what they point to.
    pub const fn inlining(mut self) -> Self {
        self.inline = true;
        self
    }

    /// Writes `const` as an `enum`.
    pub const fn without_const(mut self) -> Self {
        self.const_to_enum = true;
        self
    }

    /// Closes every object.
    pub const fn closing(mut self) -> Self {
        self.close = true;
        self
    }
}

/// A schema that was rewritten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// The schema.
    pub json: String,
    /// What is no longer in it, as paths (`properties.a.minLength`), at most 32 of them; a change that means the same is
    /// not listed.
    pub lost: Vec<String>,
}

/// How deep a schema is followed. Deeper parts, and circles, accept anything.
const DEEPEST: usize = 32;
/// How large a schema may become: references that are inlined can multiply.
const LARGEST: usize = 1 << 20;

/// Keywords whose value is a schema.
const ONE: [&str; 10] = [
    "items",
    "additionalProperties",
    "not",
    "if",
    "then",
    "else",
    "contains",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
];
/// Keywords whose value is a list of schemas.
const LIST: [&str; 4] = ["anyOf", "oneOf", "allOf", "prefixItems"];
/// Keywords whose value names schemas.
const NAMED: [&str; 5] = ["properties", "$defs", "definitions", "patternProperties", "dependentSchemas"];
/// Keywords that say nothing about what is accepted.
const SILENT: [&str; 8] =
    ["$schema", "$id", "$comment", "$anchor", "$defs", "definitions", "examples", "discriminator"];

/// Rewrites a schema; `None` if it is neither an object nor a truth value.
///
/// ```
/// use openai_shim_core::json::schema::{Rules, rewrite};
/// const RULES: Rules = Rules::keeping(&["type", "properties", "enum"]).without_const();
/// let schema = r#"{"type":"object","$schema":"x","properties":{"pattern":{"const":1,"pattern":"a"}}}"#;
/// let out = rewrite(schema, &RULES).unwrap();
/// assert_eq!(out.json, r#"{"type":"object","properties":{"pattern":{"enum":[1]}}}"#);
/// assert_eq!(out.lost, ["properties.pattern.pattern"]);
/// ```
pub fn rewrite(schema: &str, rules: &Rules) -> Option<Rewritten> {
    let root = match peek(schema) {
        Kind::Object => Object::parse(schema.as_bytes()).ok()?,
        Kind::Bool => Object::new(),
        _ => return None,
    };
    let mut walk = Walk { rules, root: &root, lost: Vec::new(), inside: Vec::new(), written: 0 };
    let json = walk.schema(schema, "", 0);
    Some(Rewritten { json, lost: walk.lost })
}

struct Walk<'a> {
    rules: &'a Rules,
    root: &'a Object<'a>,
    lost: Vec<String>,
    /// References that are being inlined.
    inside: Vec<String>,
    written: usize,
}

impl<'a> Walk<'a> {
    fn lose(&mut self, path: &str, key: &str) {
        if self.lost.len() < 32 {
            let dot = if path.is_empty() || key.is_empty() { "" } else { "." };
            let path = format!("{path}{dot}{key}");
            if !self.lost.contains(&path) {
                self.lost.push(path);
            }
        }
    }

    /// One schema, anywhere.
    fn schema(&mut self, schema: &str, path: &str, depth: usize) -> String {
        let Ok(object) = Object::parse(schema.as_bytes()) else {
            // `true` is a schema too, and means `{}`.
            return String::from(if schema.trim() == "false" { "{\"not\":{}}" } else { "{}" });
        };
        self.written += schema.len();
        if depth > DEEPEST || self.written > LARGEST {
            self.lose(path, "");
            return String::from("{}");
        }
        let mut object = object;
        let mut entered = false;
        if self.rules.inline
            && let Some(pointer) = object.str("$ref").map(Cow::into_owned)
        {
            let target = self.target(&pointer);
            match target {
                Some(target) if !self.inside.contains(&pointer) => {
                    self.inside.push(pointer);
                    entered = true;
                    object = over(&target, &object);
                    self.written += object.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
                }
                // A circle, or nothing: anything is accepted there.
                _ => {
                    self.lose(path, "$ref");
                    object.remove("$ref");
                }
            }
        }
        let out = self.object(&merged(object), path, depth);
        if entered {
            self.inside.pop();
        }
        out
    }

    fn object(&mut self, object: &Object<'_>, path: &str, depth: usize) -> String {
        let mut out = Object::new();
        for (key, value) in object.iter() {
            let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
            if key == "const" && self.rules.const_to_enum {
                out.set("enum", format!("[{value}]"));
                continue;
            }
            if self.rules.inline && matches!(key, "$defs" | "definitions") {
                continue;
            }
            let refused =
                self.rules.drop.contains(&key) || self.rules.keep.is_some_and(|k| !k.contains(&key));
            if refused {
                if !SILENT.contains(&key) {
                    self.lose(path, key);
                }
                continue;
            }
            let written = match peek(value) {
                Kind::Object if ONE.contains(&key) => self.schema(value, &below(key), depth + 1),
                Kind::Object if NAMED.contains(&key) => {
                    let mut named = Object::new();
                    let inner = Object::parse(value.as_bytes()).unwrap_or_default();
                    for (name, schema) in inner.iter() {
                        let at = format!("{}.{name}", below(key));
                        named.set(name, self.schema(schema, &at, depth + 1));
                    }
                    named.into_owned().to_json()
                }
                Kind::Array if LIST.contains(&key) || key == "items" => {
                    let items: Vec<&RawValue> = serde_json::from_str(value).unwrap_or_default();
                    let items: Vec<_> = items
                        .into_iter()
                        .enumerate()
                        .map(|(i, item)| self.schema(item.get(), &format!("{}[{i}]", below(key)), depth + 1))
                        .collect();
                    format!("[{}]", items.join(","))
                }
                _ => value.to_owned(),
            };
            out.set(key, written);
        }
        if self.rules.close
            && let Some(properties) = out.object("properties")
        {
            let names: Vec<_> = properties.iter().map(|(name, _)| quote(name)).collect();
            let names = format!("[{}]", names.join(","));
            out.set("additionalProperties", "false");
            out.set("required", names);
        }
        out.to_json()
    }

    /// What a reference into the schema points to.
    fn target(&self, pointer: &str) -> Option<Object<'a>> {
        if pointer == "#" {
            return Some(self.root.clone());
        }
        let mut parts =
            pointer.strip_prefix("#/")?.split('/').map(|p| p.replace("~1", "/").replace("~0", "~"));
        let mut raw: &'a str = self.root.get(&parts.next()?)?;
        for part in parts {
            raw = Object::parse(raw.as_bytes()).ok()?.original(&part)?;
        }
        Object::parse(raw.as_bytes()).ok()
    }
}

/// The members of a reference's target, with those that stand beside the reference put over them.
fn over(target: &Object<'_>, beside: &Object<'_>) -> Object<'static> {
    let mut out = target.clone().into_owned();
    for (key, value) in beside.iter().filter(|(key, _)| *key != "$ref") {
        out.set(key.to_owned(), value.to_owned());
    }
    out
}

/// A schema whose `allOf` has one item says what that item says.
fn merged(object: Object<'_>) -> Object<'static> {
    let only = match object.array("allOf").as_deref() {
        Some([only]) => Object::parse(only.as_bytes()).ok().map(Object::into_owned),
        _ => None,
    };
    let mut out = object.into_owned();
    if let Some(only) = only
        && only.iter().all(|(key, _)| key != "$ref" && out.get(key).is_none())
    {
        out.remove("allOf");
        for (key, value) in only.iter() {
            out.set(key.to_owned(), value.to_owned());
        }
    }
    out
}

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
        let written = match (key, peek(value)) {
            ("type", Kind::String) => {
                let word = text(value).unwrap_or_default().to_ascii_lowercase();
                if nullable { format!("[{},\"null\"]", quote(&word)) } else { quote(&word) }
            }
            ("nullable" | "propertyOrdering", _) => continue,
            // 64-bit numbers are texts there.
            (
                "minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties" | "maxProperties",
                Kind::String,
            ) => text(value).unwrap_or_default().into_owned(),
            (_, Kind::Object) if ONE.contains(&key) => openapi(value, depth + 1),
            (_, Kind::Object) if NAMED.contains(&key) => {
                let inner = Object::parse(value.as_bytes()).unwrap_or_default();
                let mut named = Object::new();
                for (name, schema) in inner.iter() {
                    named.set(name, openapi(schema, depth + 1));
                }
                named.into_owned().to_json()
            }
            (_, Kind::Array) if LIST.contains(&key) => {
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

    const PLAIN: Rules = Rules::keeping(&[
        "type",
        "properties",
        "items",
        "anyOf",
        "enum",
        "required",
        "description",
        "additionalProperties",
    ])
    .inlining()
    .without_const();

    #[test]
    fn references_are_inlined_and_circles_end() {
        let schema = r##"{"$defs":{"node":{"type":"object","properties":{"next":{"$ref":"#/$defs/node"},"n":{"type":"integer","minimum":1}}}},
            "type":"object","properties":{"head":{"$ref":"#/$defs/node","description":"first"}}}"##;
        let out = rewrite(schema, &PLAIN).unwrap();
        assert_eq!(
            out.json,
            r#"{"type":"object","properties":{"head":{"type":"object","properties":{"next":{},"n":{"type":"integer"}},"description":"first"}}}"#
        );
        assert_eq!(
            out.lost,
            ["properties.head.properties.next.$ref", "properties.head.properties.n.minimum"]
        );
    }

    #[test]
    fn references_that_multiply_are_bounded() {
        let mut defs = vec![String::from(r#""d0":{"type":"string"}"#)];
        for n in 1..40 {
            let below = format!(r##"{{"$ref":"#/$defs/d{}"}}"##, n - 1);
            defs.push(format!(r#""d{n}":{{"anyOf":[{below},{below},{below},{below}]}}"#));
        }
        let schema = format!(r##"{{"$defs":{{{}}},"$ref":"#/$defs/d39"}}"##, defs.join(","));
        let out = rewrite(&schema, &PLAIN).unwrap();
        assert!(out.json.len() < 16 << 20 && !out.lost.is_empty());
    }

    #[test]
    fn names_of_properties_are_no_keywords() {
        let schema = r#"{"type":"object","properties":{"$schema":{"type":"string"},"const":{"type":"string"},"title":true}}"#;
        let out = rewrite(schema, &PLAIN).unwrap();
        assert!(out.lost.is_empty());
        assert_eq!(
            out.json,
            r#"{"type":"object","properties":{"$schema":{"type":"string"},"const":{"type":"string"},"title":{}}}"#
        );
    }

    #[test]
    fn objects_are_closed_at_every_depth() {
        let rules = Rules::default().closing();
        let schema = r#"{"type":"object","properties":{"a":{"type":"array","items":{"type":"object","properties":{"b":{}}}}}}"#;
        assert_eq!(
            rewrite(schema, &rules).unwrap().json,
            r#"{"type":"object","properties":{"a":{"type":"array","items":{"type":"object","properties":{"b":{}},"additionalProperties":false,"required":["b"]}}},"additionalProperties":false,"required":["a"]}"#
        );
    }

    #[test]
    fn openapi_becomes_json_schema() {
        let schema = r#"{"type":"OBJECT","properties":{"type":{"type":"STRING","nullable":true},"l":{"type":"ARRAY","items":{"type":"INTEGER"},"maxItems":"3"}},"propertyOrdering":["l"]}"#;
        assert_eq!(
            from_openapi(schema),
            r#"{"type":"object","properties":{"type":{"type":["string","null"]},"l":{"type":"array","items":{"type":"integer"},"maxItems":3}}}"#
        );
    }

    #[test]
    fn what_is_no_schema_is_none() {
        assert_eq!(rewrite("[]", &PLAIN), None);
        assert_eq!(rewrite("true", &PLAIN).unwrap().json, "{}");
    }
}
