//! The walk over a schema: each rule at each schema in it.

use super::branches::{join_prefix, merge_all_of, merge_any_of, move_siblings, take};
use super::changes::Changes;
use super::current_draft::{require_marked, respell};
use super::definitions::Definitions;
use super::objects::{add_members, add_type, close, replace_booleans, type_root};
use super::refused_keywords::{drop_refused, is_refused, state};
use super::tree::{MAX_DEPTH, Schema, Value};
use crate::accepts::{RefSupport, SchemaRules};
use crate::json::{Object, items};
use std::borrow::Cow;

/// Reduces the schemas of one root.
pub(super) struct Reducer<'r, 's> {
    rules: &'r SchemaRules,
    /// Which references are accepted, now that it is known whether there are cycles.
    refs: RefSupport,
    definitions: Definitions<'s>,
    changes: &'r mut Changes,
    /// How many bytes may still be added.
    room: &'r mut usize,
    /// The references whose definitions contain the current schema: one of them again would be a cycle.
    open_refs: Vec<String>,
}

/// How many bytes of definitions may replace references in one schema.
const MAX_INLINED_BYTES: usize = 1 << 18;

impl<'r, 's> Reducer<'r, 's> {
    pub(super) fn new(
        schema: &Schema<'s>,
        rules: &'r SchemaRules,
        root: &'s Object<'s>,
        changes: &'r mut Changes,
        room: &'r mut usize,
    ) -> Self {
        let mut definitions = Definitions::new(root);
        let refs = match rules.refs {
            RefSupport::Acyclic if definitions.has_cycle(schema) => RefSupport::Inline,
            RefSupport::Acyclic => RefSupport::Any,
            refs => refs,
        };
        Self { rules, refs, definitions, changes, room, open_refs: Vec::new() }
    }

    /// Reduces the root and all schemas in it.
    pub(super) fn reduce_root(mut self, schema: &mut Schema<'s>) {
        let room_before = *self.room;
        *self.room = room_before.min(MAX_INLINED_BYTES);
        let granted = *self.room;
        self.reduce(schema, 0);
        *self.room += room_before - granted;
    }

    fn reduce(&mut self, schema: &mut Schema<'s>, depth: usize) {
        let rules = self.rules;
        let outer_refs = self.open_refs.len();
        self.resolve_refs(schema, depth);
        if rules.current_draft {
            respell(schema, self.changes);
            require_marked(schema, self.changes);
        }
        if is_refused("allOf", rules)
            && let Some(branches) = take(schema, "allOf")
        {
            merge_all_of(schema, branches, self.changes);
            self.resolve_refs(schema, depth);
        }
        if rules.nullable_as_null {
            accept_null(schema, self.changes);
        }
        if rules.const_as_enum
            && let Some(value) = schema.remove("const")
        {
            schema.set("enum", Value::List(vec![value]));
            self.changes.mark();
        }
        if rules.one_of_as_any_of && schema.has("oneOf") && !schema.has("anyOf") {
            schema.rename("oneOf", "anyOf");
            self.changes.mark();
        }
        if is_refused("prefixItems", rules) {
            join_prefix(schema, self.changes);
        }
        if depth == 0 && rules.plain_root {
            self.merge_root(schema);
        }
        drop_refused(schema, rules, self.changes);
        move_siblings(schema, rules.any_of_siblings, self.changes, self.room);
        if depth == 0 {
            type_root(schema, rules, self.changes);
        }
        add_members(schema, rules, self.changes);
        if rules.typed {
            add_type(schema, self.changes);
        }
        if !rules.boolean_schemas {
            replace_booleans(schema, self.changes);
        }
        for (_, value) in schema.values_mut() {
            match value {
                Value::Schema(inner) => self.reduce(inner, depth + 1),
                Value::List(list) => list.iter_mut().for_each(|item| self.reduce_item(item, depth)),
                Value::Map(members) => members.iter_mut().for_each(|(_, item)| self.reduce_item(item, depth)),
                Value::Json(_) => {}
            }
        }
        close(schema, rules, self.changes);
        self.open_refs.truncate(outer_refs);
    }

    fn reduce_item(&mut self, item: &mut Value<'s>, depth: usize) {
        if let Value::Schema(schema) = item {
            self.reduce(schema, depth + 1);
        }
    }

