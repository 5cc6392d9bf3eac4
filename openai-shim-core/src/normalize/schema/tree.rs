//! A JSON schema as a tree: the schemas in it at the keywords that have schemas, and all other values as raw JSON.

use crate::json::{Object, ValueKind, decode_string, encode_string, items, value_kind};
use std::borrow::Cow;

/// How many levels of a schema are read; deeper parts stay raw JSON.
pub(super) const MAX_DEPTH: usize = 32;

/// Keywords whose value is a schema, a list of schemas, or a map of schemas. `items` may be a list, too.
const SCHEMA_KEYWORDS: [&str; 11] = [
    "items",
    "additionalProperties",
    "not",
    "if",
    "then",
    "else",
    "contains",
    "propertyNames",
    "additionalItems",
    "unevaluatedItems",
    "unevaluatedProperties",
];
const LIST_KEYWORDS: [&str; 5] = ["anyOf", "oneOf", "allOf", "prefixItems", "items"];
const MAP_KEYWORDS: [&str; 5] =
    ["properties", "$defs", "definitions", "patternProperties", "dependentSchemas"];

/// The keys and values of a map of schemas.
pub(super) type Members<'s> = Vec<(Cow<'s, str>, Value<'s>)>;

/// A schema that is an object: its keywords, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Schema<'s> {
    members: Members<'s>,
}

