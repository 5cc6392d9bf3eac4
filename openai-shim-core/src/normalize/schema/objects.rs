//! Object and array schemas with the members that an upstream requires: `type`, `properties`, `items`, `required`,
//! `additionalProperties`.

use super::changes::Changes;
use super::tree::{Schema, Value};
use crate::accepts::{AnyOfSiblings, ObjectSupport, SchemaRules};
use crate::json::{ValueKind, items, value_kind};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Gives the root the type `object`.
pub(super) fn type_root(schema: &mut Schema<'_>, rules: &SchemaRules, changes: &mut Changes) {
    // A type that was moved into the branches stays there.
    let is_in_branches = rules.any_of_siblings != AnyOfSiblings::Any && schema.has("anyOf");
    if !rules.root_object || is_in_branches || schema.text("type").as_deref() == Some("object") {
        return;
    }
    // What an object is for cannot be null, so that nothing is lost with the type `null`.
    if schema.has("type") && !schema.has_type("object") {
        changes.lose("type");
    }
    schema.set_first("type", Value::string("object"));
    changes.mark();
}

/// Adds the empty `properties` of an object schema, and the `items` of an array schema, which accept everything.
pub(super) fn add_members(schema: &mut Schema<'_>, rules: &SchemaRules, changes: &mut Changes) {
    if !rules.require_members || schema.has("$ref") {
        return;
    }
    if schema.has_type("object") && !matches!(schema.get("properties"), Some(Value::Map(_))) {
        schema.set("properties", Value::Map(Vec::new()));
        changes.mark();
    }
    if schema.has_type("array") && !schema.has("items") && !schema.has("prefixItems") {
        schema.set("items", Value::Schema(Schema::default()));
        changes.mark();
    }
}

/// Names the type of a schema that has none, by the values that it accepts.
pub(super) fn add_type(schema: &mut Schema<'_>, changes: &mut Changes) {
    if ["type", "anyOf", "oneOf", "allOf", "$ref"].iter().any(|keyword| schema.has(keyword)) {
        return;
    }
    let values: Vec<&str> = match (schema.get("const"), schema.get("enum")) {
        (Some(value), _) => value.as_json().into_iter().collect(),
        (None, Some(Value::List(list))) => list.iter().filter_map(Value::as_json).collect(),
        (None, Some(list)) => list.as_json().and_then(items).unwrap_or_default(),
        (None, None) => Vec::new(),
    };
    let mut names: Vec<&str> = Vec::new();
    for value in values {
        let name = type_of(value);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let is_known = !names.is_empty();
    if schema.has("properties") {
        names = vec!["object"];
    } else if schema.has("items") {
        names = vec!["array"];
    } else if !is_known {
        // An object or array would be one of which nothing else is known.
        names = vec!["string", "number", "boolean", "null"];
        changes.lose("type");
    }
    let list = |names: Vec<&str>| Value::List(names.into_iter().map(Value::string).collect());
    schema.set_first("type", if let [name] = names.as_slice() { Value::string(name) } else { list(names) });
    changes.mark();
}

/// The type of a JSON value.
fn type_of(json: &str) -> &'static str {
    match value_kind(json) {
        ValueKind::String => "string",
        ValueKind::Number => "number",
        ValueKind::Bool => "boolean",
        ValueKind::Null => "null",
        ValueKind::Array => "array",
        ValueKind::Object => "object",
    }
}

/// Allows no other properties than the known ones, and requires all of them where the rules demand that.
pub(super) fn close(schema: &mut Schema<'_>, rules: &SchemaRules, changes: &mut Changes) {
    let properties = schema.map("properties");
    let is_object = schema.has_type("object") || (!schema.has("type") && properties.is_some());
    if rules.objects == ObjectSupport::Any || !is_object {
        return;
    }
    let names: Vec<Cow<'_, str>> =
        properties.into_iter().flatten().map(|(name, _)| Cow::Owned(name.to_string())).collect();
    let others = schema.get("additionalProperties");
    if others.and_then(Value::as_json) != Some("false") {
        // An object that is a map, or any object, can now only be empty.
        if others.is_some() || names.is_empty() {
            changes.lose("additionalProperties");
        }
        schema.set("additionalProperties", Value::Json(Cow::Borrowed("false")));
        changes.mark();
    }
    if rules.objects == ObjectSupport::Required {
        let texts = schema.texts("required");
        let required: BTreeSet<_> = texts.iter().map(AsRef::as_ref).collect();
        if !names.iter().all(|name| required.contains(name.as_ref())) {
            set_names(schema, "required", &names);
            changes.lose("required");
        } else if names.is_empty() && !schema.has("required") {
            set_names(schema, "required", &[]);
            changes.mark();
        }
    }
}

/// Sets a keyword to a list of names.
pub(super) fn set_names(schema: &mut Schema<'_>, keyword: &'static str, names: &[Cow<'_, str>]) {
    let list = names.iter().map(|name| Value::string(name)).collect();
    schema.set(keyword, Value::List(list));
}

/// Replaces Boolean schemas by ones that are objects, below keywords that have no other Booleans.
pub(super) fn replace_booleans(schema: &mut Schema<'_>, changes: &mut Changes) {
    let is_open = |keyword: &str| {
        matches!(
            keyword,
            "items" | "contains" | "not" | "if" | "then" | "else" | "propertyNames" | "additionalItems"
        )
    };
    for (keyword, value) in schema.values_mut() {
        let lists_alternatives = matches!(keyword, "anyOf" | "oneOf");
        match value {
            Value::Map(members) => {
                members.retain(|(name, value)| {
                    let is_never = value.as_json() == Some("false");
                    if is_never {
                        changes.lose(name);
                    }
                    !is_never
                });
                for (_, value) in members {
                    open_boolean(value, changes);
                }
            }
            Value::List(list) => {
                let before = list.len();
                list.retain(|value| value.as_json() != Some("false"));
                if list.len() < before && !lists_alternatives {
                    changes.lose(keyword);
                } else if list.len() < before {
                    changes.mark();
                }
                for value in list {
                    open_boolean(value, changes);
                }
            }
            Value::Json(_) if is_open(keyword) => open_boolean(value, changes),
            _ => {}
        }
    }
    let removed = schema.extract(|keyword, value| !(is_open(keyword) && value.as_json() == Some("false")));
    for (keyword, _) in removed {
        changes.lose(&keyword);
    }
}

fn open_boolean(value: &mut Value<'_>, changes: &mut Changes) {
    if value.as_json() == Some("true") {
        *value = Value::Schema(Schema::default());
        changes.mark();
    }
}
