//! JSON schema to the subset of keywords that an upstream accepts.

mod definitions;

use super::object::Object;
use super::raw_value::{ValueKind, decode_string, encode_string, value_kind};
use definitions::Definitions;
use std::collections::BTreeSet;

/// The subset of JSON schema that an upstream accepts.
#[derive(Debug, Clone, Copy, Default)]
pub struct SchemaSubset<'w> {
    /// Keywords that the upstream rejects.
    pub dropped_keywords: &'w [String],
    /// The only keywords that the upstream accepts; `None`: all but `dropped_keywords`.
    pub allowed_keywords: Option<&'w [&'w str]>,
    /// Replaces `const` by an `enum` of one value.
    pub const_as_enum: bool,
    /// Replaces each `$ref` by the schema that it refers to.
    pub inline_refs: bool,
    /// Makes every object require all its properties and allow no others.
    pub close_objects: bool,
}

impl SchemaSubset<'_> {
    /// Whether every schema is accepted unchanged.
    fn is_unrestricted(&self) -> bool {
        self.dropped_keywords.is_empty()
            && self.allowed_keywords.is_none()
            && !(self.const_as_enum || self.inline_refs || self.close_objects)
    }
}

/// A schema that was reduced to a subset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReducedSchema {
    /// The schema as JSON.
    pub json: String,
    /// The keywords that were removed, each once, in order of their first occurrence.
    pub dropped_keywords: Vec<String>,
}

/// How many levels of a schema are reduced; deeper parts stay as they are.
const MAX_DEPTH: usize = 32;
/// The total size of the definitions that may replace references.
const MAX_INLINED_BYTES: usize = 1 << 18;

/// Reduces a schema to the keywords that `subset` accepts; `None` if nothing has to change, or if it is not an object.
///
/// ```
/// use openai_shim_core::json::schema_subset::{reduce_schema, SchemaSubset};
/// let rejected = [String::from("minLength")];
/// let subset = SchemaSubset { dropped_keywords: &rejected, ..SchemaSubset::default() };
/// let schema = r#"{"type":"object","properties":{"minLength":{"type":"string","minLength":1}}}"#;
/// let reduced = reduce_schema(schema, &subset).unwrap();
/// assert_eq!(reduced.json, r#"{"type":"object","properties":{"minLength":{"type":"string"}}}"#);
/// assert_eq!(reduced.dropped_keywords, ["minLength"]);
/// ```
pub fn reduce_schema(schema: &str, subset: &SchemaSubset<'_>) -> Option<ReducedSchema> {
    if subset.is_unrestricted() {
        return None;
    }
    let root = Object::parse(schema.as_bytes()).ok()?;
    let definitions = Definitions::new(&root);
    let mut reducer = SchemaReducer {
        subset,
        definitions,
        dropped: DroppedKeywords::default(),
        inlined_bytes: 0,
        open_refs: Vec::new(),
    };
    let mut reduced = reducer.reduce(&root, 0);
    if subset.inline_refs {
        reduced.retain(|key, _| !matches!(key, "$defs" | "definitions"));
    }
    reduced
        .is_changed()
        .then(|| ReducedSchema { json: reduced.to_json(), dropped_keywords: reducer.dropped.keywords })
}

struct SchemaReducer<'w> {
    subset: &'w SchemaSubset<'w>,
    definitions: Definitions<'w>,
    dropped: DroppedKeywords,
    /// The total size of the definitions that replaced references.
    inlined_bytes: usize,
    /// The references whose definitions contain the current schema: one of them again would be a cycle.
    open_refs: Vec<String>,
}

/// The removed keywords, each once, in order of their first occurrence.
#[derive(Default)]
struct DroppedKeywords {
    keywords: Vec<String>,
    recorded: BTreeSet<String>,
}

impl DroppedKeywords {
    fn record(&mut self, keyword: &str) {
        if self.recorded.insert(keyword.to_owned()) {
            self.keywords.push(keyword.to_owned());
        }
    }
}

/// Keywords whose value is a schema, a list of schemas, or a map of schemas.
const SCHEMA_KEYWORDS: [&str; 7] = ["items", "not", "if", "then", "else", "contains", "additionalProperties"];
const SCHEMA_LIST_KEYWORDS: [&str; 4] = ["anyOf", "oneOf", "allOf", "prefixItems"];
const SCHEMA_MAP_KEYWORDS: [&str; 5] =
    ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];

