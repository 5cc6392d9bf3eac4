//! The values of members called `name` in JSON text, replaced without building values.

use super::scan::{skip_space, skip_string, utf8};
use super::{decode_string, encode_string};
use std::collections::BTreeMap;

/// Replaces each value of a member `name`, at any depth, that is a key of `names`. Text between JSON values is kept: `json` may
/// be frames of a stream. `None` if there is nothing to replace.
///
/// A string that contains JSON is not touched: its quotation marks are escaped.
pub(crate) fn replace_names(json: &[u8], names: &BTreeMap<String, String>) -> Option<Vec<u8>> {
    const KEY: &[u8] = b"\"name\"";
    let mut out = Vec::new();
    let mut copied = 0;
    for at in memchr::memmem::find_iter(json, KEY) {
        let colon = skip_space(json, at + KEY.len());
        let start = skip_space(json, colon + 1);
        if json.get(colon) != Some(&b':') || json.get(start) != Some(&b'"') {
            continue;
        }
        let Some(end) = skip_string(json, start + 1) else { break };
        let name = json.get(start..end).and_then(utf8).and_then(decode_string);
        let Some(replacement) = name.and_then(|name| names.get(name.as_ref())) else { continue };
        out.extend_from_slice(json.get(copied..start).unwrap_or_default());
        out.extend_from_slice(encode_string(replacement).as_bytes());
        copied = end;
    }
    if copied == 0 {
        return None;
    }
    out.extend_from_slice(json.get(copied..).unwrap_or_default());
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_values_of_members_called_name_are_replaced() {
        let names = BTreeMap::from([(String::from("a_b"), String::from("a\"b"))]);
        let replaced =
            |json: &str| replace_names(json.as_bytes(), &names).map(|json| String::from_utf8(json).unwrap());
        assert_eq!(
            replaced(r#"data: {"name" : "a_b","names":"a_b","x":{"name":"c"}}"#).unwrap(),
            r#"data: {"name" : "a\"b","names":"a_b","x":{"name":"c"}}"#
        );
        for untouched in [
            r#"{"x":"name","y":"a_b"}"#,
            r#"{"s":"{\"name\":\"a_b\"}"}"#,
            r#"{"name":["a_b"]}"#,
            r#"{"name":"a_b"#,
        ] {
            assert_eq!(replaced(untouched), None, "{untouched}");
        }
    }
}
