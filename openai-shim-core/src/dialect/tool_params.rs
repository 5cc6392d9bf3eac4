//! The parameters of tools whose schema a vendor defines: a table to a JSON schema, and a model's arguments to an object whose
//! members have the types of the table.

use crate::json::{Object, ValueKind, decode_string, encode_string, number, string_or_json, value_kind};

/// The members of an object.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ParamSet {
    pub(super) params: &'static [Param],
    /// What the member `type` selects; empty if the members do not depend on it.
    pub(super) variants: &'static [Variant],
}

/// One member of an object.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Param {
    pub(super) name: &'static str,
    pub(super) kind: ParamKind,
    pub(super) is_required: bool,
    pub(super) description: &'static str,
}

/// The type of a member.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ParamKind {
    Text,
    OneOf(&'static [&'static str]),
    Integer,
    Number,
    Boolean,
    /// A text, a number or a boolean.
    Scalar,
    /// A list of texts. A single text becomes a list of these texts and itself.
    Texts(&'static [&'static str]),
    Integers,
    /// An object of texts.
    TextMap,
    Object(&'static ParamSet),
    Objects(&'static ParamSet),
}

/// What an object with one value of `type` has.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Variant {
    /// The value of `type`.
    pub(super) name: &'static str,
    pub(super) required: &'static [&'static str],
    /// Members that are filled in where they are missing, as JSON.
    pub(super) defaults: &'static [(&'static str, &'static str)],
}

/// A member that must be there.
pub(super) const fn required(name: &'static str, kind: ParamKind, description: &'static str) -> Param {
    Param { name, kind, is_required: true, description }
}

/// A member that may be missing.
pub(super) const fn optional(name: &'static str, kind: ParamKind, description: &'static str) -> Param {
    Param { name, kind, is_required: false, description }
}

impl ParamSet {
    /// Members that do not depend on `type`.
    pub(super) const fn of(params: &'static [Param]) -> Self {
        Self { params, variants: &[] }
    }

    /// The JSON schema of the object.
    pub(super) fn schema(&self) -> String {
        self.schema_without(&[])
    }

    /// The JSON schema of the object without some members.
    pub(super) fn schema_without(&self, excluded: &[&str]) -> String {
        self.object_schema(excluded).to_json()
    }

    fn object_schema(&self, excluded: &[&str]) -> Object<'static> {
        let (mut properties, mut required) = (Object::new(), Vec::new());
        for param in self.params.iter().filter(|param| !excluded.contains(&param.name)) {
            properties.set(param.name, param.schema());
            if param.is_required {
                required.push(encode_string(param.name));
            }
        }
        let mut schema = Object::new();
        schema.set("type", "\"object\"");
        schema.set("properties", properties.to_json());
        if !required.is_empty() {
            schema.set("required", format!("[{}]", required.join(",")));
        }
        schema.set("additionalProperties", "false");
        schema
    }

    /// The object with members of the right types. `None` if a required member is missing or cannot be read; an optional one is
    /// left out then. Members that are not in the table stay.
    pub(super) fn conform(&self, object: &Object<'_>) -> Option<Object<'static>> {
        let mut conforming = Object::new();
        for (key, value) in object.iter().filter(|(_, value)| value_kind(value) != ValueKind::Null) {
            match self.params.iter().find(|param| param.name == key) {
                Some(param) => {
                    if let Some(value) = param.kind.conform(value) {
                        conforming.set(param.name, value);
                    }
                }
                None => conforming.set(key.to_owned(), value.to_owned()),
            }
        }
        let has = |object: &Object<'_>, name: &str| object.get(name).is_some();
        if !self.variants.is_empty() {
            let name = conforming.str("type")?.into_owned();
            let variant = self.variants.iter().find(|variant| variant.name == name)?;
            for (key, value) in variant.defaults {
                if !has(&conforming, key) {
                    conforming.set(*key, *value);
                }
            }
            if !variant.required.iter().all(|name| has(&conforming, name)) {
                return None;
            }
        }
        let is_complete =
            self.params.iter().filter(|param| param.is_required).all(|param| has(&conforming, param.name));
        is_complete.then_some(conforming)
    }
}

