//! A JSON schema to the nearest one that an upstream accepts, and what it lost.

mod branches;
mod changes;
mod current_draft;
mod definitions;
mod objects;
mod reducer;
mod refused_keywords;
mod scan;
mod tree;

use crate::accepts::SchemaRules;
use changes::Changes;
use reducer::Reducer;
use tree::{Schema, Value};

/// How many bytes the schemas of one request may grow by: references that are replaced repeat their definitions.
pub(super) const MAX_ADDED_BYTES: usize = 1 << 22;

/// A schema that had to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReducedSchema {
    /// The schema as JSON; `None`: none is sent.
    pub(super) json: Option<String>,
    /// The keywords whose meaning was lost, each once, in order of their first occurrence.
    pub(super) lost: Vec<String>,
}

/// Changes a schema until the rules accept it; `None` if they already do. `room`: how many bytes may still be added.
pub(super) fn reduce(json: &str, rules: &SchemaRules, room: &mut usize) -> Option<ReducedSchema> {
    if !scan::may_change(json, rules) {
        return None;
    }
    let mut changes = Changes::default();
    let mut schema = match (Schema::parse(json), json.trim()) {
        (Some(schema), _) => schema,
        (None, "true" | "false") if rules.root_object || !rules.boolean_schemas => {
            changes.mark();
            if json.trim() == "false" {
                changes.lose("false");
            }
            Schema::default()
        }
        (None, _) => return None,
    };
    let root = crate::json::Object::parse(json.as_bytes()).unwrap_or_default();
    Reducer::new(&schema, rules, &root, &mut changes, room).reduce_root(&mut schema);
    if rules.omit_empty && is_empty_object(&schema) {
        return Some(ReducedSchema { json: None, lost: changes.lost });
    }
    let mut out = String::with_capacity(json.len());
    changes.is_changed.then(|| {
        schema.write(&mut out);
        ReducedSchema { json: Some(out), lost: changes.lost }
    })
}

/// Whether a schema is an object without properties: as the schema of a function's parameters it means the same as none.
fn is_empty_object(schema: &Schema<'_>) -> bool {
    schema.text("type").as_deref() == Some("object")
        && schema.keywords().all(|keyword| match keyword {
            "type" => true,
            "properties" => schema.map(keyword).is_some_and(Vec::is_empty),
            "additionalProperties" => schema.get(keyword).and_then(Value::as_json) == Some("false"),
            "required" => schema.texts(keyword).is_empty(),
            _ => false,
        })
}

#[cfg(test)]
mod schema_tests;
