//! JSON schemas made to fit a server that knows fewer keywords.

mod definitions;

use super::object::Object;
use super::raw_value::{ValueKind, decode_string, encode_string, value_kind};
use definitions::Definitions;
use std::collections::BTreeSet;

/// What a server wants of a schema.
#[derive(Debug, Clone, Copy, Default)]
pub struct SchemaSubset<'w> {
    /// Keywords that it refuses.
    pub drop: &'w [String],
    /// The keywords that it knows, where all others are refused.
    pub keep: Option<&'w [&'w str]>,
    /// It knows no `const`: that is an `enum` of one value.
    pub enumerate: bool,
    /// It knows no `$ref`: what is referred to stands in its place.
    pub inline: bool,
    /// Every object names all its members as required, and allows no others.
    pub close: bool,
}

impl SchemaSubset<'_> {
    /// Any schema fits.
    fn is_none(&self) -> bool {
        self.drop.is_empty() && self.keep.is_none() && !(self.enumerate || self.inline || self.close)
    }
}

/// A schema that was made to fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReducedSchema {
    /// The schema.
    pub json: String,
    /// The keywords that were taken out, each once.
    pub dropped: Vec<String>,
}

/// How deep schemas may stand in one another, and how large one may grow when its references are replaced.
const DEEPEST: usize = 32;
const LARGEST: usize = 1 << 18;

/// The schema as it fits; `None` if it fits as it is.
///
/// ```
/// use openai_shim_core::json::schema::{fit, Wishes};
/// let drop = [String::from("minLength")];
/// let wishes = Wishes { drop: &drop, ..Wishes::default() };
/// let fitted = fit(r#"{"type":"object","properties":{"minLength":{"type":"string","minLength":1}}}"#, &wishes).unwrap();
/// assert_eq!(fitted.json, r#"{"type":"object","properties":{"minLength":{"type":"string"}}}"#);
/// assert_eq!(fitted.dropped, ["minLength"]);
/// ```
pub fn fit(schema: &str, wishes: &SchemaSubset<'_>) -> Option<ReducedSchema> {
    if wishes.is_none() {
        return None;
    }
    let root = Object::parse(schema.as_bytes()).ok()?;
    let definitions = Definitions::new(&root);
    let mut walk =
        SchemaReducer { wishes, definitions, dropped: Dropped::default(), inlined: 0, within: Vec::new() };
    let mut fitted = walk.schema(&root, 0);
    if wishes.inline {
        fitted.retain(|key, _| !matches!(key, "$defs" | "definitions"));
    }
    fitted.is_changed().then(|| ReducedSchema { json: fitted.to_json(), dropped: walk.dropped.keywords })
}

struct SchemaReducer<'w> {
    wishes: &'w SchemaSubset<'w>,
    definitions: Definitions<'w>,
    dropped: Dropped,
    /// How many bytes stand where references stood.
    inlined: usize,
    /// The references inside of which this is.
    within: Vec<String>,
}

/// The keywords that were taken out, each once, in the order in which they came.
#[derive(Default)]
struct Dropped {
    keywords: Vec<String>,
    known: BTreeSet<String>,
}

impl Dropped {
    fn record(&mut self, keyword: &str) {
        if self.known.insert(keyword.to_owned()) {
            self.keywords.push(keyword.to_owned());
        }
    }
}

/// Keywords whose value is a schema, a list of schemas, or schemas by name.
const ONE: [&str; 7] = ["items", "not", "if", "then", "else", "contains", "additionalProperties"];
const MANY: [&str; 4] = ["anyOf", "oneOf", "allOf", "prefixItems"];
const NAMED: [&str; 5] = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];