impl Param {
    fn schema(&self) -> String {
        let of_type = |name: &str| {
            let mut schema = Object::new();
            schema.set("type", encode_string(name));
            schema
        };
        let mut schema = match &self.kind {
            ParamKind::Text => of_type("string"),
            ParamKind::OneOf(values) => {
                let mut schema = of_type("string");
                let values: Vec<_> = values.iter().map(|value| encode_string(value)).collect();
                schema.set("enum", format!("[{}]", values.join(",")));
                schema
            }
            ParamKind::Integer => of_type("integer"),
            ParamKind::Number => of_type("number"),
            ParamKind::Boolean => of_type("boolean"),
            ParamKind::Scalar => {
                let mut schema = Object::new();
                schema.set("anyOf", r#"[{"type":"string"},{"type":"number"},{"type":"boolean"}]"#);
                schema
            }
            ParamKind::Texts(_) => {
                let mut schema = of_type("array");
                schema.set("items", r#"{"type":"string"}"#);
                schema
            }
            ParamKind::Integers => {
                let mut schema = of_type("array");
                schema.set("items", r#"{"type":"integer"}"#);
                schema
            }
            ParamKind::TextMap => {
                let mut schema = of_type("object");
                schema.set("additionalProperties", r#"{"type":"string"}"#);
                schema
            }
            ParamKind::Object(set) => set.object_schema(&[]),
            ParamKind::Objects(set) => {
                let mut schema = of_type("array");
                schema.set("items", set.schema());
                schema
            }
        };
        if !self.description.is_empty() {
            schema.set("description", encode_string(self.description));
        }
        schema.to_json()
    }
}

impl ParamKind {
    /// The value as JSON of this type; `None` if it cannot be read as such.
    fn conform(&self, value: &str) -> Option<String> {
        let kind = value_kind(value);
        match self {
            Self::Text => match kind {
                ValueKind::String => Some(value.to_owned()),
                ValueKind::Number | ValueKind::Bool => Some(encode_string(value.trim())),
                _ => None,
            },
            Self::OneOf(values) => {
                let text = decode_string(value)?;
                values.contains(&text.as_ref()).then(|| value.to_owned())
            }
            Self::Integer => as_integer(value),
            Self::Number => number(&string_or_json(value)).map(|number| number.to_string()),
            Self::Boolean => matches!(kind, ValueKind::Bool).then(|| value.to_owned()),
            Self::Scalar => matches!(kind, ValueKind::String | ValueKind::Number | ValueKind::Bool)
                .then(|| value.to_owned()),
            Self::Texts(prefix) => match kind {
                ValueKind::String => {
                    let items: Vec<_> = prefix.iter().map(|text| encode_string(text)).collect();
                    Some(format!("[{}]", [items, vec![value.to_owned()]].concat().join(",")))
                }
                ValueKind::Array => conform_items(value, |item| Self::Text.conform(item)),
                _ => None,
            },
            Self::Integers => conform_items(value, as_integer),
            Self::TextMap => {
                let object = Object::parse(value.as_bytes()).ok()?;
                let mut map = Object::new();
                for (key, value) in object.iter() {
                    map.set(key.to_owned(), encode_string(&string_or_json(value)));
                }
                Some(map.to_json())
            }
            Self::Object(set) => conform_object(set, value),
            Self::Objects(set) => conform_items(value, |item| conform_object(set, item)),
        }
    }
}

fn conform_object(set: &ParamSet, value: &str) -> Option<String> {
    let object = Object::parse(value.as_bytes()).ok()?;
    set.conform(&object).map(|object| object.to_json())
}

/// Converts the items of a list; `None` if it is no list, or one of the items cannot be converted.
fn conform_items(value: &str, convert: impl Fn(&str) -> Option<String>) -> Option<String> {
    let items: Vec<&serde_json::value::RawValue> = serde_json::from_str(value).ok()?;
    let converted: Option<Vec<String>> = items.iter().map(|item| convert(item.get())).collect();
    converted.map(|items| format!("[{}]", items.join(",")))
}

/// A number, also one in a text or with a fraction, as an integer.
fn as_integer(value: &str) -> Option<String> {
    let number = number(&string_or_json(value))?;
    (number.abs() < 9e15).then(|| format!("{:.0}", number.trunc()))
}
