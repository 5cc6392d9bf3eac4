//! JSON objects whose keys may be in snake case, as protocol buffers allow, to objects in camel case, as Google documents them.
//!
//! Only for objects of the API. The keys of arguments, tool results and schemas are the client's.

use crate::json::Object;

/// Parses an object, with its keys in camel case.
pub(super) fn parse_object(json: &str) -> Option<Object<'_>> {
    Object::parse(json.as_bytes()).ok().map(camel_case_keys)
}

/// Returns an object with its keys in camel case.
pub(super) fn camel_case_keys(object: Object<'_>) -> Object<'_> {
    if !object.iter().any(|(key, _)| key.contains('_')) {
        return object;
    }
    let mut out = Object::new();
    for (key, value) in object.iter() {
        out.set(camel_case(key), value.to_owned());
    }
    out
}

/// Returns a key in camel case.
pub(super) fn camel_case(key: &str) -> String {
    let mut out = String::with_capacity(key.len());
    let mut capitalize = false;
    for c in key.chars() {
        if c == '_' && !out.is_empty() {
            capitalize = true;
        } else if capitalize {
            out.push(c.to_ascii_uppercase());
            capitalize = false;
        } else {
            out.push(c);
        }
    }
    out
}
