//! An object and the objects in it, read in one pass.

use super::{Index, Object};
use crate::json::{ValueKind, items, scan, value_kind};
use std::borrow::Cow;

/// An item of a list.
#[derive(Debug, Clone)]
pub(crate) struct ListItem<'a> {
    /// Its raw text.
    pub(crate) text: &'a str,
    /// Its members; `None` if it is no object.
    pub(crate) object: Option<Object<'a>>,
    /// The object that the wanted one of these members is.
    pub(crate) inner: Option<Object<'a>>,
}

impl<'a> Object<'a> {
    /// Reads an object, in the same pass the items of the list that one of its members is, and of each item the object that
    /// its member `inner` is. Without such a list there are no items.
    pub(crate) fn with_items(
        json: &'a [u8],
        list: &str,
        inner: &str,
    ) -> Result<(Self, Vec<ListItem<'a>>), serde_json::Error> {
        if let Some(read) = scan::utf8(json).and_then(|text| nested(text, list, inner)) {
            return Ok(read);
        }
        let object = Self::parse(json)?;
        let listed = object.original(list).and_then(items).unwrap_or_default();
        let listed = listed.into_iter().map(|text| {
            let object = Self::parse(text.as_bytes()).ok();
            ListItem { text, inner: object.as_ref().and_then(|object| object.inner(inner)), object }
        });
        let listed = listed.collect();
        Ok((object, listed))
    }

    /// Reads an object and in the same pass the objects of a list among its members, which are handed over with the text of
    /// each. `None` for anything else, also after some were handed over: it is to be read step by step.
    pub(crate) fn with_list(
        json: &'a [u8],
        list: &str,
        each: &mut dyn FnMut(&Self, &'a str),
    ) -> Option<Self> {
        let text = scan::utf8(json)?;
        let mut item = Self::new();
        listing(text, list, &mut |at| {
            item.clear();
            let end = scan::object(text, at, &mut |key, at| item.value(text, key, at))?;
            each(&item, text.get(at..end)?);
            Some(end)
        })
    }

    /// A member that is an object, for as long as what it was read from; a changed one owns its text.
    pub(crate) fn inner(&self, key: &str) -> Option<Self> {
        match self.original(key) {
            Some(raw) => Some(raw)
                .filter(|raw| value_kind(raw) == ValueKind::Object)
                .and_then(|raw| Self::parse(raw.as_bytes()).ok()),
            None => self.object(key).map(Object::into_owned),
        }
    }

    /// Writes the object as JSON, with another one in the place of the member that has this key.
    pub(crate) fn write_with(&self, key: &str, inner: &Object<'_>, out: &mut String) {
        out.reserve(self.size() + inner.size());
        self.parts(Some((key, inner)), &mut |part| out.push_str(part));
    }

    /// Takes all members out.
    fn clear(&mut self) {
        self.members.clear();
        self.index = Index::default();
    }

    /// Whether a key came with escapes, so that comparing it needs its text.
    fn has_escaped_keys(&self) -> bool {
        self.members.iter().any(|(key, _)| matches!(key, Cow::Owned(_)))
    }
}

/// `None` for what must be read step by step.
fn nested<'a>(text: &'a str, list: &str, inner: &str) -> Option<(Object<'a>, Vec<ListItem<'a>>)> {
    let bytes = text.as_bytes();
    let mut listed = Vec::new();
    let mut item = |at| {
        if bytes.get(at) != Some(&b'{') {
            let end = scan::value(bytes, at)?;
            listed.push(ListItem { text: text.get(at..end)?, object: None, inner: None });
            return Some(end);
        }
        let (mut own, mut wanted) = (Object::roomy(), None);
        let end = scan::object(text, at, &mut |key, at| {
            if key != inner {
                return own.value(text, key, at);
            }
            if bytes.get(at) != Some(&b'{') {
                wanted = None;
                return own.value(text, key, at);
            }
            let mut object = Object::roomy();
            let end = scan::object(text, at, &mut |key, at| object.value(text, key, at))?;
            wanted = Some(object);
            own.take(key, text.get(at..end)?)?;
            Some(end)
        })?;
        (!own.has_escaped_keys()).then_some(())?;
        listed.push(ListItem { text: text.get(at..end)?, object: Some(own), inner: wanted });
        Some(end)
    };
    let object = listing(text, list, &mut item)?;
    Some((object, listed))
}

