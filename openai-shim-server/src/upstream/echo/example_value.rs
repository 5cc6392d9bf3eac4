//! The smallest value that a JSON schema accepts, as far as the schema is simple.

use openai_shim_core::json::{Object, ValueKind, encode_string, string_or_json, value_kind};

/// Schemas may contain themselves; nobody nests arguments deeper.
const DEEPEST: usize = 16;
/// What a schema may ask for in length or number.
const MOST: u64 = 64;

/// A value for the schema of a tool's parameters, which is always an object.
pub(super) fn example(schema: &str) -> String {
    let Ok(root) = Object::parse(schema.as_bytes()) else { return String::from("{}") };
    let value = Schemas { root: &root }.value(&root, 0);
    if value_kind(&value) == ValueKind::Object { value } else { String::from("{}") }
}

struct Schemas<'a> {
    /// Where references start.
    root: &'a Object<'a>,
}

impl Schemas<'_> {
    fn value(&self, schema: &Object<'_>, depth: usize) -> String {
        if depth > DEEPEST {
            return String::from("null");
        }
        for key in ["const", "default"] {
            if let Some(value) = schema.get(key) {
                return value.to_owned();
            }
        }
        if let Some(first) = schema.array("enum").and_then(|values| values.first().map(|v| (*v).to_owned())) {
            return first;
        }
        if let Some(referred) = schema.str("$ref").and_then(|reference| self.find(&reference)) {
            return self.value(&referred, depth + 1);
        }
        for key in ["anyOf", "oneOf", "allOf"] {
            let first = schema.array(key).and_then(|list| list.first().map(|v| (*v).to_owned()));
            if let Some(first) = first {
                return self.below(&first, depth);
            }
        }
        match kind(schema).as_str() {
            "string" => encode_string(&"x".repeat(at_least(schema, "minLength"))),
            "number" | "integer" => number(schema),
            "boolean" => String::from("false"),
            "null" => String::from("null"),
            "array" => {
                let item =
                    schema.get("items").map_or_else(|| String::from("null"), |item| self.below(item, depth));
                format!("[{}]", vec![item; at_least(schema, "minItems")].join(","))
            }
            _ => self.object(schema, depth),
        }
    }

    fn below(&self, schema: &str, depth: usize) -> String {
        // `true` is a schema too, and accepts anything.
        Object::parse(schema.as_bytes()).map_or_else(|_| String::from("null"), |s| self.value(&s, depth + 1))
    }

    fn object(&self, schema: &Object<'_>, depth: usize) -> String {
        let properties = schema.object("properties").unwrap_or_default();
        let required = schema.array("required").unwrap_or_default();
        let members = required.into_iter().map(string_or_json).map(|name| {
            let value = properties.get(&name).map_or_else(|| String::from("null"), |s| self.below(s, depth));
            format!("{}:{value}", encode_string(&name))
        });
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }

    /// What `#/$defs/Name` refers to.
    fn find(&self, reference: &str) -> Option<Object<'static>> {
        let mut at = self.root.clone().into_owned();
        for key in reference.strip_prefix("#")?.split('/').filter(|key| !key.is_empty()) {
            at = at.object(&key.replace("~1", "/").replace("~0", "~"))?.into_owned();
        }
        Some(at)
    }
}

/// The first of its types that is not `null`.
fn kind(schema: &Object<'_>) -> String {
    let types = match schema.array("type") {
        Some(types) => types.into_iter().map(|t| string_or_json(t).into_owned()).collect(),
        None => vec![schema.str("type").unwrap_or_default().into_owned()],
    };
    types.iter().find(|kind| *kind != "null").or(types.first()).cloned().unwrap_or_default()
}

fn at_least(schema: &Object<'_>, key: &str) -> usize {
    usize::try_from(schema.u64(key).unwrap_or_default().min(MOST)).unwrap_or_default()
}

/// Zero, or the nearest number within the bounds.
fn number(schema: &Object<'_>) -> String {
    let bound = |key: &str| schema.get(key).and_then(|v| v.trim().parse::<f64>().ok());
    let low = bound("minimum").or(bound("exclusiveMinimum").map(|low| low.floor() + 1.0));
    let high = bound("maximum").or(bound("exclusiveMaximum").map(|high| high.ceil() - 1.0));
    match (low, high) {
        (Some(low), _) if low > 0.0 => low.to_string(),
        (_, Some(high)) if high < 0.0 => high.to_string(),
        _ => String::from("0"),
    }
}

#[cfg(test)]
mod tests {
    use super::example;

    #[test]
    fn only_what_is_required_is_there() {
        let schema = r#"{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"integer"}},"required":["b"]}"#;
        assert_eq!(example(schema), r#"{"b":0}"#);
        assert_eq!(example("{}"), "{}");
        assert_eq!(example("[]"), "{}");
    }

    #[test]
    fn every_type_has_its_smallest_value() {
        for (schema, value) in [
            (r#"{"type":"string"}"#, r#""""#),
            (r#"{"type":"string","minLength":2}"#, r#""xx""#),
            (r#"{"enum":["b","a"]}"#, r#""b""#),
            (r#"{"const":7}"#, "7"),
            (r#"{"type":"integer","minimum":3}"#, "3"),
            (r#"{"type":"integer","exclusiveMinimum":0}"#, "1"),
            (r#"{"type":"number","minimum":0.5}"#, "0.5"),
            (r#"{"type":"number","maximum":-2}"#, "-2"),
            (r#"{"type":"boolean"}"#, "false"),
            (r#"{"type":["null","string"]}"#, r#""""#),
            (r#"{"type":"array","items":{"type":"integer"}}"#, "[]"),
            (r#"{"type":"array","items":{"type":"integer"},"minItems":2}"#, "[0,0]"),
            (r#"{"anyOf":[{"type":"boolean"},{"type":"null"}]}"#, "false"),
            ("true", "null"),
        ] {
            let outer = format!(r#"{{"type":"object","properties":{{"v":{schema}}},"required":["v"]}}"#);
            assert_eq!(example(&outer), format!(r#"{{"v":{value}}}"#), "{schema}");
        }
    }

    #[test]
    fn references_are_followed_but_not_for_ever() {
        let schema = r##"{"type":"object","properties":{"p":{"$ref":"#/$defs/P"}},"required":["p"],
            "$defs":{"P":{"type":"object","properties":{"x":{"type":"integer"}},"required":["x"]}}}"##;
        assert_eq!(example(schema), r#"{"p":{"x":0}}"#);
        let endless = r##"{"type":"object","properties":{"self":{"$ref":"#"}},"required":["self"]}"##;
        assert!(
            example(endless).ends_with(&format!("null{}", "}".repeat(example(endless).matches('{').count())))
        );
    }
}
