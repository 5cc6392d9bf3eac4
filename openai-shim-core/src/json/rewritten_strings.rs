//! JSON to JSON with some of its strings replaced: names and values, and the strings of JSON that stands in a string.

use super::string::skip_string;
use super::{decode_string, encode_string};

/// Calls `rewrite` with every string of a JSON text, and puts what it returns in place of it; all other bytes remain. `None` if
/// nothing was replaced.
///
/// A string that is JSON itself, such as the arguments of a tool call, is rewritten inside first. Each level of strings in strings
/// has at least twice the bytes of the one in it, so that the work is linear.
pub(crate) fn rewrite_strings(json: &str, rewrite: &mut dyn FnMut(&str) -> Option<String>) -> Option<String> {
    let mut out = String::new();
    let (mut copied, mut position) = (0, 0);
    while let Some(start) = json.get(position..).and_then(|rest| rest.find('"')).map(|found| position + found)
    {
        let Some(end) = skip_string(json.as_bytes(), start + 1) else { break };
        let text = json.get(start..end).and_then(decode_string);
        if let Some(rewritten) = text.and_then(|text| rewrite_string(&text, rewrite)) {
            out.push_str(json.get(copied..start).unwrap_or_default());
            out.push_str(&encode_string(&rewritten));
            copied = end;
        }
        position = end;
    }
    (copied > 0).then(|| out + json.get(copied..).unwrap_or_default())
}

fn rewrite_string(text: &str, rewrite: &mut dyn FnMut(&str) -> Option<String>) -> Option<String> {
    let is_json = text.trim_start().starts_with(['{', '['])
        && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    let inner = if is_json { rewrite_strings(text, rewrite) } else { None };
    rewrite(inner.as_deref().unwrap_or(text)).or(inner)
}

#[cfg(test)]
mod tests {
    use super::rewrite_strings;

    fn without_secret(json: &str) -> Option<String> {
        rewrite_strings(json, &mut |text| text.contains("555").then(|| text.replace("555", "[x]")))
    }

    #[test]
    fn every_string_is_rewritten_and_all_other_bytes_remain() {
        let json =
            r#"{ "a555" : [1.50, "5\u00355", {"b":"{\"c\":\"\\u00355\\u0035\",\"d\":555}"}], "e":"x" }"#;
        let expected = r#"{ "a[x]" : [1.50, "[x]", {"b":"{\"c\":\"[x]\",\"d\":[x]}"}], "e":"x" }"#;
        assert_eq!(without_secret(json).unwrap(), expected);
    }

    #[test]
    fn json_without_a_match_is_not_copied() {
        for json in [r#"{"a":555}"#, "[]", r#"{"a":"b"#, ""] {
            assert_eq!(without_secret(json), None, "{json}");
        }
    }
}
