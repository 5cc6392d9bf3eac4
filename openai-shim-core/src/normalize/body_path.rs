//! Places in a request body: a key, or the keys of nested objects with dots between.
//!
//! Google's API takes its keys in two spellings: a key of a place in `camelCase` also stands for the one in `snake_case`.

use crate::json::{Object, ValueKind, value_kind};
use std::borrow::Cow;

/// The raw value at a place.
pub(crate) fn get<'b>(body: &'b Object<'_>, path: &str) -> Option<Cow<'b, str>> {
    if let Some(value) = body.get(spelling(body, path).as_ref()) {
        return Some(Cow::Borrowed(value));
    }
    let (key, rest) = path.split_once('.')?;
    let inner = body.object(spelling(body, key).as_ref())?;
    get(&inner, rest).map(|value| Cow::Owned(value.into_owned()))
}

/// The raw value at a place; `None` also when it is `null`.
pub(crate) fn non_null<'b>(body: &'b Object<'_>, path: &str) -> Option<Cow<'b, str>> {
    get(body, path).filter(|value| value_kind(value) != ValueKind::Null)
}

/// Sets the value at a place; objects on the way are added.
pub(crate) fn set(body: &mut Object<'_>, path: &str, value: String) {
    let is_key = body.get(spelling(body, path).as_ref()).is_some();
    match path.split_once('.').filter(|_| !is_key) {
        None => {
            let key = spelling(body, path).into_owned();
            body.set(key, value);
        }
        Some((key, rest)) => {
            let key = spelling(body, key).into_owned();
            let mut inner = body.object(&key).map(Object::into_owned).unwrap_or_default();
            set(&mut inner, rest, value);
            body.set(key, inner.to_json());
        }
    }
}

/// Removes the value at a place, with objects that it was alone in. Returns whether there was one.
pub(crate) fn remove(body: &mut Object<'_>, path: &str) -> bool {
    let key = spelling(body, path).into_owned();
    if body.remove(&key).is_some() {
        return true;
    }
    let Some((key, rest)) = path.split_once('.') else { return false };
    let key = spelling(body, key).into_owned();
    let Some(mut inner) = body.object(&key).map(Object::into_owned) else { return false };
    let is_removed = remove(&mut inner, rest);
    match (is_removed, inner.is_empty()) {
        (false, _) => {}
        (true, true) => drop(body.remove(&key)),
        (true, false) => body.set(key, inner.to_json()),
    }
    is_removed
}

/// Moves the value at a place to another one; a value that is there already stays. Returns whether there was one to move.
pub(crate) fn rename(body: &mut Object<'_>, from: &str, to: &str) -> bool {
    let Some(value) = non_null(body, from).map(Cow::into_owned) else { return false };
    remove(body, from);
    if non_null(body, to).is_none() {
        set(body, to, value);
    }
    true
}

/// The key by which an object has the field with this name.
fn spelling<'k>(object: &Object<'_>, name: &'k str) -> Cow<'k, str> {
    let is_camel_case = name.bytes().any(|byte| byte.is_ascii_uppercase());
    if !is_camel_case || object.get(name).is_some() {
        return Cow::Borrowed(name);
    }
    let found = object.iter().map(|(key, _)| key).find(|key| is_snake_case_of(key, name));
    found.map_or(Cow::Borrowed(name), |key| Cow::Owned(key.to_owned()))
}

/// Whether `key` is `name` with an underscore and a small letter for each capital letter.
fn is_snake_case_of(key: &str, name: &str) -> bool {
    key.len() > name.len()
        && key
            .bytes()
            .filter(|byte| *byte != b'_')
            .map(|byte| byte.to_ascii_lowercase())
            .eq(name.bytes().map(|byte| byte.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_leads_into_an_object() {
        let mut body = Object::parse(br#"{"a":{"b":1},"generation_config":{"top_k":2},"c.d":3}"#).unwrap();
        assert_eq!(get(&body, "a.b").as_deref(), Some("1"));
        assert_eq!(get(&body, "generationConfig.topK").as_deref(), Some("2"));
        assert_eq!(get(&body, "c.d").as_deref(), Some("3"));
        assert_eq!(get(&body, "a.x.y"), None);
        set(&mut body, "generationConfig.topP", String::from("0.5"));
        set(&mut body, "e.f.g", String::from("4"));
        assert!(remove(&mut body, "a.b") && !remove(&mut body, "a.b"));
        let expected = r#"{"generation_config":{"top_k":2,"topP":0.5},"c.d":3,"e":{"f":{"g":4}}}"#;
        assert_eq!(body.to_json(), expected);
    }
}
