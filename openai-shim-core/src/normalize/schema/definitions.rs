//! Schema references (`#/$defs/name`) to the definitions that they refer to; each object on a path is parsed once.

use super::tree::{Schema, Value};
use crate::json::{Object, ValueKind, value_kind};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The maximum number of keys in a reference.
const MAX_SEGMENTS: usize = 32;

/// Finds definitions in a root schema.
pub(super) struct Definitions<'s> {
    root: &'s Object<'s>,
    /// The parsed objects below the root, by path; `None`: no object.
    parsed: BTreeMap<String, Option<Object<'s>>>,
}

impl<'s> Definitions<'s> {
    pub(super) fn new(root: &'s Object<'s>) -> Self {
        Self { root, parsed: BTreeMap::new() }
    }

    /// The JSON text of the object that `target` refers to.
    pub(super) fn find(&mut self, target: &str) -> Option<&'s str> {
        let path = target.strip_prefix("#/")?;
        if path.split('/').count() > MAX_SEGMENTS {
            return None;
        }
        let mut found: Option<&'s str> = None;
        let mut end = 0_usize;
        for segment in path.split('/') {
            let name = segment.replace("~1", "/").replace("~0", "~");
            found = Some(match found {
                None => self.root.original(&name)?,
                Some(outer) => {
                    let parent = path.get(..end.saturating_sub(1))?;
                    if !self.parsed.contains_key(parent) {
                        self.parsed.insert(parent.to_owned(), Object::parse(outer.as_bytes()).ok());
                    }
                    self.parsed.get(parent)?.as_ref()?.original(&name)?
                }
            });
            end += segment.len() + 1;
        }
        found.filter(|found| value_kind(found) == ValueKind::Object)
    }

    /// The type that a definition names.
    pub(super) fn type_of(&mut self, target: &str) -> Option<Cow<'s, str>> {
        let definition = Object::parse(self.find(target)?.as_bytes()).ok()?;
        definition.str("type").map(|name| Cow::Owned(name.into_owned()))
    }

    /// Whether a reference of the schema leads back to itself. Each definition is read once.
    pub(super) fn has_cycle(&mut self, schema: &Schema<'s>) -> bool {
        let mut states = BTreeMap::new();
        let mut targets = Vec::new();
        collect_refs(schema, &mut targets);
        targets.iter().any(|target| self.leads_back(target, &mut states, 0))
    }

    /// Whether a reference leads to one that is still open. `states`: whether a known reference is open.
    fn leads_back(&mut self, target: &str, states: &mut BTreeMap<String, bool>, depth: usize) -> bool {
        match states.get(target) {
            Some(is_open) => return *is_open,
            None if target == "#" || depth > MAX_SEGMENTS => return true,
            None => {}
        }
        let Some(definition) = self.find(target).and_then(Schema::parse) else { return false };
        states.insert(target.to_owned(), true);
        let mut targets = Vec::new();
        collect_refs(&definition, &mut targets);
        if targets.iter().any(|target| self.leads_back(target, states, depth + 1)) {
            return true;
        }
        states.insert(target.to_owned(), false);
        false
    }
}

/// Collects the references of a schema and of the schemas in it.
fn collect_refs(schema: &Schema<'_>, targets: &mut Vec<String>) {
    targets.extend(schema.text("$ref").map(Cow::into_owned));
    schema.values().for_each(|value| collect_refs_of(value, targets));
}

fn collect_refs_of(value: &Value<'_>, targets: &mut Vec<String>) {
    match value {
        Value::Schema(schema) => collect_refs(schema, targets),
        Value::List(list) => list.iter().for_each(|item| collect_refs_of(item, targets)),
        Value::Map(members) => members.iter().for_each(|(_, item)| collect_refs_of(item, targets)),
        Value::Json(_) => {}
    }
}