    /// Replaces a reference that is not accepted by the schema that it refers to; keywords next to the reference win.
    fn resolve_refs(&mut self, schema: &mut Schema<'s>, depth: usize) {
        if self.refs == RefSupport::Inline {
            // All references to them are replaced.
            let removed = schema.extract(|keyword, _| !matches!(keyword, "$defs" | "definitions"));
            if !removed.is_empty() {
                self.changes.mark();
            }
        }
        while let Some(target) = schema.text("$ref").map(Cow::into_owned) {
            let is_accepted = match self.refs {
                RefSupport::Alone => schema.keywords().all(|keyword| keyword.starts_with('$')),
                refs => refs != RefSupport::Inline,
            };
            let is_bare_root = depth == 0 && (self.rules.root_object || self.rules.plain_root);
            if is_accepted && !is_bare_root {
                return;
            }
            schema.remove("$ref");
            self.changes.mark();
            match self.definition(&target, depth) {
                Some(definition) => {
                    self.open_refs.push(target);
                    let siblings = std::mem::replace(schema, definition);
                    siblings
                        .into_members()
                        .into_iter()
                        .for_each(|(keyword, value)| schema.set(keyword, value));
                }
                None => {
                    self.changes.lose("$ref");
                    if !schema.has("type") && !schema.has("anyOf") {
                        let name = self.definitions.type_of(&target).unwrap_or_else(|| "object".into());
                        schema.set("type", Value::string(&name));
                    }
                }
            }
        }
    }

    /// The definition that a reference is replaced by; `None`: there is none, it would repeat itself, or it is too large.
    fn definition(&mut self, target: &str, depth: usize) -> Option<Schema<'s>> {
        if self.open_refs.iter().any(|open| open == target) {
            return None;
        }
        let json = self.definitions.find(target)?;
        *self.room = self.room.checked_sub(json.len())?;
        Schema::parse_at(json, depth)
    }

    /// Merges the branches of the root into one object, and drops what else must not stand there.
    fn merge_root(&mut self, schema: &mut Schema<'s>) {
        // A branch may have branches itself.
        for _ in 0..MAX_DEPTH {
            if !["allOf", "anyOf", "oneOf"].iter().any(|keyword| schema.has(keyword)) {
                break;
            }
            for keyword in ["allOf", "anyOf", "oneOf"] {
                self.merge_branches(schema, keyword);
            }
        }
        for keyword in ["not", "enum", "const"] {
            if let Some(value) = schema.remove(keyword) {
                self.changes.lose(keyword);
                state(schema, &[(keyword.to_owned(), value.to_json())]);
            }
        }
    }

    fn merge_branches(&mut self, schema: &mut Schema<'s>, keyword: &str) {
        let Some(mut branches) = take(schema, keyword) else {
            if schema.remove(keyword).is_some() {
                self.changes.lose(keyword);
            }
            return;
        };
        for branch in &mut branches {
            let Some(target) = branch.text("$ref").map(Cow::into_owned) else { continue };
            *branch = self.definition(&target, 0).unwrap_or_else(|| {
                self.changes.lose("$ref");
                Schema::default()
            });
        }
        if keyword == "allOf" || branches.len() == 1 {
            merge_all_of(schema, branches, self.changes);
        } else {
            merge_any_of(schema, keyword, branches, self.changes);
        }
    }
}

/// Replaces `nullable` by the type `null`.
fn accept_null(schema: &mut Schema<'_>, changes: &mut Changes) {
    let Some(nullable) = schema.remove("nullable") else { return };
    changes.mark();
    if nullable.as_json() != Some("true") {
        return;
    }
    if let Some(branches) = schema.list_mut("anyOf") {
        let accepts_null = |branch: &Value<'_>| branch.as_schema().is_some_and(|s| s.has_type("null"));
        if !branches.iter().any(accepts_null) {
            branches.push(Value::null_schema());
        }
        return;
    }
    if let Some(target) = schema.remove("$ref") {
        let mut reference = Schema::default();
        reference.set("$ref", target);
        schema.set("anyOf", Value::List(vec![Value::Schema(reference), Value::null_schema()]));
        return;
    }
    let types = schema.texts("type");
    if !types.is_empty() && !types.iter().any(|name| name == "null") {
        let names: Vec<_> =
            types.iter().map(|name| Value::string(name)).chain([Value::string("null")]).collect();
        schema.set("type", Value::List(names));
    }
    let values = schema.get("enum").and_then(Value::as_json).and_then(items);
    if let Some(values) = values.filter(|values| values.iter().all(|value| value.trim() != "null")) {
        let list = values.into_iter().map(|value| Value::Json(Cow::Owned(value.to_owned())));
        let list = list.chain([Value::Json(Cow::Borrowed("null"))]).collect();
        schema.set("enum", Value::List(list));
    }
}
