//! Schemas with branches (`anyOf`, `oneOf`, `allOf`): keywords beside the branches to the branches, or the branches to one schema.

use super::changes::Changes;
use super::objects::set_names;
use super::refused_keywords::state;
use super::tree::{Members, Schema, Value};
use crate::accepts::AnyOfSiblings;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Moves the keywords that must not stand beside `anyOf` into its branches. `room`: how many bytes may be added.
pub(super) fn move_siblings(
    schema: &mut Schema<'_>,
    accepted: AnyOfSiblings,
    changes: &mut Changes,
    room: &mut usize,
) {
    let branch_count = schema.list_mut("anyOf").map_or(0, |branches| branches.len());
    if accepted == AnyOfSiblings::Any || branch_count == 0 {
        return;
    }
    let moved = schema.extract(|keyword, _| match (accepted, keyword) {
        (_, "anyOf" | "definitions") => true,
        (_, keyword) if keyword.starts_with('$') && keyword != "$ref" => true,
        (AnyOfSiblings::NoType, _) => keyword != "type",
        (AnyOfSiblings::Annotations, _) => matches!(keyword, "title" | "description" | "default"),
        _ => false,
    });
    if moved.is_empty() {
        return;
    }
    changes.mark();
    let bytes: usize = moved.iter().map(|(keyword, value)| keyword.len() + value.to_json().len()).sum();
    let added = bytes.saturating_mul(branch_count);
    if added > *room {
        for (keyword, _) in moved {
            changes.lose(&keyword);
        }
        return;
    }
    *room -= added;
    for (i, branch) in schema.list_mut("anyOf").into_iter().flatten().enumerate() {
        if branch.as_json() == Some("true") {
            *branch = Value::Schema(Schema::default());
        }
        if let Value::Schema(branch) = branch {
            for (keyword, value) in &moved {
                add_to_branch(branch, keyword, value, i == 0, changes);
            }
        }
    }
}

fn add_to_branch<'s>(
    branch: &mut Schema<'s>,
    keyword: &str,
    value: &Value<'s>,
    is_first: bool,
    changes: &mut Changes,
) {
    let is_null = branch.text("type").as_deref() == Some("null");
    match keyword {
        "description" if is_first => prepend_description(branch, value),
        "title" if is_first && !branch.has("title") => branch.set("title", value.clone()),
        "title" | "description" => {}
        _ if is_null => {}
        "type" if branch.has("$ref") => {}
        "type" if branch.has("type") => {
            // A branch of another type accepts nothing beside it, and something without it.
            if !is_narrower(branch, value) {
                changes.lose(keyword);
            }
        }
        "type" => branch.set_first("type", value.clone()),
        _ if branch.has("$ref") => changes.lose(keyword),
        _ => add_constraint(branch, keyword, value.clone(), changes),
    }
}

/// Whether all types of a branch are among others.
fn is_narrower(branch: &Schema<'_>, types: &Value<'_>) -> bool {
    let mut other = Schema::default();
    other.set("type", types.clone());
    let names = |schema: &Schema<'_>| match schema.text("type") {
        Some(name) => vec![name.into_owned()],
        None => schema.texts("type").into_iter().map(Cow::into_owned).collect(),
    };
    let accepted = names(&other);
    let is_accepted = |name: &String| {
        accepted.contains(name) || name == "integer" && accepted.iter().any(|accepted| accepted == "number")
    };
    names(branch).iter().all(is_accepted)
}

fn prepend_description(branch: &mut Schema<'_>, value: &Value<'_>) {
    let Some(outer) = value.as_json().and_then(crate::json::decode_string) else { return };
    let text = match branch.text("description") {
        Some(own) if own != outer => format!("{outer} {own}"),
        _ => outer.into_owned(),
    };
    branch.set("description", Value::string(&text));
}

/// Adds a keyword to a schema that both must follow.
fn add_constraint<'s>(schema: &mut Schema<'s>, keyword: &str, value: Value<'s>, changes: &mut Changes) {
    match (keyword, schema.get_mut(keyword), value) {
        (_, None, value) => schema.set(keyword.to_owned(), value),
        ("properties", Some(Value::Map(known)), Value::Map(added)) => {
            let positions: BTreeMap<String, usize> =
                known.iter().enumerate().map(|(i, (name, _))| (name.to_string(), i)).collect();
            for (name, value) in added {
                match positions.get(name.as_ref()).and_then(|at| known.get(*at)) {
                    None => known.push((name, value)),
                    Some((_, same)) if *same == value => {}
                    Some(_) => changes.lose(keyword),
                }
            }
        }
        ("required", Some(_), value) => {
            let mut added = Schema::default();
            added.set("required", value);
            let (first, second) = (schema.texts("required"), added.texts("required"));
            let mut listed = BTreeSet::new();
            let names: Vec<Cow<'_, str>> = first
                .into_iter()
                .chain(second)
                .filter(|name| listed.insert(name.to_string()))
                .map(|name| Cow::Owned(name.into_owned()))
                .collect();
            set_names(schema, "required", &names);
        }
        (_, Some(known), value) if *known == value => {}
        ("title" | "description", ..) => {}
        (_, Some(_), _) => changes.lose(keyword),
    }
}