/// The value of a keyword, or an item of one.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'s> {
    /// Raw JSON: no schema, or a Boolean one.
    Json(Cow<'s, str>),
    /// One schema.
    Schema(Schema<'s>),
    /// A list of schemas.
    List(Vec<Value<'s>>),
    /// A map of schemas.
    Map(Members<'s>),
}

impl<'s> Value<'s> {
    fn parse(keyword: &str, json: Cow<'s, str>, depth: usize) -> Self {
        let (Cow::Borrowed(text), true) = (&json, depth < MAX_DEPTH) else { return Self::Json(json) };
        let parsed = match value_kind(text) {
            ValueKind::Object if SCHEMA_KEYWORDS.contains(&keyword) => {
                Schema::parse_at(text, depth + 1).map(Self::Schema)
            }
            ValueKind::Object if MAP_KEYWORDS.contains(&keyword) => {
                let members = Object::parse(text.as_bytes()).map(Object::into_members).ok();
                let parse_member = |(key, json)| (key, Self::parse_item(json, depth));
                members.map(|members| Self::Map(members.into_iter().map(parse_member).collect()))
            }
            ValueKind::Array if LIST_KEYWORDS.contains(&keyword) => items(text).map(|items| {
                Self::List(
                    items.into_iter().map(|item| Self::parse_item(Cow::Borrowed(item), depth)).collect(),
                )
            }),
            _ => None,
        };
        parsed.unwrap_or(Self::Json(json))
    }

    fn parse_item(json: Cow<'s, str>, depth: usize) -> Self {
        let schema = match &json {
            Cow::Borrowed(text) => Schema::parse_at(text, depth + 1),
            Cow::Owned(_) => None,
        };
        schema.map_or(Self::Json(json), Self::Schema)
    }

    /// A value that is a string.
    pub(super) fn string(text: &str) -> Self {
        Self::Json(Cow::Owned(encode_string(text)))
    }

    /// The schema that accepts only `null`.
    pub(super) fn null_schema() -> Self {
        let mut schema = Schema::default();
        schema.set("type", Self::string("null"));
        Self::Schema(schema)
    }

    pub(super) fn as_json(&self) -> Option<&str> {
        match self {
            Self::Json(json) => Some(json.trim()),
            _ => None,
        }
    }

    pub(super) fn as_schema(&self) -> Option<&Schema<'s>> {
        match self {
            Self::Schema(schema) => Some(schema),
            _ => None,
        }
    }

    pub(super) fn write(&self, out: &mut String) {
        match self {
            Self::Json(json) => out.push_str(json),
            Self::Schema(schema) => schema.write(out),
            Self::List(list) => {
                out.push('[');
                for (i, item) in list.iter().enumerate() {
                    out.push_str(if i == 0 { "" } else { "," });
                    item.write(out);
                }
                out.push(']');
            }
            Self::Map(members) => write_members(members, out),
        }
    }

    pub(super) fn to_json(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }
}

impl<'s> Schema<'s> {
    /// Parses a schema; `None` if it is not an object.
    pub(super) fn parse(json: &'s str) -> Option<Self> {
        Self::parse_at(json, 0)
    }

    /// Parses a schema that is `depth` levels below the root.
    pub(super) fn parse_at(json: &'s str, depth: usize) -> Option<Self> {
        if value_kind(json) != ValueKind::Object {
            return None;
        }
        let members = Object::parse(json.as_bytes()).ok()?.into_members().into_iter();
        let parse_member = |(key, json): (Cow<'s, str>, _)| {
            let value = Value::parse(&key, json, depth);
            (key, value)
        };
        Some(Self { members: members.map(parse_member).collect() })
    }

    pub(super) fn get(&self, keyword: &str) -> Option<&Value<'s>> {
        self.members.iter().rev().find(|(key, _)| key == keyword).map(|(_, value)| value)
    }

    pub(super) fn get_mut(&mut self, keyword: &str) -> Option<&mut Value<'s>> {
        self.members.iter_mut().rev().find(|(key, _)| key == keyword).map(|(_, value)| value)
    }

    pub(super) fn has(&self, keyword: &str) -> bool {
        self.get(keyword).is_some()
    }

    /// Sets a keyword, in place if the schema has it and else at the end.
    pub(super) fn set(&mut self, keyword: impl Into<Cow<'s, str>>, value: Value<'s>) {
        let keyword = keyword.into();
        match self.get_mut(&keyword) {
            Some(slot) => *slot = value,
            None => self.members.push((keyword, value)),
        }
    }

    /// Sets a keyword, before all others if the schema does not have it.
    pub(super) fn set_first(&mut self, keyword: &'static str, value: Value<'s>) {
        match self.get_mut(keyword) {
            Some(slot) => *slot = value,
            None => self.members.insert(0, (Cow::Borrowed(keyword), value)),
        }
    }

    pub(super) fn remove(&mut self, keyword: &str) -> Option<Value<'s>> {
        let at = self.members.iter().rposition(|(key, _)| key == keyword)?;
        let (_, value) = self.members.remove(at);
        self.members.retain(|(key, _)| key != keyword);
        Some(value)
    }

    /// Gives the key of a keyword another name.
    pub(super) fn rename(&mut self, from: &str, to: &'static str) {
        self.members.iter_mut().filter(|(key, _)| key == from).for_each(|(key, _)| *key = Cow::Borrowed(to));
    }

    /// Removes the keywords for which `keep` returns false, and returns them.
    pub(super) fn extract(&mut self, mut keep: impl FnMut(&str, &Value<'s>) -> bool) -> Members<'s> {
        if self.members.iter().all(|(key, value)| keep(key, value)) {
            return Vec::new();
        }
        let members = std::mem::take(&mut self.members);
        let (accepted, removed) = members.into_iter().partition(|(key, value)| keep(key, value));
        self.members = accepted;
        removed
    }

    pub(super) fn keywords(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(key, _)| key.as_ref())
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = (&str, &mut Value<'s>)> {
        self.members.iter_mut().map(|(key, value)| (&**key, value))
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Value<'s>> {
        self.members.iter().map(|(_, value)| value)
    }

    pub(super) fn into_members(self) -> Members<'s> {
        self.members
    }

    /// The text of a keyword whose value is a string.
    pub(super) fn text(&self, keyword: &str) -> Option<Cow<'_, str>> {
        self.get(keyword)?.as_json().and_then(decode_string)
    }

    /// The texts of a keyword whose value is a string or a list of strings.
    pub(super) fn texts(&self, keyword: &str) -> Vec<Cow<'_, str>> {
        match self.get(keyword) {
            // A list that a rule has changed.
            Some(Value::List(list)) => {
                list.iter().filter_map(Value::as_json).filter_map(decode_string).collect()
            }
            Some(Value::Json(json)) => match decode_string(json) {
                Some(text) => vec![text],
                None => items(json).unwrap_or_default().into_iter().filter_map(decode_string).collect(),
            },
            _ => Vec::new(),
        }
    }

    /// Whether the schema names a type, alone or in a list.
    pub(super) fn has_type(&self, name: &str) -> bool {
        self.texts("type").iter().any(|known| known == name)
    }

    /// The schemas of a keyword that has a list of them.
    pub(super) fn list_mut(&mut self, keyword: &str) -> Option<&mut Vec<Value<'s>>> {
        match self.get_mut(keyword)? {
            Value::List(list) => Some(list),
            _ => None,
        }
    }

    /// The schemas of a keyword that has a map of them.
    pub(super) fn map(&self, keyword: &str) -> Option<&Members<'s>> {
        match self.get(keyword)? {
            Value::Map(members) => Some(members),
            _ => None,
        }
    }

    pub(super) fn write(&self, out: &mut String) {
        write_members(&self.members, out);
    }
}

fn write_members(members: &Members<'_>, out: &mut String) {
    out.push('{');
    for (i, (key, value)) in members.iter().enumerate() {
        out.push_str(if i == 0 { "" } else { "," });
        out.push_str(&encode_string(key));
        out.push(':');
        value.write(out);
    }
    out.push('}');
}
