//! Generates the smallest value that a JSON schema accepts, for simple schemas: schema in, JSON out.

use openai_shim_core::json::{Object, ValueKind, encode_string, string_or_json, value_kind};

/// The deepest nesting that is generated: schemas may contain themselves.
const MAX_DEPTH: usize = 16;
/// The largest `minLength` or `minItems` that is honoured.
const MAX_COUNT: u64 = 64;

/// A value for the schema of a tool's parameters; always an object.
pub(super) fn example(schema: &str) -> String {
    let Ok(root) = Object::parse(schema.as_bytes()) else { return String::from("{}") };
    let value = ExampleGenerator { root: &root }.value(&root, 0);
    if value_kind(&value) == ValueKind::Object { value } else { String::from("{}") }
}

struct ExampleGenerator<'a> {
    /// The schema at which references start.
    root: &'a Object<'a>,
}

impl ExampleGenerator<'_> {
    fn value(&self, schema: &Object<'_>, depth: usize) -> String {
        if depth > MAX_DEPTH {
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
        if let Some(referred) = schema.str("$ref").and_then(|reference| self.resolve(&reference)) {
            return self.value(&referred, depth + 1);
        }
        for key in ["anyOf", "oneOf", "allOf"] {
            let first = schema.array(key).and_then(|list| list.first().map(|v| (*v).to_owned()));
            if let Some(first) = first {
                return self.nested(&first, depth);
            }
        }
        match first_type(schema).as_str() {
            "string" => encode_string(&"x".repeat(bounded_count(schema, "minLength"))),
            "number" | "integer" => number(schema),
            "boolean" => String::from("false"),
            "null" => String::from("null"),
            "array" => {
                let item =
                    schema.get("items").map_or_else(|| String::from("null"), |item| self.nested(item, depth));
                format!("[{}]", vec![item; bounded_count(schema, "minItems")].join(","))
            }
            _ => self.object(schema, depth),
        }
    }

    fn nested(&self, schema: &str, depth: usize) -> String {
        // `true` is a schema, too, and accepts anything.
        Object::parse(schema.as_bytes()).map_or_else(|_| String::from("null"), |s| self.value(&s, depth + 1))
    }

    fn object(&self, schema: &Object<'_>, depth: usize) -> String {
        let properties = schema.object("properties").unwrap_or_default();
        let required = schema.array("required").unwrap_or_default();
        let members = required.into_iter().map(string_or_json).map(|name| {
            let value = properties.get(&name).map_or_else(|| String::from("null"), |s| self.nested(s, depth));
            format!("{}:{value}", encode_string(&name))
        });
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }

    /// The schema that a reference such as `#/$defs/Name` points to.
    fn resolve(&self, reference: &str) -> Option<Object<'static>> {
        let mut schema = self.root.clone().into_owned();
        for key in reference.strip_prefix("#")?.split('/').filter(|key| !key.is_empty()) {
            schema = schema.object(&key.replace("~1", "/").replace("~0", "~"))?.into_owned();
        }
        Some(schema)
    }
}

/// The first type of a schema that is not `null`.
fn first_type(schema: &Object<'_>) -> String {
    let types = match schema.array("type") {
        Some(types) => types.into_iter().map(|t| string_or_json(t).into_owned()).collect(),
        None => vec![schema.str("type").unwrap_or_default().into_owned()],
    };
    types.iter().find(|kind| *kind != "null").or(types.first()).cloned().unwrap_or_default()
}

fn bounded_count(schema: &Object<'_>, key: &str) -> usize {
    usize::try_from(schema.u64(key).unwrap_or_default().min(MAX_COUNT)).unwrap_or_default()
}

/// Zero, or the number nearest to it within the bounds.
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
    fn optional_properties_are_omitted() {
        let schema = r#"{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"integer"}},"required":["b"]}"#;
        assert_eq!(example(schema), r#"{"b":0}"#);
        assert_eq!(example("{}"), "{}");
        assert_eq!(example("[]"), "{}");
    }

    #[test]
    fn each_type_gives_its_smallest_value() {
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
    fn references_are_followed_up_to_a_depth() {
        let schema = r##"{"type":"object","properties":{"p":{"$ref":"#/$defs/P"}},"required":["p"],
            "$defs":{"P":{"type":"object","properties":{"x":{"type":"integer"}},"required":["x"]}}}"##;
        assert_eq!(example(schema), r#"{"p":{"x":0}}"#);
        let endless = r##"{"type":"object","properties":{"self":{"$ref":"#"}},"required":["self"]}"##;
        assert!(
            example(endless).ends_with(&format!("null{}", "}".repeat(example(endless).matches('{').count())))
        );
    }
}
