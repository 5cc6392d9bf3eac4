//! Paths to members inside other members (`tools.cache_control`): found by the names of an error message, and removed.
//!
//! A path names no indexes: it leads through every item of a list. In a list of texts (`include`) it ends at the text.

use super::raw_value::{ValueKind, items, value_kind};
use super::{Object, decode_string, encode_array};

/// How many levels are searched for a name that came without a path.
const MAX_SEARCH_DEPTH: usize = 8;

/// Whether two names differ in spelling only: `presencePenalty` is `presence_penalty`.
pub(crate) fn is_same_name(a: &str, b: &str) -> bool {
    fn letters(name: &str) -> impl Iterator<Item = char> {
        name.chars().filter(|c| *c != '_' && *c != '-').map(|c| c.to_ascii_lowercase())
    }
    letters(a).eq(letters(b))
}

/// The members of a value that is an object, or of the objects of a list.
fn objects(value: &str) -> Vec<Object<'_>> {
    let list = match value_kind(value) {
        ValueKind::Object => vec![value],
        ValueKind::Array => items(value).unwrap_or_default(),
        _ => Vec::new(),
    };
    list.into_iter().filter_map(|item| Object::parse(item.as_bytes()).ok()).collect()
}

/// The path to which `names` lead, in the object's own spelling. Below the first name, indexes are passed over, and so are the
/// names of types that validators put into a path (`tools.0.custom.defer_loading`).
pub(crate) fn resolve(object: &Object<'_>, names: &[&str]) -> Option<Vec<String>> {
    let (first, rest) = names.split_first()?;
    match find_key(object, first) {
        Some(key) => resolve_in(object, key, rest),
        None if rest.is_empty() => None,
        None => resolve(object, rest),
    }
}

fn find_key<'o>(object: &'o Object<'_>, name: &str) -> Option<&'o str> {
    object.iter().map(|(key, _)| key).find(|key| is_same_name(key, name))
}

/// The path to which `names` lead in a member.
fn resolve_in(object: &Object<'_>, key: &str, names: &[&str]) -> Option<Vec<String>> {
    if names.is_empty() {
        return Some(vec![key.to_owned()]);
    }
    let below = |inner: &Object<'_>| {
        // The name of a type may be that of a member, too.
        let mut rest = names;
        while let Some((first, after)) = rest.split_first() {
            let found = find_key(inner, first).and_then(|key| resolve_in(inner, key, after));
            if found.is_some() {
                return found;
            }
            rest = after;
        }
        None
    };
    let mut path = objects(object.get(key)?).iter().find_map(below)?;
    path.insert(0, key.to_owned());
    Some(path)
}

/// Every path to a member of this name, in the order of the text. What is below a path for which `is_opaque` holds is the
/// user's own data and is not searched.
pub(crate) fn search(
    object: &Object<'_>,
    name: &str,
    is_opaque: &impl Fn(&[String]) -> bool,
) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    search_below(object, name, is_opaque, &mut Vec::new(), &mut found);
    found
}

fn search_below(
    object: &Object<'_>,
    name: &str,
    is_opaque: &impl Fn(&[String]) -> bool,
    above: &mut Vec<String>,
    found: &mut Vec<Vec<String>>,
) {
    for (key, value) in object.iter() {
        above.push(key.to_owned());
        if is_same_name(key, name) {
            if !found.contains(above) {
                found.push(above.clone());
            }
        } else if above.len() < MAX_SEARCH_DEPTH && !is_opaque(above) {
            for inner in objects(value) {
                search_below(&inner, name, is_opaque, above, found);
            }
        }
        above.pop();
    }
}

/// Removes the member at a path, from every item of the lists on the way. Returns whether there was one.
pub(crate) fn remove(object: &mut Object<'_>, path: &[&str]) -> bool {
    let Some((first, rest)) = path.split_first() else { return false };
    if rest.is_empty() {
        return object.remove(first).is_some();
    }
    match object.get(first).and_then(|value| without(value, rest)) {
        Some(value) => {
            object.set((*first).to_owned(), value);
            true
        }
        None => false,
    }
}

/// A value without the member at a path; `None` if it has none.
fn without(value: &str, path: &[&str]) -> Option<String> {
    if !value.contains(path.last()?) {
        return None;
    }
    let from_object = |text: &str| {
        let mut object = Object::parse(text.as_bytes()).ok()?;
        remove(&mut object, path).then(|| object.to_json())
    };
    match value_kind(value) {
        ValueKind::Object => from_object(value),
        ValueKind::Array => {
            let mut has_changed = false;
            let text = path.join(".");
            let without_member = |item: &str| {
                let changed = match value_kind(item) {
                    ValueKind::String if decode_string(item).is_some_and(|item| item == text) => {
                        has_changed = true;
                        return None;
                    }
                    ValueKind::Object => from_object(item),
                    _ => None,
                };
                has_changed |= changed.is_some();
                Some(changed.unwrap_or_else(|| item.to_owned()))
            };
            let items: Vec<String> = items(value)?.into_iter().filter_map(without_member).collect();
            has_changed.then(|| encode_array(&items))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"tools":[{"name":"f","input_schema":{"x":{"cache_control":1}}},{"name":"g","cache_control":{}}],
        "messages":[{"content":"cache_control"},{"content":[{"type":"text","cache_control":{}},7]}],"generationConfig":{"topK":1}}"#;

    #[test]
    fn a_path_is_found_in_any_spelling_and_past_indexes_and_types() {
        let body = Object::parse(BODY.as_bytes()).unwrap();
        let path = |names: &[&str]| resolve(&body, names).map(|path| path.join("."));
        assert_eq!(path(&["tools", "1", "custom", "cache_control"]).as_deref(), Some("tools.cache_control"));
        assert_eq!(
            path(&["messages", "1", "content", "0", "cache_control"]).as_deref(),
            Some("messages.content.cache_control")
        );
        assert_eq!(path(&["generation_config", "top_k"]).as_deref(), Some("generationConfig.topK"));
        assert_eq!(path(&["tools", "0", "strict"]), None);
    }

    #[test]
    fn a_bare_name_is_found_wherever_it_stands_but_in_user_data() {
        let body = Object::parse(BODY.as_bytes()).unwrap();
        let found = search(&body, "cacheControl", &|path| path.ends_with(&[String::from("input_schema")]));
        let found: Vec<String> = found.iter().map(|path| path.join(".")).collect();
        assert_eq!(found, ["tools.cache_control", "messages.content.cache_control"]);
    }

    #[test]
    fn a_member_is_removed_from_every_item() {
        let mut body = Object::parse(BODY.as_bytes()).unwrap();
        assert!(remove(&mut body, &["tools", "name"]) && remove(&mut body, &["generationConfig", "topK"]));
        assert!(remove(&mut body, &["messages", "content", "cache_control"]));
        assert!(!remove(&mut body, &["messages", "content", "cache_control"]));
        assert_eq!(body.get("generationConfig"), Some("{}"));
        let mut list = Object::parse(br#"{"include":["a.b","a.b.c",7]}"#).unwrap();
        assert!(remove(&mut list, &["include", "a", "b"]) && !remove(&mut list, &["include", "x"]));
        assert_eq!(list.get("include"), Some(r#"["a.b.c",7]"#));
        assert_eq!(
            body.get("messages"),
            Some(r#"[{"content":"cache_control"},{"content":[{"type":"text"},7]}]"#)
        );
    }
}
