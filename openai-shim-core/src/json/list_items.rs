//! JSON object to its members and the objects in one of its lists, in one pass.

use super::object::Object;
use super::raw_value::{ValueKind, items, value_kind};
use super::scan;

/// An item of a list.
#[derive(Debug, Clone)]
pub(crate) struct ListItem<'a> {
    /// The raw text of the item.
    pub(crate) text: &'a str,
    /// The item's members; `None` if it is not an object.
    pub(crate) object: Option<Object<'a>>,
    /// The requested member of the item; `None` if it is not an object.
    pub(crate) inner: Option<Object<'a>>,
}

impl<'a> Object<'a> {
    /// Parses an object and, in the same pass, the items of its member `list_key` and the object `inner_key` of each item.
    /// There are no items if the member is not a list.
    pub(crate) fn parse_with_items(
        json: &'a [u8],
        list_key: &str,
        inner_key: &str,
    ) -> Result<(Self, Vec<ListItem<'a>>), serde_json::Error> {
        if let Some(parsed) = scan::utf8(json).and_then(|text| scan_with_items(text, list_key, inner_key)) {
            return Ok(parsed);
        }
        let object = Self::parse(json)?;
        let list = object.original(list_key).and_then(items).unwrap_or_default();
        let list = list.into_iter().map(|text| {
            let object = Self::parse(text.as_bytes()).ok();
            ListItem { text, inner: object.as_ref().and_then(|object| object.inner(inner_key)), object }
        });
        let list = list.collect();
        Ok((object, list))
    }

    /// Parses an object and calls `visit` with each object in its member `list_key` and the object's text, without keeping
    /// them. `None` if [`parse`](Self::parse) must decide; `visit` may have been called for some items by then.
    pub(crate) fn visit_items(
        json: &'a [u8],
        list_key: &str,
        visit: &mut dyn FnMut(&Self, &'a str),
    ) -> Option<Self> {
        let text = scan::utf8(json)?;
        let mut item = Self::new();
        scan_with_list(text, list_key, &mut |at| {
            item.clear();
            let end = scan::visit_object(text, at, &mut |key, at| item.push_value(text, key, at))?;
            visit(&item, text.get(at..end)?);
            Some(end)
        })
    }
}

/// `None` if the text must be parsed step by step.
fn scan_with_items<'a>(
    text: &'a str,
    list_key: &str,
    inner_key: &str,
) -> Option<(Object<'a>, Vec<ListItem<'a>>)> {
    let bytes = text.as_bytes();
    let mut list = Vec::new();
    let mut scan_item = |at| {
        if bytes.get(at) != Some(&b'{') {
            let end = scan::skip_value(bytes, at)?;
            list.push(ListItem { text: text.get(at..end)?, object: None, inner: None });
            return Some(end);
        }
        let (mut item, mut inner) = (Object::with_default_capacity(), None);
        let end = scan::visit_object(text, at, &mut |key, at| {
            if key != inner_key {
                return item.push_value(text, key, at);
            }
            if bytes.get(at) != Some(&b'{') {
                inner = None;
                return item.push_value(text, key, at);
            }
            let mut object = Object::with_default_capacity();
            let end = scan::visit_object(text, at, &mut |key, at| object.push_value(text, key, at))?;
            inner = Some(object);
            item.push_member(key, text.get(at..end)?)?;
            Some(end)
        })?;
        (!item.has_escaped_keys()).then_some(())?;
        list.push(ListItem { text: text.get(at..end)?, object: Some(item), inner });
        Some(end)
    };
    let object = scan_with_list(text, list_key, &mut scan_item)?;
    Some((object, list))
}

/// Parses an object. `scan_item` receives the start of each item of the list `list_key` and returns its end. `None` if the text
/// must be parsed step by step.
fn scan_with_list<'a>(
    text: &'a str,
    list_key: &str,
    scan_item: &mut dyn FnMut(usize) -> Option<usize>,
) -> Option<Object<'a>> {
    let mut object = Object::with_default_capacity();
    let mut lists = 0;
    scan::match_whole(text, |at| {
        scan::visit_object(text, at, &mut |key, at| {
            if key != list_key || text.as_bytes().get(at) != Some(&b'[') {
                return object.push_value(text, key, at);
            }
            lists += 1;
            let end = scan::visit_array(text, at, &mut *scan_item)?;
            object.push_member(key, text.get(at..end)?)?;
            Some(end)
        })
    })?;
    // Of several members with the same key the last one counts: the scanned list must be that member.
    let is_unambiguous = !object.has_escaped_keys()
        && match object.get(list_key).map(value_kind) {
            Some(ValueKind::Array) => lists == 1,
            _ => lists == 0,
        };
    is_unambiguous.then_some(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pass_finds_the_same_items_as_step_by_step_parsing() {
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
                let parsed = Object::parse_with_items(json.as_bytes(), "c", "m");
                let Ok(expected) = Object::parse(json.as_bytes()) else {
                    assert!(parsed.is_err());
                    continue;
                };
                let (object, list) = parsed.unwrap();
                assert_eq!(object, expected);
                let texts: Vec<_> = list.iter().map(|item| item.text).collect();
                assert_eq!(texts, expected.array("c").unwrap_or_default(), "{json}");
                for item in list {
                    let expected = Object::parse(item.text.as_bytes()).ok();
                    assert_eq!(item.object, expected, "{json}");
                    assert_eq!(item.inner, expected.as_ref().and_then(|o| o.object("m")), "{json}");
                }
            }
        }
    }

    #[test]
    fn list_key_that_occurs_twice_is_parsed_step_by_step() {
        let visit = |json: &str| {
            let mut texts = Vec::new();
            let object =
                Object::visit_items(json.as_bytes(), "c", &mut |_, text| texts.push(text.to_owned()));
            object.map(|_| texts)
        };
        assert_eq!(
            visit(r#"{"c":[{"a":1},{}],"d":2}"#),
            Some(vec![r#"{"a":1}"#.to_owned(), "{}".to_owned()])
        );
        assert_eq!(visit(r#"{"c":null}"#), Some(vec![]));
        for ambiguous in [
            r#"{"c":[{}],"c":[{"a":1}]}"#,
            r#"{"c":[{}],"\u0063":[{"a":1}]}"#,
            r#"{"c":[{}],"c":7}"#,
            r#"{"c":[7]}"#,
        ] {
            assert_eq!(visit(ambiguous), None, "{ambiguous}");
        }
    }
}