impl SchemaReducer<'_> {
    /// Reduces one schema and the schemas in it.
    fn reduce(&mut self, source: &Object<'_>, depth: usize) -> Object<'static> {
        let mut schema = source.clone().into_owned();
        if depth > MAX_DEPTH {
            return schema;
        }
        if self.subset.inline_refs
            && let Some(target) = schema.str("$ref").map(std::borrow::Cow::into_owned)
        {
            return self.inline(&target, &schema, depth);
        }
        if self.subset.const_as_enum
            && let Some(value) = schema.remove("const")
        {
            schema.set("enum", format!("[{value}]"));
        }
        if self.is_rejected("allOf") {
            merge_single_all_of(&mut schema);
            if self.subset.inline_refs && schema.get("$ref").is_some() {
                return self.reduce(&schema, depth + 1);
            }
        }
        let mut rejected = Vec::new();
        schema.retain(|keyword, _| {
            let is_rejected = self.is_rejected(keyword);
            if is_rejected {
                rejected.push(keyword.to_owned());
            }
            !is_rejected
        });
        for keyword in &rejected {
            self.dropped.record(keyword);
        }
        for keyword in SCHEMA_KEYWORDS {
            let inner = schema.object(keyword).map(|inner| self.reduce(&inner, depth + 1));
            if let Some(inner) = inner.filter(Object::is_changed) {
                schema.set(keyword, inner.to_json());
            }
        }
        for keyword in SCHEMA_LIST_KEYWORDS {
            self.reduce_list(&mut schema, keyword, depth);
        }
        for keyword in SCHEMA_MAP_KEYWORDS {
            self.reduce_map(&mut schema, keyword, depth);
        }
        if self.subset.close_objects {
            close_object(&mut schema);
        }
        schema
    }

    /// Whether the upstream rejects a keyword. Definitions stay until all references are inlined.
    fn is_rejected(&self, keyword: &str) -> bool {
        let is_inlined_later = self.subset.inline_refs && matches!(keyword, "$defs" | "definitions");
        self.subset.dropped_keywords.iter().any(|dropped| dropped == keyword)
            || self.subset.allowed_keywords.is_some_and(|allowed| !allowed.contains(&keyword))
                && !is_inlined_later
    }

    fn reduce_list(&mut self, schema: &mut Object<'static>, keyword: &'static str, depth: usize) {
        let Some(items) = schema.array(keyword) else { return };
        let (mut encoded, mut is_changed) = (Vec::with_capacity(items.len()), false);
        for item in items {
            let reduced = Object::parse(item.as_bytes()).ok().map(|inner| self.reduce(&inner, depth + 1));
            match reduced.filter(Object::is_changed) {
                Some(reduced) => {
                    is_changed = true;
                    encoded.push(reduced.to_json());
                }
                None => encoded.push(item.to_owned()),
            }
        }
        if is_changed {
            schema.set(keyword, format!("[{}]", encoded.join(",")));
        }
    }

    fn reduce_map(&mut self, schema: &mut Object<'static>, keyword: &'static str, depth: usize) {
        let Some(mut members) = schema.object(keyword).map(Object::into_owned) else { return };
        members.replace(|_, value| {
            let inner = Some(value).filter(|value| value_kind(value) == ValueKind::Object)?;
            let reduced = self.reduce(&Object::parse(inner.as_bytes()).ok()?, depth + 1);
            reduced.is_changed().then(|| reduced.to_json())
        });
        if members.is_changed() {
            schema.set(keyword, members.to_json());
        }
    }

    /// Returns the definition that a reference refers to, with the keywords of `referring`, the schema of the reference.
    fn inline(&mut self, target: &str, referring: &Object<'_>, depth: usize) -> Object<'static> {
        let is_cycle = self.open_refs.iter().any(|outer| outer == target);
        let found =
            if self.inlined_bytes <= MAX_INLINED_BYTES { self.definitions.find(target) } else { None };
        let found = found.filter(|found| {
            self.inlined_bytes = self.inlined_bytes.saturating_add(found.len());
            !is_cycle && self.inlined_bytes <= MAX_INLINED_BYTES && depth < MAX_DEPTH
        });
        let mut schema = match found.and_then(|found| Object::parse(found.as_bytes()).ok()) {
            Some(found) => {
                self.open_refs.push(target.to_owned());
                let schema = self.reduce(&found, depth + 1);
                self.open_refs.pop();
                schema
            }
            None => {
                // A cycle, a missing definition, or too much to inline: any object is accepted.
                self.dropped.record("$ref");
                let mut any = Object::new();
                any.set("type", encode_string("object"));
                any
            }
        };
        for (key, value) in referring.iter().filter(|(key, _)| *key != "$ref") {
            schema.set(key.to_owned(), value.to_owned());
        }
        schema.mark_changed();
        schema
    }
}

/// Merges the item of an `allOf` with one item into the schema, unless both have the same keyword.
fn merge_single_all_of(schema: &mut Object<'static>) {
    let only = match schema.array("allOf").as_deref() {
        Some([only]) => Object::parse(only.as_bytes()).ok().map(Object::into_owned),
        _ => None,
    };
    if let Some(only) = only.filter(|only| only.iter().all(|(key, _)| schema.get(key).is_none())) {
        schema.remove("allOf");
        for (key, value) in only.iter() {
            schema.set(key.to_owned(), value.to_owned());
        }
    }
}

/// Requires all properties of an object schema and allows no others, as OpenAI's strict mode demands.
fn close_object(schema: &mut Object<'static>) {
    let Some(properties) = schema.object("properties") else { return };
    let names: Vec<String> = properties.iter().map(|(name, _)| encode_string(name)).collect();
    let required: BTreeSet<_> =
        schema.array("required").unwrap_or_default().into_iter().filter_map(decode_string).collect();
    let has_all = properties.iter().all(|(name, _)| required.contains(name));
    if !has_all {
        schema.set("required", format!("[{}]", names.join(",")));
    }
    if schema.bool("additionalProperties") != Some(false) {
        schema.set("additionalProperties", "false");
    }
}