/// Merges the branches of `allOf` into the schema.
pub(super) fn merge_all_of<'s>(schema: &mut Schema<'s>, branches: Vec<Schema<'s>>, changes: &mut Changes) {
    changes.mark();
    for (keyword, value) in branches.into_iter().flat_map(Schema::into_members) {
        add_constraint(schema, &keyword, value, changes);
    }
}

/// Lets each item of an array be any of those that it has one schema each for.
pub(super) fn join_prefix(schema: &mut Schema<'_>, changes: &mut Changes) {
    let Some(Value::List(mut alternatives)) = schema.remove("prefixItems") else { return };
    changes.lose("prefixItems");
    if let Some(rest @ Value::Schema(_)) = schema.remove("items") {
        alternatives.push(rest);
    }
    let mut distinct: Vec<Value<'_>> = Vec::new();
    for alternative in alternatives.into_iter().filter(|value| value.as_schema().is_some()) {
        if distinct.len() < MAX_ALTERNATIVES && !distinct.contains(&alternative) {
            distinct.push(alternative);
        }
    }
    if !distinct.is_empty() {
        schema.set("items", one_of_several(Value::List(distinct)));
    }
}

/// Takes the branches of a keyword; `None` if it has no list of schemas. A branch that accepts everything is an empty schema.
pub(super) fn take<'s>(schema: &mut Schema<'s>, keyword: &str) -> Option<Vec<Schema<'s>>> {
    schema.list_mut(keyword)?;
    let Some(Value::List(list)) = schema.remove(keyword) else { return None };
    let branches = list.into_iter().filter_map(|branch| match branch {
        Value::Schema(schema) => Some(schema),
        Value::Json(json) if json.trim() == "true" => Some(Schema::default()),
        _ => None,
    });
    Some(branches.collect())
}

/// Merges alternative branches into one object schema that accepts the properties of each, and requires what all require.
pub(super) fn merge_any_of<'s>(
    schema: &mut Schema<'s>,
    keyword: &str,
    branches: Vec<Schema<'s>>,
    changes: &mut Changes,
) {
    changes.lose(keyword);
    let json: Vec<String> = branches.iter().map(|branch| Value::Schema(branch.clone()).to_json()).collect();
    state(schema, &[(keyword.to_owned(), format!("[{}]", json.join(",")))]);
    let mut common: Option<BTreeSet<String>> = None;
    let mut alternatives: Members<'s> = Vec::new();
    let mut positions: BTreeMap<String, usize> = BTreeMap::new();
    for branch in branches {
        let required: BTreeSet<String> = branch.texts("required").into_iter().map(Cow::into_owned).collect();
        common = Some(match common {
            Some(common) => common.intersection(&required).cloned().collect(),
            None => required,
        });
        for (name, value) in branch.into_members() {
            let Value::Map(properties) = value else { continue };
            if name != "properties" {
                continue;
            }
            for (name, value) in properties {
                let at = *positions.entry(name.to_string()).or_insert(alternatives.len());
                match alternatives.get_mut(at) {
                    Some((_, Value::List(list)))
                        if !list.contains(&value) && list.len() < MAX_ALTERNATIVES =>
                    {
                        list.push(value);
                    }
                    Some(_) => {}
                    None => alternatives.push((name, Value::List(vec![value]))),
                }
            }
        }
    }
    let known: BTreeSet<String> =
        schema.map("properties").into_iter().flatten().map(|(name, _)| name.to_string()).collect();
    let added = alternatives.into_iter().filter(|(name, _)| !known.contains(name.as_ref()));
    let added: Members<'s> = added.map(|(name, value)| (name, one_of_several(value))).collect();
    if !added.is_empty() {
        add_constraint(schema, "properties", Value::Map(added), changes);
    }
    let names: Vec<Value<'s>> = common.iter().flatten().map(|name| Value::string(name)).collect();
    if !names.is_empty() {
        add_constraint(schema, "required", Value::List(names), changes);
    }
}

/// How many different schemas of one property are kept.
const MAX_ALTERNATIVES: usize = 16;

/// A list of schemas as one schema: any of them.
fn one_of_several(value: Value<'_>) -> Value<'_> {
    match value {
        Value::List(list) if list.len() > 1 => {
            let mut schema = Schema::default();
            schema.set("anyOf", Value::List(list));
            Value::Schema(schema)
        }
        Value::List(list) => list.into_iter().next().unwrap_or(Value::List(Vec::new())),
        other => other,
    }
}