impl SchemaReducer<'_> {
    fn schema(&mut self, given: &Object<'_>, depth: usize) -> Object<'static> {
        let mut schema = given.clone().into_owned();
        if depth > DEEPEST {
            return schema;
        }
        if self.wishes.inline
            && let Some(target) = schema.str("$ref").map(std::borrow::Cow::into_owned)
        {
            return self.referred(&target, &schema, depth);
        }
        if self.wishes.enumerate
            && let Some(value) = schema.remove("const")
        {
            schema.set("enum", format!("[{value}]"));
        }
        if self.refuses("allOf") {
            merge_only(&mut schema);
            if self.wishes.inline && schema.get("$ref").is_some() {
                return self.schema(&schema, depth + 1);
            }
        }
        let mut refused = Vec::new();
        schema.retain(|keyword, _| {
            let refuses = self.refuses(keyword);
            if refuses {
                refused.push(keyword.to_owned());
            }
            !refuses
        });
        for keyword in &refused {
            self.dropped.record(keyword);
        }
        for keyword in ONE {
            let inner = schema.object(keyword).map(|inner| self.schema(&inner, depth + 1));
            if let Some(inner) = inner.filter(Object::is_changed) {
                schema.set(keyword, inner.to_json());
            }
        }
        for keyword in MANY {
            self.list(&mut schema, keyword, depth);
        }
        for keyword in NAMED {
            self.members(&mut schema, keyword, depth);
        }
        if self.wishes.close {
            close(&mut schema);
        }
        schema
    }

    fn refuses(&self, keyword: &str) -> bool {
        let definitions = self.wishes.inline && matches!(keyword, "$defs" | "definitions");
        self.wishes.drop.iter().any(|dropped| dropped == keyword)
            || self.wishes.keep.is_some_and(|keep| !keep.contains(&keyword)) && !definitions
    }

    fn list(&mut self, schema: &mut Object<'static>, keyword: &'static str, depth: usize) {
        let Some(items) = schema.array(keyword) else { return };
        let (mut written, mut changed) = (Vec::with_capacity(items.len()), false);
        for item in items {
            let fitted = Object::parse(item.as_bytes()).ok().map(|inner| self.schema(&inner, depth + 1));
            match fitted.filter(Object::is_changed) {
                Some(fitted) => {
                    changed = true;
                    written.push(fitted.to_json());
                }
                None => written.push(item.to_owned()),
            }
        }
        if changed {
            schema.set(keyword, format!("[{}]", written.join(",")));
        }
    }

    fn members(&mut self, schema: &mut Object<'static>, keyword: &'static str, depth: usize) {
        let Some(mut members) = schema.object(keyword).map(Object::into_owned) else { return };
        members.replace(|_, value| {
            let inner = Some(value).filter(|value| value_kind(value) == ValueKind::Object)?;
            let fitted = self.schema(&Object::parse(inner.as_bytes()).ok()?, depth + 1);
            fitted.is_changed().then(|| fitted.to_json())
        });
        if members.is_changed() {
            schema.set(keyword, members.to_json());
        }
    }

    /// What a reference refers to, with what stands beside the reference.
    fn referred(&mut self, target: &str, beside: &Object<'_>, depth: usize) -> Object<'static> {
        let circle = self.within.iter().any(|outer| outer == target);
        let found = if self.inlined <= LARGEST { self.definitions.find(target) } else { None };
        let found = found.filter(|found| {
            self.inlined = self.inlined.saturating_add(found.len());
            !circle && self.inlined <= LARGEST && depth < DEEPEST
        });
        let mut schema = match found.and_then(|found| Object::parse(found.as_bytes()).ok()) {
            Some(found) => {
                self.within.push(target.to_owned());
                let schema = self.schema(&found, depth + 1);
                self.within.pop();
                schema
            }
            None => {
                // It refers to itself, or to what is not here: any object.
                self.dropped.record("$ref");
                let mut any = Object::new();
                any.set("type", encode_string("object"));
                any
            }
        };
        for (key, value) in beside.iter().filter(|(key, _)| *key != "$ref") {
            schema.set(key.to_owned(), value.to_owned());
        }
        schema.mark_changed();
        schema
    }
}

/// A schema whose `allOf` has one item says what that item says.
fn merge_only(schema: &mut Object<'static>) {
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

fn close(schema: &mut Object<'static>) {
    let Some(properties) = schema.object("properties") else { return };
    let names: Vec<String> = properties.iter().map(|(name, _)| encode_string(name)).collect();
    let required: BTreeSet<_> =
        schema.array("required").unwrap_or_default().into_iter().filter_map(decode_string).collect();
    let all = properties.iter().all(|(name, _)| required.contains(name));
    if !all {
        schema.set("required", format!("[{}]", names.join(",")));
    }
    if schema.bool("additionalProperties") != Some(false) {
        schema.set("additionalProperties", "false");
    }
}