/// Reads an object, with `item` told where each item of one of its lists begins, to say where it ends. `None` for what must
/// be read step by step.
fn listing<'a>(
    text: &'a str,
    list: &str,
    item: &mut dyn FnMut(usize) -> Option<usize>,
) -> Option<Object<'a>> {
    let mut object = Object::roomy();
    let mut lists = 0;
    scan::whole(text, |at| {
        scan::object(text, at, &mut |key, at| {
            if key != list || text.as_bytes().get(at) != Some(&b'[') {
                return object.value(text, key, at);
            }
            lists += 1;
            let end = scan::array(text, at, &mut *item)?;
            object.take(key, text.get(at..end)?)?;
            Some(end)
        })
    })?;
    let plain = !object.has_escaped_keys()
        && match object.get(list).map(value_kind) {
            Some(ValueKind::Array) => lists == 1,
            _ => lists == 0,
        };
    plain.then_some(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pass_finds_what_step_by_step_finds() {
        for json in [
            r#"{"c":[{"i":0,"m":{"a":1}},{"m":"no"},7,{"m":{},"m":null},{"m":1,"m":{"b":2}}],"u":{}}"#,
            r#"{"c":[]}"#,
            r#"{"c":{"m":{}}}"#,
            r#"{"c":[1],"c":[2]}"#,
            r#"{"c":[1],"c":null}"#,
            r#"{"c":null,"c":[{"m":{}}]}"#,
            r#"{"c":[{"m":{}}],"\u0063":[1]}"#,
            r#"{"c":[{"\u006d":{"a":1}},{"m":{},"\u006d":7}]}"#,
            r#" { "c" : [ { "m" : { "a" : [ 1 ] } } , 2 ] } "#,
            r#"{"c":[{"m":{"a":}}]}"#,
            r"{}",
        ] {
            let deep = "[".repeat(70) + &"]".repeat(70);
            for json in [json.to_owned(), json.replacen("{\"c\"", &format!("{{\"d\":{deep},\"c\""), 1)] {
                let read = Object::with_items(json.as_bytes(), "c", "m");
                let Ok(object) = Object::parse(json.as_bytes()) else {
                    assert!(read.is_err());
                    continue;
                };
                let (own, listed) = read.unwrap();
                assert_eq!(own, object);
                let texts: Vec<_> = listed.iter().map(|item| item.text).collect();
                assert_eq!(texts, object.array("c").unwrap_or_default(), "{json}");
                for item in listed {
                    let object = Object::parse(item.text.as_bytes()).ok();
                    assert_eq!(item.object, object, "{json}");
                    assert_eq!(item.inner, object.as_ref().and_then(|o| o.object("m")), "{json}");
                }
            }
        }
    }

    #[test]
    fn a_list_that_is_there_twice_is_read_step_by_step() {
        let read = |json: &str| {
            let mut summary = Vec::new();
            let object =
                Object::with_list(json.as_bytes(), "c", &mut |_, text| summary.push(text.to_owned()));
            object.map(|_| summary)
        };
        assert_eq!(read(r#"{"c":[{"a":1},{}],"d":2}"#), Some(vec![r#"{"a":1}"#.to_owned(), "{}".to_owned()]));
        assert_eq!(read(r#"{"c":null}"#), Some(vec![]));
        for twice in [
            r#"{"c":[{}],"c":[{"a":1}]}"#,
            r#"{"c":[{}],"\u0063":[{"a":1}]}"#,
            r#"{"c":[{}],"c":7}"#,
            r#"{"c":[7]}"#,
        ] {
            assert_eq!(read(twice), None, "{twice}");
        }
    }
}
